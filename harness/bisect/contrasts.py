"""Two versions in one run: is the cell another one, and on which side is a third version?

Times are judged by the gate of `pgdyno compare`, paired by round, verdicts as they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from harness.analysis.changes import CellChange, Comparison
from harness.analysis.gate import Gate
from harness.bisect.search import Side
from harness.core.verdicts import Change, Verdict
from harness.report import format as fmt
from harness.report.comparison import Request, compare, word
from harness.results.records import Check, Run

_DECIDED = (Change.REGRESSED, Change.IMPROVED)
_NOT_CHARGED = (Verdict.SKIPPED, Verdict.INVALID)
STEP_TESTS = 3
"""A step compares the version tried with both ends, and the ends with each other."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """One cell of two arms in one run.

    `changed` is None where nobody can tell. `size` tells two changes apart: the log-ratio
    without its sign, or how many steps one verdict is worse than the other. `said` is the
    evidence, for people, and `blocked` why no number of rounds would decide it.
    """

    cell: str
    before: str
    after: str
    changed: bool | None
    worse: bool
    size: float
    said: str
    blocked: str = ""


class Question(Protocol):
    """What is compared: times or verdicts."""

    def contrasts(self, run: Run, before: str, after: str) -> Iterator[Contrast]:
        """Each cell of two arms, in a run that has both; a single one of a step."""


@dataclass(frozen=True, slots=True)
class Times:
    """Is it as fast? By the rules of a gate, with `threshold` for all cells if it is given;
    a run is asked for `tests` pairs of its arms."""

    rules: Gate
    threshold: float | None = None
    tests: int = 1

    def contrasts(self, run: Run, before: str, after: str) -> Iterator[Contrast]:
        """By paired rounds; where a run cannot be compared at all, nothing."""
        found = self.comparison(run, before, after)
        for row in found.changes:
            yield _of_times(row, before, after, found.lane)

    def comparison(self, run: Run, before: str, after: str) -> Comparison:
        """The comparison behind the contrasts."""
        rules = replace(self.rules, alpha=self.rules.alpha / self.tests)
        return compare(Request(run, run, before, after, self.threshold, rules))


def _of_times(row: CellChange, before: str, after: str, lane: str) -> Contrast:
    decided = True if row.change in _DECIDED else None
    told = word(row.change, lane)
    if row.shift is None:
        said = f"{told}: {row.reason}"
    else:
        said = f"{fmt.change(row.shift.point)} ({fmt.change_interval(row.shift)}), {told}"
    return Contrast(
        cell=row.cell,
        before=before,
        after=after,
        changed=False if row.change is Change.SAME else decided,
        worse=row.change is Change.REGRESSED,
        size=abs(row.shift.point) if row.shift else math.inf,
        said=said,
        blocked=row.reason if row.change is Change.NOT_COMPARABLE else "",
    )


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Is it as right? By the verdict, and by what was observed where that is asked."""

    def contrasts(self, run: Run, before: str, after: str) -> Iterator[Contrast]:
        """Each cell that both were asked."""
        old, new = _checks(run, before), _checks(run, after)
        for cell in old:
            if cell in new:
                yield _of_verdicts(old[cell], new[cell], before, after)


def _checks(run: Run, arm: str) -> Mapping[str, Check]:
    return {check.cell: check for check in run.checks if check.driver == arm}


def _of_verdicts(old: Check, new: Check, before: str, after: str) -> Contrast:
    lost = [c for c in (old, new) if c.verdict in _NOT_CHARGED]
    changed = (old.verdict, old.trait) != (new.verdict, new.trait)
    said = f"{_answer(old)} → {_answer(new)}" if changed else f"both {_answer(new)}"
    return Contrast(
        cell=old.cell,
        before=before,
        after=after,
        changed=None if lost else changed,
        worse=new.verdict.severity > old.verdict.severity,
        size=abs(new.verdict.severity - old.verdict.severity),
        said=f"{said} ({new.detail})" if changed and new.detail else said,
        blocked=lost[0].detail if lost else "",
    )


def _answer(check: Check) -> str:
    return f"{check.verdict}, observed {check.trait}" if check.trait else str(check.verdict)


def contrast(question: Question, run: Run, cell: str, before: str, after: str) -> Contrast:
    """One cell of two arms; undecided where the run says nothing of them."""
    for found in question.contrasts(run, before, after):
        if found.cell == cell:
            return found
    return Contrast(cell, before, after, None, False, 0.0, "nothing was measured")


def placed(first: Contrast, second: Contrast, ends: Contrast, *, worse: bool) -> Side:
    """On which side of the change a version is that was tried between two ends.

    `first` is from the old end to it, `second` from it to the new end, and `ends` from end
    to end. What counts is a change in the direction that is looked for; where both are,
    the greater one is followed.
    """
    if ends.changed is False:  # what is looked for is not in this run
        return Side.UNCLEAR
    before = bool(first.changed) and first.worse is worse
    after = bool(second.changed) and second.worse is worse
    if before and after:
        return Side.NEW if first.size >= second.size else Side.OLD
    if before or after:
        return Side.NEW if before else Side.OLD
    return Side.UNCLEAR
