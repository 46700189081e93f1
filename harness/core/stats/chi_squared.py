"""The quantiles of the chi-squared distribution."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist


@lru_cache(maxsize=256)
def chi_squared_middles(degrees: int, count: int) -> tuple[float, ...]:
    """The medians of `count` equally probable parts, the greatest first."""
    shares = ((count - part - 0.5) / count for part in range(count))
    return tuple(chi_squared_quantile(share, degrees) for share in shares)


def chi_squared_quantile(probability: float, degrees: float) -> float:
    """Where the distribution function has this value: Newton's method from Wilson and
    Hilferty's approximation on, in the logarithm, which keeps it above 0."""
    spread = 2 / (9 * degrees)
    z = NormalDist().inv_cdf(probability)
    value = degrees * max(0.05, 1 - spread + z * math.sqrt(spread)) ** 3
    for _ in range(100):
        step = (_below(value, degrees) - probability) / (value * _density(value, degrees))
        value *= math.exp(-max(-1.0, min(1.0, step)))
        if abs(step) <= 1e-10:
            break
    return value


def _density(value: float, degrees: float) -> float:
    half = degrees / 2
    return math.exp((half - 1) * math.log(value / 2) - value / 2 - math.lgamma(half)) / 2


def _below(value: float, degrees: float) -> float:
    """The regularised lower incomplete gamma function P(degrees/2, value/2), by its power
    series (DLMF 8.7.1)."""
    half, x = degrees / 2, value / 2
    term = total = 1.0
    step = 0
    while term > 1e-16 * total:
        step += 1
        term *= x / (half + step)
        total += term
    return total * math.exp(half * math.log(x) - x - math.lgamma(half + 1))
