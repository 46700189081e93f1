"""What a comparison says in sentences: its answer, its method, what makes it doubtful."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from harness import lanes
from harness.analysis import conditions
from harness.analysis.changes import CellChange, Comparison
from harness.analysis.confirmation import confirmed
from harness.analysis.gate import Gate
from harness.core import stats
from harness.core.verdicts import Change
from harness.report import format as fmt
from harness.results.records import Run


@dataclass(frozen=True, slots=True)
class Words:
    """In which words and columns a lane's comparison is told.

    `interval` and `last` are the heads of columns, as is `trimmed`, which is empty where
    nothing is estimated; `unit` is that of numbers in JSON, `note` a sentence below all.
    `number` shows one side's number, `limit` what stands in the last column, `method` how
    it was judged. `again` is how to measure what is undecided.
    """

    regressed: str
    improved: str
    interval: str
    last: str
    unit: str
    note: str
    number: Callable[[float | None], str]
    limit: Callable[[CellChange], str]
    method: Callable[[Comparison], str]
    again: str
    trimmed: str = ""
    decimals: int = 1


class Comparing(Protocol):
    """The module `comparison` of a lane."""

    WORDS: Words

    def compare(
        self,
        base: Run,
        candidate: Run,
        *,
        base_arm: str,
        candidate_arm: str,
        rules: Gate,
    ) -> Comparison:
        """Compare two runs of this lane, or two arms, cell by cell."""


def comparing(lane: str) -> Comparing:
    """How two runs of this lane are compared."""
    found: Comparing = lanes.get(lane).part("comparison")
    return found


@dataclass(frozen=True, slots=True)
class Request:
    """What is compared with what: two runs, or two arms of one, by which rules.

    `threshold` is None where nobody named one: it is then the rules', and of another lane
    than time the lane's. `fresh` is measured later, to confirm what is flagged.
    """

    base: Run
    candidate: Run
    base_arm: str = ""
    candidate_arm: str = ""
    threshold: float | None = None
    rules: Gate = field(default_factory=Gate)
    fresh: Run | None = None


def compare(request: Request) -> Comparison:
    """Compare as the runs' lane does; where no lane can, the answer is the common lane's:
    that they are not comparable, and why."""
    found = _compared(request, request.base, request.candidate, request.rules)
    if request.fresh is None or not found.flagged:
        return found
    # Where the fresh run has both sides they are compared in it, else base with it.
    one_run = request.base.header.run == request.candidate.header.run
    base = request.fresh if one_run else request.base
    cells = tuple(dict.fromkeys(row.cell for row in found.flagged))
    fresh = _compared(request, base, request.fresh, replace(request.rules, cells=cells))
    return confirmed(found, fresh)


def _compared(request: Request, base: Run, candidate: Run, rules: Gate) -> Comparison:
    lane = conditions.rule(base, candidate)
    return comparing(lane.name).compare(
        base,
        candidate,
        base_arm=request.base_arm,
        candidate_arm=request.candidate_arm,
        rules=_of_lane(rules, lane, request.threshold),
    )


def _of_lane(rules: Gate, lane: lanes.Lane, threshold: float | None) -> Gate:
    """The rules for a lane: margins and controls are of times, which the machine moves."""
    if threshold is not None:
        rules = replace(rules, threshold=threshold, margins={})
    if lane.name == lanes.DEFAULT:
        return rules
    own = lane.threshold if threshold is None else threshold
    return Gate(threshold=own, cells=rules.cells)


_SCORED = (
    Change.REGRESSED,
    Change.IMPROVED,
    Change.SAME,
    Change.INCONCLUSIVE,
    Change.NOT_COMPARABLE,
)
"""The order of a score: what changed, what did not, what is unknown."""
_BOUNDS = (5, 10, 25, 50, 100, 200, 400, 1_000)


def headline(comparison: Comparison) -> str:
    """The answer in one sentence."""
    answer = comparison.answer.upper()
    if comparison.invalid:
        return f"{answer}: these two cannot be compared"
    counts = comparison.counts
    found = [f"{count} {kind}" for kind, count in counts.items() if count]
    of = fmt.plural(len(comparison.changes), "comparison")
    return f"{answer}: {', '.join(found)} (of {of})"


def method(comparison: Comparison) -> str:
    """How it was judged, so that a reader can disagree."""
    return comparing(comparison.lane).WORDS.method(comparison)


def differs(comparison: Comparison) -> str:
    """What the two environments do not have in common; empty where nothing is known."""
    return " · ".join(comparison.differences)


def doubts(comparison: Comparison) -> list[str]:
    """Everything that makes the answer weaker, strongest first."""
    lines = list(comparison.invalid)
    shift = comparison.common_shift
    if comparison.shifted and shift is not None:
        direction = "slower" if shift > 0 else "faster"
        size = abs(stats.percent(shift))
        lines.append(
            f"the machine itself was {size:.1f} % {direction} in the candidate run: "
            "drivers that did not change share this, so no timing change is believed; "
            "measure again"
        )
    elif shift is not None:
        lines.append(f"common shift of unchanged drivers: {fmt.change(shift)} (tolerated)")
    if comparison.drift:
        lines.append(
            "controls, which cannot have changed, moved by at least "
            f"{fmt.change(comparison.drift, sign=False)}: as much is added to the margin of"
            " a change, and taken off that of `same`"
        )
    return lines + list(comparison.warnings)


def controlled(comparison: Comparison) -> str:
    """What controls say of the machine; empty where there are none."""
    rows = [row for row in comparison.controls if row.shift is not None]
    if not comparison.controls:
        return ""
    count = fmt.plural(len(comparison.controls), "comparison")
    if not rows:
        return f"{count}, none with enough rounds"
    points = [row.shift.point for row in rows if row.shift is not None]
    moved = "the machine moved" if comparison.drift else "no movement to be seen"
    return f"{count}, {fmt.change(min(points))} … {fmt.change(max(points))}: {moved}"


# --- the end, in a few lines ------------------------------------------------------------


def word(change: Change, lane: str) -> str:
    """`slower` of times, `more` of instructions."""
    words = comparing(lane).WORDS
    told = {Change.REGRESSED: words.regressed, Change.IMPROVED: words.improved}
    return told.get(change, change.replace("-", " "))


def score(comparison: Comparison) -> str:
    """`REGRESSION  1 slower · 1 faster · 0 same · 50 inconclusive  (threshold ±3 %)`."""
    if comparison.invalid:
        return headline(comparison)
    counts = comparison.counts
    parts = [
        f"{counts[kind]:,} {word(kind, comparison.lane)}"
        for kind in _SCORED
        if counts[kind] or kind is not Change.NOT_COMPARABLE
    ]
    threshold = f"(threshold {margins(comparison)})"
    return f"{comparison.answer.upper()}  {' · '.join(parts)}  {threshold}"


def margins(comparison: Comparison) -> str:
    """`±3 %`, or `±3 … 5 %` where cells have margins of their own."""
    found = {row.margin for row in comparison.changes if row.margin}
    low, high = min(found, default=0.0), max(found, default=0.0)
    if low == high:
        return f"±{(low or comparison.threshold) * 100:g} %"
    return f"±{low * 100:g} … {high * 100:g} %"


def undecided(comparison: Comparison) -> str:
    """Why so many comparisons are inconclusive; empty where none is."""
    rows = [row for row in comparison.changes if row.change is Change.INCONCLUSIVE]
    if not rows:
        return ""
    tally = Counter(_why(row, comparison) for row in rows)
    return f"inconclusive: {', '.join(f'{count:,} {why}' for why, count in tally.items())}"


def _why(row: CellChange, comparison: Comparison) -> str:
    if row.fresh is not None:
        return "that fresh data do not confirm"
    if comparison.shifted:
        return "in which the machine itself may have changed"
    if row.shift is None:
        return f"with fewer than {stats.MIN_ROUNDS} rounds"
    if row.detectable is not None and math.isinf(row.detectable):
        return "with too few rounds for so many tests"
    return "with an interval that is too wide"


def most_suspicious(comparison: Comparison) -> CellChange | None:
    """What is inconclusive and may have become slower by most."""
    rows = [
        row
        for row in comparison.changes
        if row.change is Change.INCONCLUSIVE and row.shift and row.shift.high is not None
    ]
    return max(rows, key=_worst_end, default=None)


def _worst_end(row: CellChange) -> float:
    assert row.shift is not None
    return row.shift.high if row.shift.high is not None else row.shift.point


@dataclass(frozen=True, slots=True)
class Axis:
    """A symmetric axis of changes in per cent, from −`bound` to +`bound`."""

    bound: int

    def at(self, log_ratio: float) -> float:
        """The place of a log-ratio, from 0 to 1 and never outside."""
        share = (stats.percent(log_ratio) + self.bound) / (2 * self.bound)
        return min(1.0, max(0.0, share))


def axis(rows: Sequence[CellChange]) -> Axis:
    """An axis with a round end that holds every interval, if any does."""
    measured = [*rows, *(row.fresh for row in rows if row.fresh)]
    shifts = [row.shift for row in measured if row.shift]
    ends = [end for shift in shifts for end in (shift.low, shift.point, shift.high)]
    reach = max((abs(stats.percent(end)) for end in ends if end is not None), default=0.0)
    return Axis(next((bound for bound in _BOUNDS if bound >= reach), _BOUNDS[-1]))


def told(comparison: Comparison) -> Sequence[CellChange]:
    """The rows that are shown one by one: what changed, what could not be compared, and
    what changed at first."""
    quiet = (Change.INCONCLUSIVE, Change.SAME)
    return [row for row in comparison.changes if row.change not in quiet or row.fresh]
