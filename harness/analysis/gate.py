"""By which rules a comparison is judged: what counts, how far it may move, what cannot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.analysis.changes import CellChange, Comparison
from harness.core import stats
from harness.core.patterns import matches, names_cell
from harness.core.verdicts import Change

THRESHOLD = 0.03
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Gate:
    """What a project has decided.

    `threshold` is the margin of every cell that no pattern of `margins` means: shares,
    0.03 means that ±3 % is the same. Without patterns of `cells` every cell counts. What
    a pattern of `controls` means, by cell or by arm, cannot have changed.
    """

    threshold: float = THRESHOLD
    margins: Mapping[str, float] = field(default_factory=dict)
    cells: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    alpha: float = ALPHA

    def margin(self, cell: str) -> float:
        """The share up to which two times of this cell are the same: the longest of the
        patterns that mean it says so, for it says most about the cell."""
        fitting = [pattern for pattern in self.margins if names_cell(pattern, cell)]
        return self.margins[max(fitting, key=len)] if fitting else self.threshold

    def counts(self, cell: str) -> bool:
        """Whether the cell is gated."""
        named = not self.cells or any(names_cell(pattern, cell) for pattern in self.cells)
        return named and not self.controls_cell(cell)

    def controls_cell(self, cell: str) -> bool:
        """Whether the cell cannot have changed, whoever is asked."""
        return any(names_cell(pattern, cell) for pattern in self.controls)

    def controls_arm(self, arm: str) -> bool:
        """Whether the arm cannot have changed, whatever it is asked."""
        return any(matches(pattern, arm) for pattern in self.controls)


# --- controls -------------------------------------------------------------------------


def drift(controls: Sequence[CellChange], alpha: float) -> float:
    """The log-ratio, without its sign, by which controls moved at least; 0 where none did
    demonstrably, after Holm's correction.

    What cannot have changed and did was moved by the machine, which may have moved anything
    else as far. What counts is the end of the interval that is nearer to zero: of the rest
    nobody knows that it is there, and one control in twenty would close a gate by chance.
    """
    tested = [(row.p, row.shift) for row in controls if row.p is not None and row.shift]
    adjusted = stats.holm([p for p, _ in tested])
    return max(
        (
            _nearer_end(shift)
            for (_, shift), p in zip(tested, adjusted, strict=True)
            if p <= alpha and shift.excludes_zero
        ),
        default=0.0,
    )


def _nearer_end(shift: stats.Estimate) -> float:
    return min(abs(end) for end in (shift.low, shift.high) if end is not None)


# --- judging --------------------------------------------------------------------------


def judge_all(
    rows: Sequence[CellChange], title: Comparison, gate: Gate
) -> list[CellChange]:
    """Correct for the number of tests, then judge each row by its margin."""
    adjusted = iter(stats.holm([row.p for row in rows if row.p is not None]))
    tests = sum(row.p is not None for row in rows)
    return [
        row
        if row.p is None
        else judge(_corrected(row, next(adjusted), tests, title), title)
        for row in (replace(row, margin=gate.margin(row.cell)) for row in rows)
    ]


def _corrected(
    row: CellChange, p_adjusted: float, tests: int, title: Comparison
) -> CellChange:
    assert row.shift is not None
    assert row.spread is not None
    # Holm's first step is Bonferroni's: what is detectable there is in every step.
    alpha = title.alpha / tests
    first, second = (
        (row.shift.n, None) if title.paired else (row.base_rounds, row.candidate_rounds)
    )
    effect = stats.detectable_effect(row.spread, first, second, alpha=alpha)
    return replace(row, p_adjusted=p_adjusted, detectable=effect)


def judge(row: CellChange, title: Comparison) -> CellChange:
    """A change has an interval that clears the margin, and survives Holm; `same` has an
    interval inside the margin. What controls moved by is added to the margin of a change
    and taken off that of `same`."""
    assert row.shift is not None
    assert row.p_adjusted is not None
    margin = math.log1p(row.margin)
    significant = row.p_adjusted <= title.alpha and row.shift.excludes_zero
    if significant and _clears(row.shift, margin + title.drift):
        slower = row.shift.point > 0
        return replace(row, change=Change.REGRESSED if slower else Change.IMPROVED)
    if row.shift.within(margin - title.drift):
        return replace(row, change=Change.SAME)
    return replace(row, reason=_doubt(row, significant, title))


def _clears(shift: stats.Estimate, margin: float) -> bool:
    """Whether the whole interval lies beyond the margin, on one side."""
    if shift.low is None or shift.high is None:
        return False
    return shift.low > margin or shift.high < -margin


def _doubt(row: CellChange, significant: bool, title: Comparison) -> str:
    assert row.shift is not None
    if row.detectable == math.inf:
        return "too few rounds for so many tests"
    if title.drift and _clears(row.shift, math.log1p(row.margin)):
        return "a difference, but controls that cannot have changed moved, too"
    if significant:
        return "a difference, but perhaps below the threshold"
    return "the interval reaches beyond the threshold"
