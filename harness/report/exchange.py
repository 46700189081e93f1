"""Times in the terms of other tools: one benchmark per cell and driver, in seconds.

What has no number is left out, and counted: a missing benchmark is not a fast one. The
descriptive statistics are pytest-benchmark's, so that its readers see what they expect;
its outliers and fences follow Tukey's rule as it applies it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

from harness.core.stats import Estimate
from harness.core.visible import visible_line
from harness.report.cells import CellView, RankGroup, Row
from harness.report.view import RunView
from harness.results.records import ArmFacts, Run


@dataclass(frozen=True, slots=True)
class Spread:
    """The rounds of a benchmark, described; seconds per op."""

    data: tuple[float, ...]
    mean: float
    stddev: float
    median: float
    q1: float
    q3: float

    @classmethod
    def of(cls, rounds: Sequence[float]) -> Spread:
        """Of at least one round."""
        deviation = stdev(rounds) if len(rounds) > 1 else 0.0
        q1, q3 = _quartiles(sorted(rounds))
        return cls(tuple(rounds), fmean(rounds), deviation, median(rounds), q1, q3)

    @property
    def iqr(self) -> float:
        """The distance of the quartiles."""
        return self.q3 - self.q1

    @property
    def fence(self) -> tuple[float, float]:
        """The least and the greatest round within one and a half of it."""
        low, high = self.q1 - 1.5 * self.iqr, self.q3 + 1.5 * self.iqr
        inside = [value for value in self.data if low <= value <= high]
        return min(inside), max(inside)

    @property
    def outliers(self) -> tuple[int, int]:
        """How many rounds lie beyond a standard deviation, and beyond the fence."""
        far = sum(abs(value - self.mean) > self.stddev for value in self.data)
        low, high = self.fence
        return far, sum(not low <= value <= high for value in self.data)


def _quartiles(ordered: Sequence[float]) -> tuple[float, float]:
    """Of an even number the medians of both halves, of an odd number between two values."""
    number, rest = divmod(len(ordered), 4)
    if len(ordered) == 1:
        return ordered[0], ordered[0]
    if rest in (0, 2):
        half = len(ordered) // 2
        return median(ordered[:half]), median(ordered[half:])
    near, far = (number, number - 1) if rest == 1 else (number, number + 1)
    low = 0.75 * ordered[near] + 0.25 * ordered[far]
    return low, 0.75 * ordered[-1 - near] + 0.25 * ordered[-1 - far]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One cell of one driver. `ratio` is times the fastest of its group, `interval` the
    estimated seconds per op; `rank` is None where it may not be ranked."""

    cell: str
    arm: str
    group: str
    op: str
    unit: str
    units_per_op: int
    verdict: str
    spread: Spread
    interval: Estimate
    fastest: str
    ratio: Estimate | None
    rank: int | None

    @property
    def name(self) -> str:
        """`copy/in#rows[asyncpg]`, the same in every run. Others print it as it is, so
        nothing in it may command a terminal."""
        return visible_line(f"{self.cell}[{self.arm}]")


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The benchmarks of a run, and how many of its cells × drivers have no number."""

    run: Run
    benchmarks: tuple[Benchmark, ...]
    left_out: int

    @property
    def arms(self) -> tuple[ArmFacts, ...]:
        """Whose benchmarks these are."""
        return tuple(arm for arm in self.run.header.arms if arm.competes)


def exchanged(run: Run, view: RunView) -> Exchanged:
    """The benchmarks of a run, in the order of its report."""
    found = [
        (cell, group, row)
        for cell in view.cells
        for group in cell.groups
        for row in group.rows
    ]
    benchmarks = [
        _benchmark(cell, group, row, row.time)
        for cell, group, row in found
        if row.time is not None
    ]
    return Exchanged(run, tuple(benchmarks), len(found) - len(benchmarks))


def _benchmark(cell: CellView, group: RankGroup, row: Row, time: Estimate) -> Benchmark:
    facts = cell.facts
    return Benchmark(
        cell=facts.id,
        arm=row.arm,
        group=f"{facts.id} {group.label}".rstrip(),
        op=facts.op,
        unit=facts.unit,
        units_per_op=facts.units_per_op,
        verdict=str(row.verdict or ""),
        spread=Spread.of([value / 1e9 for value in row.rounds]),
        interval=_scaled(time, 1e-9),
        fastest=group.first,
        ratio=row.ratio,
        rank=row.rank,
    )


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    low = None if estimate.low is None else estimate.low * factor
    high = None if estimate.high is None else estimate.high * factor
    return Estimate(estimate.point * factor, low, high, estimate.n, estimate.confidence)
