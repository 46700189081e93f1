"""Did the number of instructions change? A rule that assumes no distribution.

Counts hardly vary, so nothing is estimated: all repeats of the candidate are divided by
all repeats of the base. Only where every one of these ratios lies beyond the threshold is
it a change; where every one lies within, it is the same. Pure, like `compare`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from harness.analysis.changes import CellChange, Comparison, worst_first
from harness.analysis.compare import absent, begun, pairs, unjudged
from harness.analysis.gate import Gate
from harness.core import stats
from harness.core.verdicts import Change
from harness.lanes.instructions import LANE
from harness.lanes.instructions.meaning import (
    ArmInstructions,
    arm_instructions,
    counters,
    ratio_range,
    spread,
)
from harness.report import format as fmt
from harness.report.comparison import Words, margins

if TYPE_CHECKING:
    from harness.results.records import Run

MIN_REPEATS = 2
"""A single repeat says nothing about how far two of them lie apart."""


def compare(
    base: Run,
    candidate: Run,
    *,
    base_arm: str = "",
    candidate_arm: str = "",
    rules: Gate = Gate(threshold=LANE.threshold),  # noqa: B008 - it is frozen
) -> Comparison:
    """Compare the counts of two runs, or of two arms, cell by cell.

    In a `CellChange` of counts the numbers are instructions per op, rounds are repeats,
    `shift` is the ratio of medians with the range of all ratios, and `spread` the larger
    of the two sides' spreads, as log-ratios.

    Raises:
        UsageError: as `harness.analysis.compare.compare`.
    """
    title = begun(base, candidate, base_arm, candidate_arm, rules)
    title = replace(
        title,
        alpha=0.0,
        lane=LANE.name,
        warnings=(*title.warnings, *_processors(base, candidate)),
    )
    invalid = () if title.paired else tuple(_unequal(base, candidate))
    if invalid:
        return replace(title, invalid=invalid)
    before, after = arm_instructions(base), arm_instructions(candidate)
    rows = [
        _row(a, b, rules.margin(a.cell.id))
        for a, b in pairs(before, after, base_arm, candidate_arm)
        if rules.counts(a.cell.id)
    ]
    if not any(row.base_number or row.candidate_number for row in rows):
        return replace(title, invalid=("the two have nothing counted in common",))
    if not base_arm:
        rows.extend(absent(before, after, candidate))
    return replace(title, changes=worst_first(rows))


def _unequal(base: Run, candidate: Run) -> Iterator[str]:
    """What makes the counts of two runs two different things.

    Another machine of the same kind counts the same: that is what this lane is for.
    """
    a, b = base.header, candidate.header
    for what, was, now in (
        ("systems", a.machine.system, b.machine.system),
        ("Pythons", _python(base), _python(candidate)),
        ("counters", _counters(base), _counters(candidate)),
        ("servers", f"PostgreSQL {a.server.version}", f"PostgreSQL {b.server.version}"),
        ("transports", a.server.transport, b.server.transport),
    ):
        if was and now and was != now:
            yield f"different {what}: {was} and {now}"


def _processors(base: Run, candidate: Run) -> Iterator[str]:
    was, now = base.header.machine.cpu, candidate.header.machine.cpu
    if was != now:
        yield (
            f"different processors: {was} and {now}: libraries choose their code by what "
            "a processor can do, so a difference may be the processor's"
        )


def _python(run: Run) -> str:
    return f"{run.header.machine.implementation} {run.header.machine.python}"


def _counters(run: Run) -> str:
    """Empty where no arm got a number: that is a verdict, not another counter."""
    return ", ".join(sorted(counters(run)))


def _row(before: ArmInstructions, after: ArmInstructions, threshold: float) -> CellChange:
    bare = unjudged(before, after, len(before.slopes), len(after.slopes))
    row = replace(bare, margin=threshold)
    if row.reason:
        return row
    return judge(row, before.slopes, after.slopes, threshold)


def judge(
    row: CellChange, base: Sequence[float], candidate: Sequence[float], threshold: float
) -> CellChange:
    """The rule: what the repeats of two sides, instructions per op, say of a row."""
    fewest = min(len(base), len(candidate))
    if fewest < MIN_REPEATS:
        reason = f"{len(base)} and {len(candidate)} repeats; {MIN_REPEATS} are needed"
        return replace(row, reason=reason)
    low, high = ratio_range(base, candidate)
    middle = stats.log_ratio(median(candidate), median(base))
    shown = replace(
        row,
        shift=stats.Estimate(middle, low, high, fewest, confidence=None),
        spread=math.log1p(max(spread(base), spread(candidate))),
    )
    up, down = math.log1p(threshold), math.log1p(-threshold)
    if low > up:
        return replace(shown, change=Change.REGRESSED)
    if high < down:
        return replace(shown, change=Change.IMPROVED)
    if down <= low and high <= up:
        return replace(shown, change=Change.SAME)
    return replace(shown, reason="the ratios of the repeats lie on both sides")


# --- its words --------------------------------------------------------------------------


def _method(comparison: Comparison) -> str:
    return (
        "the whole range of ratios between all repeats must lie beyond the threshold; "
        f"threshold {margins(comparison)}"
    )


def _number(value: float | None) -> str:
    return fmt.NONE if value is None else fmt.rate(value)


def _spread(row: CellChange) -> str:
    return fmt.change(row.spread, sign=False, decimals=3)


WORDS = Words(
    regressed="more",
    improved="fewer",
    interval="range",
    last="spread",
    unit="instructions",
    note="Spread: how far the repeats of one side lie apart, the larger of the two.",
    number=_number,
    limit=_spread,
    method=_method,
    again=f"--lane {LANE.name}",
    decimals=2,  # a count is so sure that a tenth of a per cent is a coarse step
)
