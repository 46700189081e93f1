"""What a reader calls a machine: told by any of its runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.core.errors import ResultsError
from harness.history.places import Partition, files

_UNREADABLE = (pa.ArrowException, OSError, ValueError, KeyError, ResultsError)


def described(store: Path, places: Iterable[Partition]) -> str:
    """`AMD EPYC 7763, 2 cores`, from the first run that says so; empty if none does."""
    for place in places:
        folder = store / "runs" / place.folder
        for name in _names(folder):
            try:
                return _told(folder / name)
            except _UNREADABLE:
                continue
    return ""


def _names(folder: Path) -> list[str]:
    try:
        return sorted(name for name in files(folder) if (folder / name).is_file())
    except ResultsError:
        return []


def _told(path: Path) -> str:
    with pq.ParquetFile(path) as file:
        row = file.read(columns=["system", "cpu", "cores"]).to_pylist()[0]
    cores = f"{row['cores']} core" + ("" if row["cores"] == 1 else "s")
    return ", ".join(filter(None, (row["cpu"], cores, row["system"])))
