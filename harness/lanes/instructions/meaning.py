"""What counts of instructions say: the slope per process, the median, the spread.

A process that counts runs a slice of few ops and one of many. What both have in common
(reading the clocks, entering the loop) cancels in the slope, and the ops remain.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from harness.core.verdicts import Verdict
from harness.lanes.instructions.record import Count

if TYPE_CHECKING:
    from harness.results.records import ArmFacts, CellFacts, Run


@dataclass(frozen=True, slots=True)
class ArmInstructions:
    """One cell of one arm in one run: its worst verdict, and instructions per op of each
    repeat, in the order of repeats; none where the verdict forbids a number. `syscalls` is
    the median of system calls per op; None where they were not counted."""

    cell: CellFacts
    arm: ArmFacts
    verdict: Verdict
    detail: str
    observed: str
    expected: str
    slopes: tuple[float, ...]
    syscalls: float | None = None

    @property
    def number(self) -> float | None:
        """The median over repeats, instructions per op."""
        return median(self.slopes) if self.slopes else None

    @property
    def spread(self) -> float | None:
        """How far the repeats lie apart: max / min − 1; None below two repeats."""
        return spread(self.slopes) if len(self.slopes) > 1 else None


def slope(count: Count) -> float | None:
    """Instructions per op; None where nothing was counted."""
    ops = count.high_ops - count.low_ops
    more = count.high_instructions - count.low_instructions
    return more / ops if ops > 0 and more > 0 else None


def syscalls(count: Count) -> float | None:
    """System calls per op; None where they were not counted. Reading the clocks is one, so
    that a slice never has none."""
    ops = count.high_ops - count.low_ops
    more = count.high_syscalls - count.low_syscalls
    return more / ops if ops > 0 and count.low_syscalls > 0 else None


def spread(slopes: Sequence[float]) -> float:
    """The share by which the greatest is above the least."""
    return max(slopes) / min(slopes) - 1


def ratio_range(base: Sequence[float], candidate: Sequence[float]) -> tuple[float, float]:
    """The least and the greatest log-ratio candidate/base over all pairs of repeats."""
    low = math.log(min(candidate) / max(base))
    return low, math.log(max(candidate) / min(base))


def arm_instructions(run: Run) -> dict[tuple[str, str], ArmInstructions]:
    """Every cell and arm of a run that was at least tried."""
    cells = {cell.id: cell for cell in run.header.cells}
    arms = {arm.id: arm for arm in run.header.arms}
    found: dict[tuple[str, str], list[Count]] = defaultdict(list)
    for count in run.of(Count):
        if count.cell in cells and count.arm in arms:
            found[count.cell, count.arm].append(count)
    return {
        (cell, arm): _of_repeats(cells[cell], arms[arm], counts)
        for (cell, arm), counts in found.items()
    }


def _of_repeats(cell: CellFacts, arm: ArmFacts, counts: Sequence[Count]) -> ArmInstructions:
    worst = max(counts, key=_concern)
    verdict = Verdict(worst.verdict)
    ordered = sorted(counts, key=lambda count: count.repeat)
    slopes = [per_op for per_op in map(slope, ordered) if per_op is not None]
    called = [per_op for per_op in map(syscalls, ordered) if per_op is not None]
    return ArmInstructions(
        cell,
        arm,
        verdict,
        worst.detail,
        worst.observed,
        worst.expected,
        tuple(slopes) if verdict.timeable else (),
        median(called) if called and verdict.timeable else None,
    )


def _concern(count: Count) -> int:
    verdict = Verdict(count.verdict)
    return len(Verdict) if verdict is Verdict.INVALID else verdict.severity


def counters(run: Run) -> frozenset[str]:
    """The programs that counted, with their versions: one, unless files were mixed."""
    return frozenset(count.counter for count in run.of(Count) if count.counter)
