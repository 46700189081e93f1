"""A run is added to a store: one file for each table, and then the summary of its month."""

from __future__ import annotations

from pathlib import Path

from harness.history import parquet, summary
from harness.history.places import Partition, file_name, partition_of
from harness.history.tables import TABLES
from harness.results import store as results
from harness.results.records import Run


def add(run: Run, store: Path) -> tuple[Partition, bool]:
    """Write the files of a run; they replace those of an earlier time.

    Returns:
        Where they lie, and whether the run had been there before.

    Raises:
        ResultsError: the run says no time, or a file cannot be written.
    """
    place, name = partition_of(run.header), file_name(run.header.run)
    files = {table: store / table / place.folder / name for table in TABLES}
    known = files["runs"].exists()
    for table, path in files.items():
        columns = parquet.schema(TABLES[table], run=run.header.run)
        parquet.write(path, columns, parquet.tables(TABLES[table].rows(run), columns))
    return place, known


def add_file(path: Path, store: Path) -> tuple[Partition, bool]:
    """The same of a results file.

    Raises:
        ResultsError: it cannot be read, or not be stored.
    """
    return add(results.read(path), store)


def summarise(store: Path, place: Partition) -> None:
    """Bring the summary of a month up to date, where that is worth its cost."""
    summary.Month(store, place).renew()
