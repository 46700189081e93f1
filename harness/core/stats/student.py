"""The quantiles of Student's t distribution."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_LAST_STEP = 1e-8
"""A step of Newton's method squares the error: after one as small, it is rounding only."""


@lru_cache(maxsize=4096)
def student_quantile(probability: float, degrees: float) -> float:
    """The quantile of Student's t: where its distribution function has this value.

    Newton's method on the logarithms of tail and value, where far tails are nearly straight
    lines. It begins with the first terms of the expansion about the normal quantile, so
    that two or three steps are enough: a comparison of two files takes a quantile for each
    of its cells, with degrees of freedom that no other one has.
    """
    if probability == 0.5:
        return 0.0
    if probability < 0.5:
        return -student_quantile(1 - probability, degrees)
    wanted, value = 1 - probability, _near(probability, degrees)
    for _ in range(100):
        tail = _student_tail(value, degrees)
        slope = value * _student_density(value, degrees) / tail
        step = math.log(tail / wanted) / slope
        value *= math.exp(step)
        if abs(step) <= _LAST_STEP:
            break
    return value


def _near(probability: float, degrees: float) -> float:
    """The Cornish–Fisher expansion up to 1/n² (Abramowitz & Stegun 26.7.5)."""
    z = NormalDist().inv_cdf(probability)
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / degrees + second / degrees**2


def _student_tail(t: float, degrees: float) -> float:
    """The probability of a value above t > 0."""
    return _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t)) / 2


def _student_density(t: float, degrees: float) -> float:
    half = (degrees + 1) / 2
    front = math.lgamma(half) - math.lgamma(degrees / 2) - math.log(degrees * math.pi) / 2
    return math.exp(front - half * math.log1p(t * t / degrees))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function Iₓ(a, b)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front += a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) / (a * _beta_fraction(a, b, x))


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of Iₓ(a, b) (DLMF 8.17.22), by Lentz's method: each step
    corrects the value, until it stays."""
    value = numerators = 1.0
    denominators = 0.0
    for step in range(1, 1000):
        half = step // 2
        if step % 2:
            factor = -(a + half) * (a + b + half) * x / ((a + step - 1) * (a + step))
        else:
            factor = half * (b - half) * x / ((a + step - 1) * (a + step))
        denominators = 1 / (1 + factor * denominators)
        numerators = 1 + factor / numerators
        change = numerators * denominators
        value *= change
        if abs(change - 1) < 1e-16:
            break
    return value
