"""The ratios of a month in one file, sorted by cell: ten thousand files cost too much.

A summary may be lost or out of date at any time: it names the files that it was made of
and what they were like, and whoever reads it takes every other file by itself. So nobody
has to lock anything: of two who write it at once the later one wins, and the runs that
the other had added are read from their own files until somebody writes it again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.history import arrays, parquet
from harness.history.places import SUFFIX, SUMMARY, Partition, Stamp, file_name, files
from harness.history.tables import TABLES
from harness.report.columns import WORD

TABLE = TABLES["ratios"]

_GROUP = 8192
"""Rows of a group: a reader takes the groups that can hold its cell, no others."""

_STRAYS = 50
"""A summary is renewed when more than one in so many runs is not in it."""

_ORDER = ("cell", "control", "started", "run", "arm")
_ALL = tuple(TABLE.columns)
_WORDS = [name for name, dtype in TABLE.columns.items() if dtype == WORD]
_TYPES = {
    name: pa.dictionary(pa.int32(), pa.string())
    if name in _WORDS
    else parquet.type_of(TABLE, name)
    for name in _ALL
}
"""How the columns are read: each different text is kept once."""

_OPTIONAL = ("low", "high")

_UNREADABLE = (pa.ArrowException, msgspec.MsgspecError, OSError, ValueError, KeyError)

Sources = dict[str, Stamp]
"""The files that a summary was made of, as they were."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of the ratios, and which columns of them.

    `cell` may also be the beginning of some: a scenario, a family. An empty one is all.
    """

    columns: Sequence[str] = _ALL
    cell: str = ""
    controls: Collection[str] = ()

    def names(self, cell: str) -> bool:
        """Whether a cell is the one, or belongs to the family, scenario or case."""
        return cell == self.cell or cell.startswith(tuple(self.cell + c for c in "/#@"))

    def reaches(self, group: pq.RowGroupMetaData) -> bool:
        """Whether a group of a summary can hold cells that are wanted."""
        told = group.column(_CELL).statistics
        if told is None or not told.has_min_max:
            return True
        return bool(told.min <= self.cell + "\U0010ffff" and self.cell <= told.max)

    def rows(self, table: pa.Table) -> Iterator[tuple[Any, ...]]:
        """The wanted rows, each with the values of the wanted columns.

        By numpy: Arrow's own filter imports pandas, which takes longer than all the rest.
        """
        if not table.num_rows:
            return iter(())
        table = table.unify_dictionaries()
        keep = np.ones(table.num_rows, bool)
        if self.cell:
            keep &= arrays.where(table, "cell", self.names)
        if self.controls:
            keep &= arrays.where(table, "control", self.controls.__contains__)
        columns = (
            arrays.listed(table[name].combine_chunks(), keep) for name in self.columns
        )
        return zip(*columns, strict=True)

    @property
    def read(self) -> list[str]:
        """The columns that are needed to know which rows are wanted, too."""
        return [*dict.fromkeys((*self.columns, "cell", "control", "run"))]


_CELL = _ALL.index("cell")


@dataclass(slots=True)
class Month:
    """The ratios of one machine in one month. `broken` says which files cannot be read,
    and why; it grows while the month is read."""

    store: Path
    place: Partition
    broken: dict[Path, str] = field(default_factory=dict)
    _listed: dict[str, Stamp] | None = None

    @property
    def found(self) -> dict[str, Stamp]:
        """The files of the runs, as they were when the month was first read."""
        if self._listed is None:
            self._listed = files(self.folder)
        return self._listed

    @property
    def folder(self) -> Path:
        """Where the files of the runs lie."""
        return self.store / TABLE.name / self.place.folder

    @property
    def summary(self) -> Path:
        """Where the summary lies, if there is one."""
        folder = self.store / SUMMARY / self.place.folder.parent
        return folder / f"{self.place.folder.name}{SUFFIX}"

    def rows(self, wanted: Wanted) -> Iterator[tuple[Any, ...]]:
        """The wanted rows."""
        for table in self.tables(wanted):
            yield from wanted.rows(table)

    def tables(self, wanted: Wanted) -> Iterator[pa.Table]:
        """What can hold wanted rows: of the summary, and all that it does not know."""
        found = self.found
        summary, sources = self._opened()
        fresh = {name for name, stamp in found.items() if sources.get(name) == stamp}
        if summary is not None and fresh:
            with summary:
                yield from self._summarised(summary, wanted, sources.keys() - fresh)
        for name in sorted(found.keys() - fresh):
            table = self._of_run(name, wanted.read)
            if table is not None:
                yield table

    def renew(self) -> None:
        """Write the summary anew, if too much is not in it or no longer as it says."""
        found = self.found
        _, sources = self._opened()
        strays = {name for name, stamp in found.items() if sources.get(name) != stamp}
        if len(strays) * _STRAYS <= len(found) and sources.keys() <= found.keys():
            return
        rows = _ordered(_joined(self.tables(Wanted())))
        unread = {path.name for path in self.broken}
        kept = {name: stamp for name, stamp in found.items() if name not in unread}
        parquet.write(
            self.summary,
            rows.schema,
            [rows],
            group=_GROUP,
            facts={
                "form": parquet.FORM,
                "sources": msgspec.json.encode(kept).decode(),
            },
        )

    def _opened(self) -> tuple[pq.ParquetFile | None, Sources]:
        """The summary with its sources; none where it is lost or foreign."""
        try:
            file = pq.ParquetFile(self.summary, read_dictionary=_WORDS)
            facts = parquet.facts_of(file.metadata.metadata)
            if facts.get("form") == parquet.FORM:
                return file, msgspec.json.decode(facts["sources"], type=Sources)
        except _UNREADABLE:
            pass  # whatever it says can be read elsewhere
        return None, {}

    def _summarised(
        self, summary: pq.ParquetFile, wanted: Wanted, gone: Collection[str]
    ) -> Iterator[pa.Table]:
        """The wanted rows of a summary without those of runs that are `gone`."""
        names = [unquote(name.removesuffix(SUFFIX)) for name in gone]
        lost = pa.array(names, pa.string()) if names else None
        for number in range(summary.num_row_groups):
            if wanted.reaches(summary.metadata.row_group(number)):
                table = summary.read_row_group(number, columns=wanted.read)
                if lost is not None:
                    table = table.filter(pc.invert(pc.is_in(table["run"], lost)))
                yield table

    def _of_run(self, name: str, columns: Sequence[str]) -> pa.Table | None:
        """The ratios of a single run; None where its file is no file of a store."""
        path = self.folder / name
        try:
            if path.exists() and not path.is_file():  # a pipe would never end
                raise ValueError("it is no file")
            with pq.ParquetFile(path, read_dictionary=_WORDS) as file:
                facts = parquet.facts_of(file.metadata.metadata)
                if facts.get("form") != parquet.FORM or facts.get("table") != TABLE.name:
                    raise ValueError("it is not a file of a store of this form")
                if file_name(facts.get("run", "")) != name:
                    raise ValueError("it holds another run than its name says")
                _check_columns(file.schema_arrow)
                table = file.read(columns=list(columns))
                _check_values(table)
                return table
        except _UNREADABLE as error:
            self.broken[path] = _told(error)
            return None


def _told(error: Exception) -> str:
    """Why a file cannot be read; of a missing column Arrow tells the name only."""
    if isinstance(error, KeyError):
        return "it lacks columns of the ratios"
    return str(error).partition("\n")[0] or type(error).__name__


def _check_columns(found: pa.Schema) -> None:
    """Raises `ValueError` where a column is not there, or holds something else."""
    for name, dtype in _TYPES.items():
        if name not in found.names:
            raise ValueError(f"it has no column {name}")
        if found.field(name).type != dtype:
            raise ValueError(f"its column {name} is of the type {found.field(name).type}")


def _check_values(table: pa.Table) -> None:
    """Raises `ValueError` where a value is not there; an interval need not be."""
    for name in table.column_names:
        if name not in _OPTIONAL and table[name].null_count:
            raise ValueError(f"its column {name} has gaps")
        if table[name].type == pa.float64() and pc.any(pc.is_nan(table[name])).as_py():
            raise ValueError(f"its column {name} holds what is no number")


def _joined(tables: Iterable[pa.Table]) -> pa.Table:
    """Tables below each other; each different text is kept once."""
    some = [pa.Table.from_batches([], pa.schema(_TYPES.items()))]
    some += (table.replace_schema_metadata().select(_ALL) for table in tables)
    return pa.concat_tables(some).unify_dictionaries().combine_chunks()


def _ordered(rows: pa.Table) -> pa.Table:
    """The rows by `_ORDER`. Arrow sorts no dictionaries, but ranks what they hold."""
    keys = {name: _ranks(rows[name].combine_chunks()) for name in _ORDER}
    return rows.take(pc.sort_indices(pa.table(keys), [(key, "ascending") for key in keys]))


def _ranks(column: pa.Array) -> pa.Array:
    if not pa.types.is_dictionary(column.type):
        return column
    return pc.rank(column.dictionary, tiebreaker="dense").take(column.indices)
