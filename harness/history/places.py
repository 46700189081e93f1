"""Where things lie in a store: `TABLE/machine=…/month=…/RUN.parquet`.

A store is derived from results files, and each of its files from a single run. Writers
never touch a file of another run, so they need no lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from harness.core.errors import ResultsError
from harness.results.records import Header

DEFAULT = Path("results/store")
SUFFIX = ".parquet"
SUMMARY = "_summary"
"""Begins with an underscore, so that readers of Parquet folders pass it over."""


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """The runs of one machine in one month."""

    machine: str
    month: str

    @property
    def folder(self) -> Path:
        """Relative to a table's folder, in the form that Hive has given such names."""
        return Path(f"machine={self.machine}") / f"month={self.month}"


def partition_of(header: Header) -> Partition:
    """Where a run belongs."""
    return Partition(header.machine.key, f"{started(header):%Y-%m}")


def started(header: Header) -> datetime:
    """When the run was started, in UTC.

    Raises:
        ResultsError: the header does not say so in ISO 8601.
    """
    try:
        moment = datetime.fromisoformat(header.started)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ResultsError(
            f"run {header.run[:80]}: '{header.started[:80]}', when it was started, is no "
            "time",
            hint="a header says it like 2026-03-02T10:15:00+00:00",
        ) from error


def file_name(run: str) -> str:
    """The name of a run's files; an identity from outside cannot lead out of the folder."""
    name = quote(run, safe="", errors="surrogatepass")
    if not name:
        raise ResultsError("its run has no name, under which it would be stored")
    if len(name) > 200:
        raise ResultsError(f"its run has a name that is too long for a file: {run[:40]}…")
    if name[0] in "._":  # readers of Parquet folders pass over such names
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return name + SUFFIX


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file as it was when it was read: another size or time means other content."""

    size: int
    mtime_ns: int


def partitions(
    table: Path, machine: str = "", since: str = "", until: str = ""
) -> Iterator[Partition]:
    """The partitions of a table, pruned by the beginning of a machine's key and by months
    (`2026-03`, both included)."""
    for first in _folders(table, "machine="):
        if not first.startswith(machine):
            continue
        for month in _folders(table / f"machine={first}", "month="):
            if since <= month and (not until or month <= until):
                yield Partition(first, month)


def _folders(folder: Path, start: str) -> list[str]:
    return sorted(
        name.removeprefix(start) for name in _subfolders(folder) if name.startswith(start)
    )


def _subfolders(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir() if path.is_dir()]
    except OSError as error:
        raise ResultsError(f"{folder} cannot be read: {error.strerror}") from error


def files(folder: Path) -> dict[str, Stamp]:
    """The files of a partition by their names; what is still written is left out. A link
    that leads nowhere is a file without a size, so that its reader says what it is."""
    found = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX) and entry.name[0] not in "._":
                    found[entry.name] = _stamp(entry)
    except OSError as error:
        raise ResultsError(f"{folder} cannot be read: {error.strerror}") from error
    return found


def _stamp(entry: os.DirEntry[str]) -> Stamp:
    try:
        told = entry.stat()
    except OSError:
        return Stamp(-1, -1)
    return Stamp(told.st_size, told.st_mtime_ns)
