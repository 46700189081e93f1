"""Did the knee move, or the throughput of a closed loop? Judged as times are.

The number of a sweep is the time per op at its knee, the inverse of ops/s, so that more is
slower, as everywhere. A sweep without a knee has none: the rates that two of them were
asked for are compared by nobody.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.analysis import conditions, gate
from harness.analysis.changes import CellChange, Comparison, worst_first
from harness.analysis.compare import absent, begun, by_round, pairs, two_samples, unjudged
from harness.analysis.gate import Gate
from harness.core.verdicts import Change
from harness.lanes.load import LANE
from harness.lanes.load.meaning import ArmLoad, arm_loads, time_per_op
from harness.report import format as fmt
from harness.report.comparison import Words, margins

if TYPE_CHECKING:
    from harness.results.records import Run


def compare(
    base: Run,
    candidate: Run,
    *,
    base_arm: str = "",
    candidate_arm: str = "",
    rules: Gate = Gate(threshold=LANE.threshold),  # noqa: B008 - it is frozen
) -> Comparison:
    """Compare the knees of two runs, or of two arms, sweep by sweep.

    In a `CellChange` the numbers are ns per op at the knee, and rounds are repeats.

    Raises:
        UsageError: as `harness.analysis.compare.compare`.
    """
    title = begun(base, candidate, base_arm, candidate_arm, rules)
    title = replace(title, lane=LANE.name)
    if invalid := [] if title.paired else list(conditions.unequal(base, candidate)):
        return replace(title, invalid=tuple(invalid))
    before, after = arm_loads(base), arm_loads(candidate)
    rows = [
        _row(a, b, paired=title.paired)
        for a, b in pairs(before, after, base_arm, candidate_arm)
        if rules.counts(a.cell.id)
    ]
    if not any(row.base_number or row.candidate_number for row in rows):
        return replace(title, invalid=("the two have no knee in common",))
    if not base_arm:
        rows.extend(absent(before, after, candidate))
    return replace(title, changes=worst_first(gate.judge_all(rows, title, rules)))


def _row(before: ArmLoad, after: ArmLoad, *, paired: bool) -> CellChange:
    row = unjudged(before, after, len(before.logs), len(after.logs))
    if row.reason:
        return row
    if reason := "; ".join(_other_work(before, after)):
        return replace(row, change=Change.NOT_COMPARABLE, reason=reason)
    if reason := "; ".join(_no_knee(before, after)):
        return replace(row, reason=reason)
    if not paired:
        was, now = (list(map(time_per_op, of.logs.values())) for of in (before, after))
        return two_samples(row, was, now)
    common = sorted(set(before.logs) & set(after.logs))
    return by_round(row, [before.logs[n] - after.logs[n] for n in common])


def _other_work(before: ArmLoad, after: ArmLoad) -> Iterator[str]:
    """Why the two numbers say nothing of each other."""
    if before.crowd != after.crowd:
        yield f"not the same load: {before.crowd} and {after.crowd}"
    if before.clients != after.clients:
        yield "threads and tasks are two workloads"


def _no_knee(before: ArmLoad, after: ArmLoad) -> Iterator[str]:
    """Which side has no knee, and where none is."""
    for which, of in (("base", before), ("candidate", after)):
        if not of.logs:
            knee = of.knee
            below = f"it is below {knee.below:,g}/s"
            above = f"none up to {knee.keeps_up_to:,g}/s"
            yield f"no knee of the {which}: {below if knee.below else above}"


# --- its words --------------------------------------------------------------------------


def _method(comparison: Comparison) -> str:
    how = "paired by repeat" if comparison.paired else "two samples of repeats"
    return (
        f"{how}; Hodges–Lehmann ratio with 95 % interval; Holm at {comparison.alpha:g}; "
        f"threshold {margins(comparison)}"
    )


def _limit(row: CellChange) -> str:
    return "∞" if row.detectable == math.inf else fmt.change(row.detectable, sign=False)


WORDS = Words(
    regressed="slower",
    improved="faster",
    interval="95 % interval",
    last="detectable",
    unit="ns",
    note="Was: the time per op at the knee, or of a closed loop: 1 ÷ (ops/s).",
    number=fmt.duration,
    limit=_limit,
    method=_method,
    again=f"--lane {LANE.name} --effort gate",
)
