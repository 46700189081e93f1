"""Ratios, spreads, percentiles and means: what a sample is like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

NORMAL_CONSISTENCY = 1.482602218505602
"""MAD × this estimates the standard deviation of normal data: 1/Φ⁻¹(3/4)."""

_SMALL_SAMPLE = {
    1: 1.0,
    2: 1.196,
    3: 1.495,
    4: 1.363,
    5: 1.206,
    6: 1.200,
    7: 1.140,
    8: 1.129,
    9: 1.107,
}


@dataclass(frozen=True, slots=True)
class GeometricMean:
    """A geometric mean, with how far a single value can move it.

    `low` and `high` are the least and the greatest mean of all values but one: no
    confidence interval, but the answer to "does one cell decide this?".
    """

    point: float
    low: float
    high: float
    n: int


def log_ratio(candidate: float, base: float) -> float:
    """ln(candidate / base): above 0 the candidate takes longer. Both must be > 0."""
    return math.log(candidate / base)


def percent(logarithm: float) -> float:
    """A log-ratio as a change in per cent: ln 1.03 → +3."""
    return math.expm1(logarithm) * 100


def mad(values: Sequence[float]) -> float:
    """Median absolute deviation from the median, unscaled, in the unit of the values."""
    centre = median(values)
    return median(abs(value - centre) for value in values)


def spread(values: Sequence[float]) -> float:
    """Robust standard deviation; the plain one where the MAD is 0.

    MAD × 1.4826 × a factor for small samples, without which it is 16 % too small at six
    values (Croux & Rousseeuw 1992, Time-efficient algorithms for two highly robust
    estimators of scale).
    """
    n = len(values)
    robust = mad(values) * NORMAL_CONSISTENCY
    robust *= _SMALL_SAMPLE.get(n) or n / (n - 0.8)
    if robust > 0 or n < 2:
        return robust
    centre = fmean(values)
    return math.sqrt(sum((value - centre) ** 2 for value in values) / (n - 1))


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile: the smallest observed value that at least `share` reach.

    Never an interpolated time that no op took. None where fewer than one value is
    expected beyond it: 99 values cannot tell the 99th percentile from the maximum.
    """
    if not 0 < share < 1:
        raise ValueError(f"a percentile's share lies between 0 and 1, not {share}")
    n = len(values)
    # The tolerance keeps 100 × (1 − 0.99) from being a hair less than one.
    if n * (1 - share) < 1 - 1e-9:
        return None
    return sorted(values)[math.ceil(share * n - 1e-9) - 1]


def geometric_mean(values: Sequence[float]) -> GeometricMean:
    """The geometric mean of positive values with its leave-one-out range."""
    logs = [math.log(value) for value in values]
    total, n = math.fsum(logs), len(logs)
    point = math.exp(total / n)
    if n == 1:
        return GeometricMean(point, point, point, 1)
    without = [math.exp((total - log) / (n - 1)) for log in logs]
    return GeometricMean(point, min(without), max(without), n)
