"""Where a series of log-ratios changed its level: `ruptures` finds the places.

    least squares:  Σ (value − mean of its level)² / noise²  +  penalty × changes

The search is exact (PELT). The penalty, 2 ln n + 4, is Schwarz's and a constant, so that of
the series without a change one in twenty shows one: docs/history.md has the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np

from harness.core import stats
from harness.core.errors import needing
from harness.core.stats import MIN_ROUNDS, Estimate

FEWEST = 4
"""Fewer points show no noise to tell a change from."""

_LEAST_NOISE = 1e-4
"""Of a log-ratio: 0.01 %. No run is as sure."""

_WINDOW = 5
_CLIP = 3.0
_NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Level:
    """Points between two changes: those from `start` on, before `end`."""

    start: int
    end: int
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class LevelStep:
    """A change of level: the first point after it, and the log-ratio after ÷ before."""

    at: int
    shift: Estimate


def levels(
    points: Sequence[Estimate], *, threshold: float, lone: bool, shared: bool
) -> tuple[list[Level], list[LevelStep]]:
    """The levels of a series, and the steps between them.

    Args:
        points: log-ratios, in order.
        threshold: steps up to this share are none.
        lone: whether a point with an interval can be a level of its own, as a version
            can; a single date or commit is taken for an accident.
        shared: whether the same runs are behind all points, so that what runs differ by
            does not tell one point from another.
    """
    values = [point.point for point in points]
    noise = _noise(points, values, shared)
    lone = lone and all(point.low is not None for point in points)
    places = _places(values, noise, lone) if len(values) >= FEWEST else []
    places = _worth_it(values, places, math.log1p(threshold))
    bounds = [0, *places, len(values)]
    parts = [values[start:end] for start, end in pairwise(bounds)]
    found = [
        Level(start, start + len(part), stats.hodges_lehmann(part))
        for start, part in zip(bounds, parts, strict=False)
        if part
    ]
    steps = [
        LevelStep(place, _shift(before, after))
        for place, before, after in zip(places, parts, parts[1:], strict=False)
    ]
    return found, steps


def penalty(n: int) -> float:
    """What a change must gain, in variances of a point."""
    return 2 * math.log(n) + 4


def _places(values: Sequence[float], noise: float, lone: bool) -> list[int]:
    kept = values if lone else list(_clipped(values, _CLIP * noise))
    signal = np.asarray(kept).reshape(-1, 1) / noise
    with needing("history", "pgdyno trend"):  # it imports SciPy, which takes seconds
        from ruptures.detection.kernelcpd import KernelCPD
    search = KernelCPD(kernel="linear", min_size=1 if lone else 2).fit(signal)
    return [int(end) for end in search.predict(pen=penalty(len(values)))[:-1]]


def _noise(points: Sequence[Estimate], values: Sequence[float], shared: bool) -> float:
    """The standard deviation of a point around its level: what neighbours differ by, and
    never less than what the runs say of themselves."""
    within = [
        (point.high - point.low) / (2 * _NORMAL_95)
        for point in points
        if point.low is not None and point.high is not None
    ]
    own = median(within) if within else 0.0
    return max(own, 0.0 if own and shared else _between(values), _LEAST_NOISE)


def _between(values: Sequence[float]) -> float:
    """What neighbours differ by, the more of it the fewer they are: few differences may be
    small by chance, and Student's t allows for that."""
    steps = [after - before for before, after in pairwise(values)]
    if not steps:
        return 0.0
    doubt = stats.student_quantile(0.975, len(steps)) / _NORMAL_95
    return doubt * stats.spread(steps) / math.sqrt(2)


def _clipped(values: Sequence[float], most: float) -> Iterator[float]:
    """No point farther than so much from the median of its neighbourhood."""
    half = _WINDOW // 2
    for place, value in enumerate(values):
        start = max(0, min(place - half, len(values) - _WINDOW))
        centre = median(values[start : start + _WINDOW])
        yield min(max(value, centre - most), centre + most)


def _worth_it(values: Sequence[float], places: list[int], bound: float) -> list[int]:
    """The places of steps beyond the bound: the least one goes first, as long as any is
    too small, since its neighbours grow or shrink without it."""
    while places:
        bounds = [0, *places, len(values)]
        centres = [median(values[a:b]) for a, b in pairwise(bounds)]
        sizes = [abs(b - a) for a, b in pairwise(centres)]
        if min(sizes) > bound:
            break
        least = sizes.index(min(sizes))
        places = [*places[:least], *places[least + 1 :]]
    return places


def _shift(before: Sequence[float], after: Sequence[float]) -> Estimate:
    """How far the level moved; with an interval where both sides have enough points."""
    if min(len(before), len(after)) >= MIN_ROUNDS:
        return stats.hodges_lehmann_shift(before, after)
    point = median(after) - median(before)
    return Estimate(point, None, None, min(len(before), len(after)), None)
