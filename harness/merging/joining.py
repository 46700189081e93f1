"""Runs that were measured in parts become whole runs again.

Parts are joined if the same machine made them of one plan, with the same drivers on the
same server. What is written depends on what the parts say, and not on their order, their
names, or how the run was split. One run at a time is held, and of it where its records lie.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from glob import escape
from pathlib import Path
from typing import TypeVar

import msgspec

from harness.core.errors import ResultsError
from harness.merging import heading
from harness.merging.files import published
from harness.merging.parts import (
    RunPart,
    Sorted,
    differences,
    executions,
    kinship_of,
    results_files,
    sort_out,
)
from harness.merging.source import (
    TOTALS,
    CellRecord,
    Indexed,
    LinePlace,
    RunSource,
    index,
    read_again,
    total_of,
)
from harness.results import store
from harness.results.lines import encoded
from harness.results.records import CellFacts, Footer, Header, Note, Route

T = TypeVar("T")
Problem = tuple[Path, ResultsError]


@dataclass(slots=True)
class Joining:
    """Files on their way to whole runs. `left_out` is complete when all were taken."""

    found: Sorted
    left_out: list[Problem] = field(default_factory=list)

    @property
    def apart(self) -> list[str]:
        """What kept parts of one plan apart that might have been expected to fit."""
        return differences(self.found.kin)

    def __iter__(self) -> Iterator[Whole]:
        """The whole runs; each is to be used before the next is taken."""
        self.left_out = list(self.found.unreadable)
        for _, parts in sorted(self.found.kin.items()):
            for execution in executions(parts):
                if sources := list(self._sources(execution)):
                    yield Whole(sources)

    def _sources(self, parts: Sequence[RunPart]) -> Iterator[RunSource]:
        runs: dict[str, list[Indexed]] = defaultdict(list)
        for part in parts:
            if file := self._tried(part.path, partial(index, part.path)):
                runs[part.run].append(file)
        for files in runs.values():
            if source := self._tried(files[0].path, partial(RunSource, files)):
                yield source

    def _tried(self, path: Path, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except ResultsError as error:
            self.left_out.append((path, error))
            return None


def joined(paths: Iterable[Path]) -> Joining:
    """The whole runs that files, and the files in folders, are parts of.

    To go through it reads them; those that cannot be read are in `left_out` afterwards.
    """
    return Joining(sort_out(results_files(paths)))


class Whole:
    """A whole run, ready to be written."""

    def __init__(self, sources: Sequence[RunSource]) -> None:
        """Of its parts. Where several have measured a cell, one of them counts, for all
        arms: times of two parts are no pairs."""
        self._chosen: dict[str, tuple[RunSource, list[LinePlace]]] = {}
        for source in sorted(sources, key=lambda source: source.preference):
            for cell, places in source.cells.items():
                self._chosen.setdefault(cell, (source, places))
        used = {source for source, _ in self._chosen.values()}
        ordered = sorted(sources, key=lambda source: source.began)
        self._sources = [source for source in ordered if source in used or not source.cells]
        self._doubled = _doubled(ordered, self._chosen)

    @cached_property
    def header(self) -> Header:
        """What its parts say of themselves together."""
        headers = [file.header for source in self._sources for file in source.files]
        return heading.header(headers, self._cells().values())

    @property
    def paths(self) -> list[Path]:
        """The files that it was made of."""
        return [file.path for source in self._sources for file in source.files]

    @property
    def jobs(self) -> list[str]:
        """The jobs whose results are in it."""
        return [part.job for part in heading.parts(self.header)]

    @property
    def remarks(self) -> list[Note]:
        """What became of parts that were run more than once."""
        headers = [source.header for source in self._sources]
        return [*heading.again(headers), *self._doubled]

    @property
    def name(self) -> str:
        """The name of its file."""
        return heading.file_name(self.header)

    def lines(self) -> Iterator[bytes]:
        """Its file, line by line."""
        order = {cell.id: number for number, cell in enumerate(self.header.cells)}
        yield encoded([self.header])
        yield encoded(self._routes())
        yield encoded(self._notes(order))
        totals: Counter[str] = Counter()
        for record in self._records(order):
            totals[total_of(record)] += 1
            yield encoded([record])
        counted = {name: totals[name] for name in TOTALS}
        yield encoded([heading.footer(self._footers(), counted)])

    def write(self, folder: Path) -> Path:
        """Write its file into a folder; nobody ever sees a part of it. A file that is there
        is kept if it says the same, and replaced if it was joined of fewer parts, also if
        it is called otherwise because a part that began earlier was not there yet.

        Raises:
            ResultsError: it cannot be written, or something else has its name.
        """
        path = folder / self.name
        with published(path, self._replaces) as fresh, fresh.open("wb") as file:
            file.writelines(self.lines())
        for other in folder.glob(f"{escape(heading.file_stem(self.header))}-*.jsonl"):
            if other != path and self._replaces(other):
                other.unlink(missing_ok=True)
        return path

    def _replaces(self, path: Path) -> bool:
        try:
            before, after = store.header_of(path), self.header
        except ResultsError:
            return False
        return kinship_of(before) == kinship_of(after) and heading.grew(before, after)

    # --- the lines ---------------------------------------------------------------------

    def _cells(self) -> dict[str, CellFacts]:
        found: dict[str, CellFacts] = {}
        for source in self._sources:
            for cell in source.cell_facts:
                if self._counts(source, cell.id):
                    found[cell.id] = cell
        return found

    def _counts(self, source: RunSource, cell: str) -> bool:
        """Whether what a part says of a cell counts: of no cell in particular, it does."""
        return cell not in self._chosen or self._chosen[cell][0] is source

    def _routes(self) -> list[Route]:
        routes = (route for source in self._sources for route in source.routes)
        return _distinct(routes)

    def _notes(self, order: dict[str, int]) -> list[Note]:
        """Those of the run as a whole, then those of its cells."""
        kept = [
            note
            for source in self._sources
            for note in source.notes
            if self._counts(source, note.cell)
        ]
        found = _distinct([*kept, *self.remarks])
        return sorted(found, key=lambda note: order.get(note.cell, -1))

    def _records(self, order: dict[str, int]) -> Iterator[CellRecord]:
        """By cell, round, arm and attempt."""
        cells = sorted(self._chosen, key=lambda cell: (order.get(cell, len(order)), cell))
        rank = self._rank()
        return read_again(
            place for cell in cells for place in sorted(self._chosen[cell][1], key=rank)
        )

    def _rank(self) -> Callable[[LinePlace], tuple[object, ...]]:
        """The place of a record among those of its cell."""
        arms: dict[tuple[str, str], int] = {}
        for number, arm in enumerate(self.header.arms):
            arms[arm.id, arm.profile] = number
            arms.setdefault((arm.id, ""), number)  # records of times name no profile

        def rank(place: LinePlace) -> tuple[object, ...]:
            kind, number, arm, profile, attempt, nth = place.key
            seat = arms.get((arm, profile), len(arms))
            return number, seat, arm, profile, kind, attempt, nth

        return rank

    def _footers(self) -> list[Footer]:
        return [footer for source in self._sources for footer in source.footers]


def _distinct(records: Iterable[T]) -> list[T]:
    """Each once, in an order that does not depend on theirs."""
    found = {msgspec.json.encode(record): record for record in records}
    return [found[key] for key in sorted(found)]


def _doubled(
    ordered: Sequence[RunSource], chosen: dict[str, tuple[RunSource, list[LinePlace]]]
) -> list[Note]:
    """What was measured twice and is left out."""
    lost: Counter[tuple[RunSource, RunSource]] = Counter()
    for source in ordered:
        for cell in source.cells:
            if chosen[cell][0] is not source:
                lost[source, chosen[cell][0]] += 1
    return [
        Note(
            kind="twice",
            text=f"{count} {'cell' if count == 1 else 'cells'} of {source.named} left out: "
            f"{other.named} has measured the same",
        )
        for (source, other), count in lost.items()
    ]
