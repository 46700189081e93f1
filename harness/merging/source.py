"""A run as it came, in one file or in several: where in them the records of a cell lie.

Records stay in their files, however many there are; memory holds where each begins.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, cast

import msgspec

from harness.core.errors import ResultsError
from harness.merging.heading import badness
from harness.results import store
from harness.results.records import (
    CellFacts,
    Check,
    Footer,
    Header,
    LaneRecord,
    Note,
    Rounds,
    Route,
    Trial,
    changed,
)

CellRecord = Trial | Rounds | Check | LaneRecord
TOTALS = ("trials", "checks", "counts")
"""What a footer counts."""


class Key(NamedTuple):
    """What a record is of, apart from its cell: so they are sorted, and told from copies.
    `nth` tells those of a file apart that are of the same otherwise."""

    kind: str
    round: int
    arm: str
    profile: str
    attempt: int
    nth: int = 0


class LinePlace(NamedTuple):
    """Where a record lies."""

    key: Key
    file: Path
    start: int
    size: int
    version: int


def key_of(record: CellRecord) -> Key:
    """What a record of a cell is of."""
    kind = str(record.__struct_config__.tag)
    if isinstance(record, Check):
        return Key(kind, 0, record.driver, record.profile, 0)
    if isinstance(record, Trial):
        return Key(kind, record.round, record.arm, "", record.attempt)
    if isinstance(record, Rounds):
        return Key(kind, 0, record.arm, "", 0)
    return Key(kind, record.repeat, record.arm, "", 0)


def total_of(record: CellRecord) -> str:
    """The total of a footer that counts a record; empty if none does."""
    if isinstance(record, LaneRecord):
        return record.footed
    return {Trial: "trials", Check: "checks", Rounds: "folded"}.get(type(record), "")


@dataclass(slots=True)
class Indexed:
    """A results file that was gone through once."""

    path: Path
    header: Header
    footer: Footer
    places: dict[str, list[LinePlace]] = field(default_factory=lambda: defaultdict(list))
    notes: list[Note] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    totals: Counter[str] = field(default_factory=Counter)


def index(path: Path) -> Indexed:
    """Go through a file.

    Raises:
        ResultsError: it is damaged, or was cut.
    """
    lines = store.records(path)
    _, header = next(lines)
    found = Indexed(path, cast("Header", header), _NO_FOOTER)
    seen: Counter[tuple[str, Key]] = Counter()
    for line, record in lines:
        if isinstance(record, Footer):
            found.footer = record
        elif isinstance(record, Note):
            found.notes.append(record)
        elif isinstance(record, Route):
            found.routes.append(record)
        elif record is not None:
            _remember(found, cast("CellRecord", record), line, seen)
    if found.footer is _NO_FOOTER:
        raise ResultsError(
            f"{path} was cut: it has no footer", hint="run its job again: pgdyno run-job"
        )
    return found


_NO_FOOTER = Footer(ended="", reason="", trials=0, checks=0, elapsed_ns=0)


def _remember(
    found: Indexed,
    record: CellRecord,
    line: store.FileLine,
    seen: Counter[tuple[str, Key]],
) -> None:
    key = key_of(record)
    nth = seen[record.cell, key]
    seen[record.cell, key] += 1
    place = LinePlace(
        key._replace(nth=nth) if nth else key,
        found.path,
        line.place,
        len(line.text),
        found.header.schema,
    )
    found.places[record.cell].append(place)
    found.totals[total_of(record)] += 1


class RunSource:
    """A run; what its files have in common is taken once."""

    def __init__(self, files: Sequence[Indexed]) -> None:
        """Of files that hold the same run.

        Raises:
            ResultsError: lines of it are missing.
        """
        self.files = files
        self._check_whole()

    @property
    def header(self) -> Header:
        """What it says of itself; of its cells, only those of a file."""
        return self.files[0].header

    @property
    def cell_facts(self) -> list[CellFacts]:
        """The cells of all of its files."""
        return [cell for file in self.files for cell in file.header.cells]

    @property
    def notes(self) -> list[Note]:
        """The notes of all of its files."""
        return [note for file in self.files for note in file.notes]

    @property
    def routes(self) -> list[Route]:
        """The routes of all of its files."""
        return [route for file in self.files for route in file.routes]

    @property
    def named(self) -> str:
        """What it is called in a sentence."""
        job = self.header.job
        if job is None or not job.id:
            return f"run {self.header.run}"
        return f"job {job.id} (attempt {job.attempt + 1})"

    @property
    def began(self) -> tuple[str, str]:
        """When it was started; its id, where several were at once."""
        return self.header.started, self.header.run

    @cached_property
    def preference(self) -> tuple[object, ...]:
        """The smallest is believed where several have measured the same cell."""
        worst = max(badness(footer.reason) for footer in self.footers)
        attempt = self.header.job.attempt if self.header.job else 0
        return worst, attempt, *self.began

    @cached_property
    def cells(self) -> dict[str, list[LinePlace]]:
        """Where the records of each cell lie, each record once."""
        found: dict[str, dict[Key, LinePlace]] = defaultdict(dict)
        for file in self.files:
            for cell, places in file.places.items():
                for place in places:
                    found[cell].setdefault(place.key, place)
        return {cell: list(places.values()) for cell, places in found.items()}

    @cached_property
    def footers(self) -> list[Footer]:
        """What it took. Files of a run that was split may all say what the whole took."""
        bare = [changed(file.footer, **dict.fromkeys(TOTALS, 0)) for file in self.files]
        return list({msgspec.json.encode(footer): footer for footer in bare}.values())

    def _check_whole(self) -> None:
        """No line may be missing; those of the other files count, where it was split."""
        totals = sum((file.totals for file in self.files), Counter[str]())
        if totals["folded"]:
            return  # the footer of a baseline counts what was folded
        for file in self.files:
            for name in TOTALS:
                told = getattr(file.footer, name)
                if totals[name] < told:
                    raise ResultsError(
                        f"{file.path} is damaged: its footer counts {told:,} {name}, and "
                        f"{totals[name]:,} are there",
                        hint="run its job again: pgdyno run-job",
                    )


def read_again(places: Iterable[LinePlace]) -> Iterator[CellRecord]:
    """The records that lie there, in this order."""
    for file, group in groupby(places, attrgetter("file")):
        same = list(group)
        spans = ((place.start, place.size) for place in same)
        yield from store.again(file, spans, same[0].version)
