"""What a comparison says: a change of each cell and arm, and one answer to all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from harness.core import stats
from harness.core.errors import (
    EXIT_FAILED,
    EXIT_INCONCLUSIVE,
    EXIT_INVALID,
    EXIT_PASS,
)
from harness.core.verdicts import Change


class Answer(StrEnum):
    """What a comparison says as a whole, for a gate."""

    PASS = "pass"
    REGRESSION = "regression"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


EXIT_CODES = {
    Answer.PASS: EXIT_PASS,
    Answer.REGRESSION: EXIT_FAILED,
    Answer.INCONCLUSIVE: EXIT_INCONCLUSIVE,
    Answer.INVALID: EXIT_INVALID,
}


@dataclass(frozen=True, slots=True)
class CellChange:
    """One line of a comparison of times; another lane says what it is of its numbers.

    `base_number` and `candidate_number` are medians over rounds, ns per op; None where
    there is no number. `margin` is the share that the change had to clear. `shift` is the
    log-ratio candidate/base, `trimmed` the same by Yuen's trimmed means, which lean on
    other assumptions; `spread` the standard deviation of a single round's, `detectable`
    the log-ratio that the test, corrected for the number of tests, would have found four
    times in five. `fresh` is the same cell and arm measured again.
    """

    cell: str
    arm: str
    change: Change
    reason: str = ""
    base_number: float | None = None
    candidate_number: float | None = None
    base_rounds: int = 0
    candidate_rounds: int = 0
    margin: float = 0.0
    shift: stats.Estimate | None = None
    trimmed: stats.Estimate | None = None
    spread: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    detectable: float | None = None
    fresh: CellChange | None = None

    @property
    def torn(self) -> bool:
        """Whether ranks and trimmed means disagree about a difference being there."""
        if self.shift is None or self.trimmed is None:
            return False
        return self.shift.excludes_zero != self.trimmed.excludes_zero


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes, worst first, and what casts doubt on them.

    `differences` are what the two environments do not have in common, `invalid` says why
    nothing may be concluded. `common_shift` is the log-ratio that the unchanged drivers
    share: the machine, not a driver. `controls` cannot have changed; `drift` is the
    log-ratio, zero or more, by which they did. `runs` are the files, `arms` the two that
    were named, if any were, and `command` is how the candidate's run was called: from these
    a reader is told what to run next.
    """

    base: str
    candidate: str
    paired: bool
    threshold: float
    alpha: float
    changes: tuple[CellChange, ...] = ()
    common_shift: float | None = None
    shifted: bool = False
    controls: tuple[CellChange, ...] = ()
    drift: float = 0.0
    differences: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    lane: str = "time"
    runs: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    command: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[Change, int]:
        """How many cells × arms per change, in order of concern."""
        return {
            kind: sum(change.change is kind for change in self.changes) for kind in Change
        }

    @property
    def flagged(self) -> tuple[CellChange, ...]:
        """What regressed, and is to be confirmed on fresh data."""
        return tuple(row for row in self.changes if row.change is Change.REGRESSED)

    @property
    def answer(self) -> Answer:
        """A regression is one whatever else is wrong; a number that got lost, or work that
        is not the same, is no pass. What base had no number for has nothing to lose."""
        if self.invalid:
            return Answer.INVALID
        lost = {change.change for change in self.changes if change.base_number is not None}
        if self.flagged:
            return Answer.REGRESSION
        if Change.NOT_COMPARABLE in lost:
            return Answer.INVALID
        return Answer.INCONCLUSIVE if Change.INCONCLUSIVE in lost else Answer.PASS

    @property
    def exit_code(self) -> int:
        """4 invalid, 1 regression, 3 inconclusive, 0 pass."""
        return EXIT_CODES[self.answer]


def worst_first(changes: Iterable[CellChange]) -> tuple[CellChange, ...]:
    """In the order of concern."""
    order = list(Change)
    return tuple(
        sorted(
            changes,
            key=lambda change: (order.index(change.change), change.cell, change.arm),
        )
    )
