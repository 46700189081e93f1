"""What a report says of instructions: each cell with its arms, the least first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.core.verdicts import Verdict
from harness.lanes.instructions.meaning import (
    ArmInstructions,
    arm_instructions,
    counters,
)
from harness.report import format as fmt
from harness.report.sections import (
    ArmRow,
    CellTable,
    LaneSection,
    LaneView,
    Quantity,
    RunFact,
    Value,
    tallied,
)
from harness.results.records import ArmFacts, CellFacts, Run

QUANTITIES = (
    Quantity("instructions per op", "instructions", "1/op"),
    Quantity("× least"),
    Quantity("syscalls per op", "syscalls", "1/op"),
    Quantity("spread", "instructions_spread", "share"),
    Quantity("repeats"),
)
CHARTED = ("instructions",)
INTRO = (
    "What an op costs the client, in instructions: the slope between a slice of few ops "
    "and one of many, the median over fresh processes. The spread is how far these lie "
    "apart. An instruction is not a time: waits and caches are not in it. Marked is the "
    "least of the exact ones; ≠: counted, not compared."
)
TERMS = (
    (
        "Instructions per op",
        "Counted by callgrind with a fixed hash seed, so that a busy machine does not "
        "matter. They tell what a driver does, not how long it takes.",
    ),
)
QUIET = 0.001
"""A spread below this is what a count should have."""

Sides = Mapping[tuple[str, str], ArmInstructions]


def view(run: Run) -> LaneView:
    """All of a run that counted instructions."""
    sides = arm_instructions(run)
    tables = tuple(_table(run, cell, sides) for cell in run.header.cells)
    programs = ", ".join(sorted(counters(run))) or fmt.NONE
    return LaneView(
        "Instructions",
        f"{tallied(run, tables)}.",
        _sureness([side.spread for side in sides.values() if side.spread is not None]),
        (
            LaneSection(
                "instructions", "Instructions per op", INTRO, QUANTITIES, tables, CHARTED
            ),
        ),
        facts=(RunFact("instructions counted by", programs),),
        terms=TERMS,
    )


def _table(run: Run, cell: CellFacts, sides: Sides) -> CellTable:
    arms = [arm for arm in run.header.arms if arm.competes]
    found = [sides[cell.id, arm.id] for arm in arms if (cell.id, arm.id) in sides]
    exact = [
        side.number
        for side in found
        if side.number is not None and side.verdict is Verdict.EXACT
    ]
    least = min(exact, default=None)
    absent = [arm for arm in arms if (cell.id, arm.id) not in sides]
    rows = (_row(side, least) for side in sorted(found, key=_place))
    return CellTable(cell, (*rows, *map(_absent, absent)))


def _place(side: ArmInstructions) -> tuple[bool, bool, float]:
    """Exact rows first, then what differs, then what has no number."""
    differs = side.verdict is not Verdict.EXACT
    return side.number is None, differs, side.number or 0.0


def _absent(arm: ArmFacts) -> ArmRow:
    return ArmRow(arm.id, None, arm.problem or "not counted")


def _row(side: ArmInstructions, least: float | None) -> ArmRow:
    return ArmRow(
        side.arm.id,
        side.verdict,
        side.detail,
        _values(side, least),
        side.observed,
        side.expected,
        repeats=len(side.slopes),
    )


def _values(side: ArmInstructions, least: float | None) -> tuple[Value, ...]:
    if side.number is None:
        return ()
    ratio = None if least is None else side.number / least
    syscalls = fmt.NONE if side.syscalls is None else f"{side.syscalls:,.2f}"
    spread = fmt.NONE if side.spread is None else f"{side.spread * 100:.3f} %"
    return (
        Value(fmt.rate(side.number), side.number, ratio=ratio, full=f"{side.number:,.0f}"),
        _times(ratio, side.verdict),
        Value(syscalls, side.syscalls),
        Value(spread, side.spread),
        Value(str(len(side.slopes))),
    )


def _times(ratio: float | None, verdict: Verdict) -> Value:
    """Times the least of the exact arms."""
    if ratio is None:
        return Value(fmt.NONE)
    if verdict is Verdict.DIFFERS:
        return Value(f"≠ {fmt.times(ratio)}")
    return Value(fmt.times(ratio), emphasis="best" if ratio == 1 else "")


def _sureness(spreads: Sequence[float]) -> str:
    """How far repeats lie apart, in a sentence."""
    if not spreads:
        return ""
    quiet = sum(spread < QUIET for spread in spreads)
    return (
        f"The repeats of {quiet} of {fmt.plural(len(spreads), 'count')} lie within 0.1 %; "
        f"the widest spread is {max(spreads) * 100:.2f} %."
    )
