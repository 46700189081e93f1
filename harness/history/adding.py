"""A run is added to a store: one file for each table, and then the summary of its month."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.core.errors import ResultsError
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
        ResultsError: the run says no time, a file cannot be written, or the store has the
            whole run already and this one was cut.
    """
    place, name = partition_of(run.header), file_name(run.header.run)
    files = {table: store / table / place.folder / name for table in TABLES}
    known = files["runs"].exists()
    if known and run.truncated and _is_whole(files["runs"]):
        raise ResultsError("it was cut, and the store has the whole run already")
    for table, path in files.items():
        columns = parquet.schema(TABLES[table], run=run.header.run)
        parquet.write(path, columns, parquet.tables(TABLES[table].rows(run), columns))
    return place, known


def add_file(path: Path, store: Path) -> tuple[Partition, bool]:
    """The same of a results file.

    Raises:
        ResultsError: it cannot be read, or not be stored.
    """
    run = results.read(path)
    try:
        return add(run, store)
    except ResultsError as error:
        if str(path) not in str(error):
            raise ResultsError(f"{path}: {error}", hint=error.hint) from error
        raise


def _is_whole(file: Path) -> bool:
    """Whether the run that a store has was not cut; a file that cannot be read is none."""
    try:
        told = pq.read_table(file, columns=["truncated"], partitioning=None).to_pylist()
        return bool(told == [{"truncated": ""}])
    except (pa.ArrowException, OSError, ValueError, KeyError):
        return False


def summarise(store: Path, place: Partition) -> None:
    """Bring the summary of a month up to date, where that is worth its cost."""
    summary.Month(store, place).renew()
