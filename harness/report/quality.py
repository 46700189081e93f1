"""How far a run can be trusted: its A/A arm, its intervals, and the means over cells."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from harness.analysis.times import Key, Timings, measured, paired_log_ratios
from harness.core import stats
from harness.report import format as fmt
from harness.report.cells import CellView, RankGroup
from harness.results.records import ArmFacts, CellFacts, Run

AA_LEVEL = 0.01


@dataclass(frozen=True, slots=True)
class SelfComparison:
    """One cell of the A/A arm: `shift` is the log-ratio of the copy to the original."""

    cell: str
    shift: stats.Estimate
    detectable: float
    p_adjusted: float

    @property
    def differs(self) -> bool:
        """Whether identical code was told apart, which must not happen."""
        return self.p_adjusted <= AA_LEVEL


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The A/A arm of a run: one driver twice."""

    original: str
    twin: str
    cells: tuple[SelfComparison, ...]

    @property
    def conclusive(self) -> bool:
        """Whether a typical cell had enough rounds to show anything."""
        return math.isfinite(self.typical)

    @property
    def sentence(self) -> str:
        """What the A/A arm proves, for people."""
        if not self.conclusive:
            return (
                f"{self.original} ran against itself, but fewer than {stats.MIN_ROUNDS} "
                "rounds cannot tell anything apart."
            )
        return (
            f"{self.found} The smallest detectable difference (80 % power) is "
            f"{fmt.change(self.typical, sign=False)} in a typical question and "
            f"{fmt.change(self.worst.detectable, sign=False)} in the worst "
            f"({self.worst.cell})."
        )

    @property
    def found(self) -> str:
        """Whether it differs from itself, for people."""
        if not self.conclusive:
            return self.sentence
        if self.doubtful:
            return f"{self.original} differs from itself."
        if self.can_differ:
            return f"{self.original} showed no difference from itself."
        largest = max(abs(cell.shift.point) for cell in self.cells)
        return (
            f"{self.original} ran against itself; the largest difference was "
            f"{fmt.change(largest, sign=False)}. Its rounds are too few for a corrected "
            "test to call any of that a difference."
        )

    @property
    def can_differ(self) -> bool:
        """Whether the corrected test could have found any cell to differ."""
        least = min(stats.least_signed_rank_p(cell.shift.n) for cell in self.cells)
        return least * len(self.cells) <= AA_LEVEL

    @property
    def doubtful(self) -> tuple[SelfComparison, ...]:
        """The cells in which the driver differs from itself."""
        return tuple(cell for cell in self.cells if cell.differs)

    @property
    def typical(self) -> float:
        """The log-ratio that the middle cell could just have shown."""
        return median(cell.detectable for cell in self.cells)

    @property
    def worst(self) -> SelfComparison:
        """The cell that could have shown the least."""
        finite = [cell for cell in self.cells if math.isfinite(cell.detectable)]
        return max(finite or self.cells, key=lambda cell: cell.detectable)


def self_tests(run: Run) -> tuple[SelfTest, ...]:
    """The A/A arms of a run, each judged over its cells with Holm."""
    counted = measured(run).series
    tests = [_self_test(counted, arm, run) for arm in run.header.arms if arm.twin]
    return tuple(test for test in tests if test.cells)


def _self_test(counted: Mapping[Key, Timings], arm: ArmFacts, run: Run) -> SelfTest:
    found = list(_self_ratios(counted, run.header.cells, arm.twin, arm.id))
    adjusted = stats.holm([stats.signed_rank_p(logs) for _, logs in found])
    cells = [
        SelfComparison(
            cell,
            stats.hodges_lehmann(logs),
            stats.detectable_effect(stats.spread(logs), len(logs)),
            p,
        )
        for (cell, logs), p in zip(found, adjusted, strict=True)
    ]
    return SelfTest(arm.twin, arm.id, tuple(cells))


def _self_ratios(
    counted: Mapping[Key, Timings], cells: Sequence[CellFacts], original: str, twin: str
) -> Iterator[tuple[str, list[float]]]:
    for cell in cells:
        own, other = counted.get((cell.id, twin)), counted.get((cell.id, original))
        ratios = paired_log_ratios(own, other) if own and other else []
        if ratios:
            yield cell.id, ratios


DOMINANT = 1.10
"""A cell that moves a geometric mean by this factor decides it."""


@dataclass(frozen=True, slots=True)
class ArmMean:
    """The geometric mean of an arm's ratios to the fastest.

    `without` is the mean that lies furthest from it when one cell is left out;
    `dominated_by` names that cell if it moves the mean by more than `DOMINANT`.
    """

    arm: str
    mean: stats.GeometricMean
    without: float
    dominated_by: str = ""


def arm_mean(arm: str, ratios: Mapping[str, float]) -> ArmMean:
    """The mean of the ratios of one arm, by cell."""
    mean = stats.geometric_mean(list(ratios.values()))
    if len(ratios) < 2:
        return ArmMean(arm, mean, mean.point)
    centre = math.log(mean.point)
    # What is furthest from the mean moves it most when it is left out.
    cell = max(ratios, key=lambda name: (abs(math.log(ratios[name]) - centre), name))
    others = [ratio for name, ratio in ratios.items() if name != cell]
    without = stats.geometric_mean(others).point
    decides = abs(math.log(without / mean.point)) > math.log(DOMINANT)
    return ArmMean(arm, mean, without, cell if decides else "")


def means(cells: Sequence[CellView]) -> tuple[tuple[ArmMean, ...], int]:
    """Each arm's mean over the cells in which every arm has a rank, and their number.

    Only what all arms did is averaged: a mean over other cells is another question.
    Concurrency cells stay out, because threads and tasks are not compared, and open loops,
    because response times are not times of work.
    """
    common = {
        cell.facts.id: cell.groups[0]
        for cell in cells
        if not (cell.facts.clients or cell.facts.arrivals) and _complete(cell)
    }
    if len(common) < 2:
        return (), 0
    arms = [row.arm for row in next(iter(common.values())).rows]
    found = [
        arm_mean(arm, {cell: _ratio(group, arm) for cell, group in common.items()})
        for arm in arms
    ]
    return tuple(sorted(found, key=lambda mean: mean.mean.point)), len(common)


def _complete(cell: CellView) -> bool:
    return bool(cell.rows) and all(row.rank is not None and row.ratio for row in cell.rows)


def _ratio(group: RankGroup, arm: str) -> float:
    ratio = next(row.ratio for row in group.rows if row.arm == arm)
    assert ratio is not None
    return ratio.point


def typical_precision(cells: Sequence[CellView]) -> float | None:
    """Half the width of the middle time's interval, as a log-ratio; None without any."""
    widths = [
        math.log(row.time.high / row.time.low) / 2
        for cell in cells
        for row in cell.rows
        if row.time and row.time.low is not None and row.time.high is not None
    ]
    return median(widths) if widths else None
