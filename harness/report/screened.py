"""Which passes were left out of a run, and what all of them together would have said."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.times import RunTimes, measured, unscreened
from harness.report import format as fmt
from harness.report.cells import CellView, Row, views_of
from harness.results.records import Run

NOTABLE = math.log(1.01)
"""A time that all passes together change by less is not worth a line."""
UNEVEN = 0.10
"""Cells whose shares of passes left out lie further apart are named."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class CellPasses:
    """The passes of one cell in all blocks that count, and how many of them do not."""

    cell: str
    left_out: int
    passes: int

    @property
    def share(self) -> float:
        """How much of the cell was left out."""
        return self.left_out / self.passes if self.passes else 0.0


@dataclass(frozen=True, slots=True)
class Shift:
    """One arm in one cell as it stands in the report, and as all passes would have it.

    Times are ns per op; `change` is the log-ratio of the first to the second. `ranks` are
    the two marks where they differ, else empty.
    """

    cell: str
    arm: str
    time: float
    with_all: float
    ranks: tuple[str, ...] = ()

    @property
    def marks(self) -> str:
        """Both ranks, the one with all passes in brackets: `1 (= 1)`; empty if equal."""
        return f"{self.ranks[0]} ({self.ranks[1]})" if self.ranks else ""

    @property
    def change(self) -> float:
        """How far the passes that were left out would have moved the time."""
        return math.log(self.time / self.with_all)


@dataclass(frozen=True, slots=True)
class Screening:
    """What was left out of a run. `shifts` are the arms that all passes would have shown
    notably otherwise, `times` is how many arms have a time at all."""

    cells: tuple[CellPasses, ...]
    shifts: tuple[Shift, ...]
    times: int

    @property
    def left_out(self) -> int:
        """How many passes do not count."""
        return sum(cell.left_out for cell in self.cells)

    @property
    def passes(self) -> int:
        """How many there were in the blocks that count."""
        return sum(cell.passes for cell in self.cells)

    @property
    def share(self) -> float:
        """How much was left out."""
        return self.left_out / self.passes if self.passes else 0.0

    @property
    def sentence(self) -> str:
        """How many passes were left out, where, and why."""
        if not self.left_out:
            return f"All {fmt.plural(self.passes, 'pass')} count: nobody had to wait."
        return (
            f"{self.left_out:,} of {fmt.plural(self.passes, 'pass')} "
            f"({fmt.percentage(self.share)}) were left out, for all drivers alike, because "
            f"somebody had to wait for a processor{self._where}."
        )

    @property
    def _where(self) -> str:
        """The cells that lost most, where some lost much more than others."""
        shares = [cell.share for cell in self.cells]
        if max(shares) - min(shares) < UNEVEN:
            return ""
        most = sorted(self.cells, key=lambda cell: -cell.share)[:_NAMED]
        named = (f"{fmt.percentage(cell.share)} in {cell.cell}" for cell in most)
        return f", most of all {', '.join(named)}"

    @property
    def effect(self) -> str:
        """What all passes together would have said; empty where all count."""
        if not self.left_out:
            return ""
        return f"With all passes counted, {self._times} and {self._ranks}."

    @property
    def _times(self) -> str:
        notable = [shift for shift in self.shifts if abs(shift.change) >= NOTABLE]
        limit = fmt.change(NOTABLE, sign=False, decimals=0)
        if not notable:
            return f"no time would differ by more than {limit}"
        most = max(notable, key=lambda shift: abs(shift.change))
        return (
            f"{len(notable)} of {fmt.plural(self.times, 'time')} would differ by more than "
            f"{limit} (at most {fmt.change(-most.change)}: {most.arm} in {most.cell})"
        )

    @property
    def _ranks(self) -> str:
        moved = sum(bool(shift.ranks) for shift in self.shifts)
        return f"{fmt.plural(moved, 'rank') if moved else 'no rank'} would change"


def screening(run: Run, cells: Sequence[CellView]) -> Screening | None:
    """What was left out of the cells of a report; None where nobody looked for waiting, or
    no block was quiet."""
    found = measured(run)
    looked = any(series.watched or series.left_out for series in found.series.values())
    passes = tuple(_passes(found, cells))
    if not looked or not passes:
        return None
    shifts = tuple(_shifts(run, cells)) if found.screened else ()
    times = sum(row.time is not None for cell in cells for row in cell.rows)
    return Screening(passes, shifts, times)


def _passes(found: RunTimes, cells: Sequence[CellView]) -> Iterator[CellPasses]:
    """Arms of a block have the same passes, so the one with most blocks tells of all. Of
    blocks that only stand in because none was quiet no pass was left out."""
    for cell in cells:
        told = [
            CellPasses(cell.facts.id, sum(map(len, series.left_out.values())), count)
            for (name, _), series in found.series.items()
            if name == cell.facts.id and not series.in_doubt and (count := series.passes)
        ]
        if told:
            yield max(told, key=lambda passes: passes.passes)


def _shifts(run: Run, cells: Sequence[CellView]) -> Iterator[Shift]:
    for cell, other in zip(cells, views_of(run, unscreened(run)), strict=True):
        before = {row.arm: row for row in other.rows}
        for row in cell.rows:
            shift = _shift(cell.facts.id, row, before[row.arm])
            if shift and (abs(shift.change) >= NOTABLE or shift.ranks):
                yield shift


def _shift(cell: str, row: Row, before: Row) -> Shift | None:
    if row.time is None or before.time is None:
        return None
    moved = (row.rank, row.tied) != (before.rank, before.tied)
    ranks = (row.mark or fmt.NONE, before.mark or fmt.NONE) if moved else ()
    return Shift(cell, row.arm, row.time.point, before.time.point, ranks)
