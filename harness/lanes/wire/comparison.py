"""Did what passes between driver and server change? Integers: any difference is a change.

Nothing is estimated. Turns of a later use decide; where they are the same those of the
first use and of opening do, then messages, then bytes. Fewer are better.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.analysis.changes import CellChange, Comparison, worst_first
from harness.analysis.compare import absent, begun, pairs, unjudged
from harness.analysis.gate import Gate
from harness.core.verdicts import Change
from harness.lanes.wire import LANE
from harness.lanes.wire.meaning import ArmWire, Passage, Tally, arm_wires
from harness.report import format as fmt
from harness.report.comparison import Words

if TYPE_CHECKING:
    from harness.results.records import Run

COMPARED = (
    ("turns", "later", "turns"),
    ("turns of the first use", "first", "turns"),
    ("turns to open", "opening", "turns"),
    ("messages sent", "later", "sent"),
    ("bytes sent", "later", "sent_bytes"),
    ("bytes received", "later", "received_bytes"),
)
"""What is compared, in the order of weight: its name, of which part, which count."""


def compare(
    base: Run,
    candidate: Run,
    *,
    base_arm: str = "",
    candidate_arm: str = "",
    rules: Gate = Gate(threshold=LANE.threshold),  # noqa: B008 - it is frozen
) -> Comparison:
    """Compare the counts of two runs, or of two arms, cell by cell.

    In a `CellChange` the numbers are turns per op, and rounds are repeats.

    Raises:
        UsageError: as `harness.analysis.compare.compare`.
    """
    title = begun(base, candidate, base_arm, candidate_arm, rules)
    title = replace(title, alpha=0.0, threshold=0.0, lane=LANE.name)
    before, after = arm_wires(base), arm_wires(candidate)
    rows = [
        _row(a, b)
        for a, b in pairs(before, after, base_arm, candidate_arm)
        if rules.counts(a.cell.id)
    ]
    if not any(row.base_number or row.candidate_number for row in rows):
        return replace(title, invalid=("the two have nothing counted in common",))
    if not base_arm:
        rows.extend(absent(before, after, candidate))
    return replace(title, changes=worst_first(rows))


def _row(before: ArmWire, after: ArmWire) -> CellChange:
    row = unjudged(before, after, before.repeats, after.repeats)
    if row.reason:
        return row
    differences = list(_differences(before, after))
    if not differences:
        return replace(row, change=Change.SAME, reason="the same on the wire")
    reason = ", ".join(text for _, text in differences)
    more = differences[0][0] > 0
    return replace(row, change=Change.REGRESSED if more else Change.IMPROVED, reason=reason)


def _differences(before: ArmWire, after: ArmWire) -> Iterator[tuple[float, str]]:
    """What is not the same: by how much, and in words."""
    for name, part, count in COMPARED:
        was, now = _number(before, part, count), _number(after, part, count)
        if was and now and (was.low, was.high) != (now.low, now.high):
            by = now.typical - was.typical or now.high - was.high or now.low - was.low
            yield by, f"{name} {_text(was)} → {_text(now)}"


def _number(held: ArmWire, part: str, count: str) -> Tally | None:
    found: Passage | None = getattr(held, part)
    return found.number(count) if found else None


def _text(number: Tally) -> str:
    low, high = f"{number.low:,.6g}", f"{number.high:,.6g}"
    return low if low == high else f"{low}–{high}"


# --- its words --------------------------------------------------------------------------


def _turns(value: float | None) -> str:
    return fmt.NONE if value is None else f"{value:,.6g}"


WORDS = Words(
    regressed="more",
    improved="fewer",
    interval="",
    last="",
    unit="turns",
    note="Was: turns per op. Opening, first use and later uses are compared.",
    number=_turns,
    limit=lambda _: "",
    method=lambda _: "counts are compared as they are: any difference is a change",
    again=f"--lane {LANE.name}",
)
