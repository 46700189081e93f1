"""The counted part of a report: each cell with its arms, instructions, ratios, spreads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.analysis.instructions import ArmInstructions, arm_instructions
from harness.core.verdicts import Verdict
from harness.report import format as fmt
from harness.results.records import ArmFacts, CellFacts, Run

HEAD = ("instructions per op", "× least", "syscalls per op", "spread", "repeats")


@dataclass(frozen=True, slots=True)
class CountRow:
    """One arm in one cell; `verdict` is None where the arm was not even tried.

    `instructions` is the median over repeats, per op; `ratio` is times the least of the
    exact arms; `spread` is how far the repeats lie apart, max / min − 1; `syscalls` is
    None where they are not counted.
    """

    arm: str
    verdict: Verdict | None
    detail: str
    observed: str = ""
    expected: str = ""
    instructions: float | None = None
    ratio: float | None = None
    syscalls: float | None = None
    spread: float | None = None
    repeats: int = 0

    @property
    def status(self) -> str:
        """In a word, why there is no number."""
        return "not tried" if self.verdict is None else str(self.verdict)

    @property
    def least(self) -> bool:
        """Whether no exact arm needs less."""
        return self.ratio == 1 and self.verdict is Verdict.EXACT

    @property
    def figures(self) -> str:
        """Instructions per op: `55.4 k`."""
        return fmt.NONE if self.instructions is None else fmt.rate(self.instructions)

    @property
    def syscalls_text(self) -> str:
        """System calls per op: `2.00`."""
        return fmt.NONE if self.syscalls is None else f"{self.syscalls:,.2f}"

    @property
    def spread_text(self) -> str:
        """The spread in per cent: `0.002 %`."""
        return fmt.NONE if self.spread is None else f"{self.spread * 100:.3f} %"


@dataclass(frozen=True, slots=True)
class CountedCell:
    """One question with the counts of all arms, the least first."""

    facts: CellFacts
    rows: tuple[CountRow, ...]

    @property
    def point(self) -> str:
        """The cell's place on its axes: `rows = 100`."""
        return ", ".join(f"{name} = {value}" for name, value in self.facts.point.items())


def counted_cells(run: Run) -> tuple[CountedCell, ...]:
    """All cells of a run that counted, in the order of its header."""
    sides = arm_instructions(run)
    arms = [arm for arm in run.header.arms if arm.competes]
    return tuple(
        CountedCell(
            cell, _ordered([_row(arm, sides.get((cell.id, arm.id))) for arm in arms])
        )
        for cell in run.header.cells
    )


def _row(arm: ArmFacts, side: ArmInstructions | None) -> CountRow:
    if side is None:
        return CountRow(arm.id, None, arm.problem or "not counted")
    return CountRow(
        arm.id,
        side.verdict,
        side.detail,
        side.observed,
        side.expected,
        instructions=side.number,
        syscalls=side.syscalls,
        spread=side.spread,
        repeats=len(side.slopes),
    )


def _ordered(rows: Sequence[CountRow]) -> tuple[CountRow, ...]:
    """With their ratios: exact rows first, then what differs, then what has no number."""
    exact = [
        row.instructions
        for row in rows
        if row.instructions is not None and row.verdict is Verdict.EXACT
    ]
    shown = [
        replace(row, ratio=row.instructions / min(exact))
        if row.instructions is not None and exact
        else row
        for row in rows
    ]
    return tuple(sorted(shown, key=_place))


def _place(row: CountRow) -> tuple[bool, bool, float]:
    differs = row.verdict is not Verdict.EXACT
    return row.instructions is None, differs, row.instructions or 0.0


def sureness(cells: Sequence[CountedCell]) -> str:
    """How far repeats lie apart, in a sentence."""
    found = [row.spread for cell in cells for row in cell.rows if row.spread is not None]
    if not found:
        return ""
    quiet = sum(one < 0.001 for one in found)
    return (
        f"The repeats of {quiet} of {fmt.plural(len(found), 'count')} lie within 0.1 %; "
        f"the widest spread is {max(found) * 100:.2f} %."
    )
