"""A point with its interval, and how a null distribution cuts one from ordered values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import NormalDist

MIN_ROUNDS = 6
"""Fewest values that get an interval: the signed-rank test on five cannot reach 5 %."""

EXACT_LIMIT = 100
"""Up to so many values the rank tests use their exact distributions. Beyond, they use the
normal distribution: it is as good there, and exact counts would take hours."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A point with its interval, in the unit of the values it came from.

    `confidence` is what the interval achieves, at least what was asked for, since
    exact intervals come in steps. `low`, `high` and `confidence` are None together:
    too few values for an interval.
    """

    point: float
    low: float | None
    high: float | None
    n: int
    confidence: float | None

    @property
    def excludes_zero(self) -> bool:
        """Whether an interval exists and lies on one side of 0."""
        if self.low is None or self.high is None:
            return False
        return self.low > 0 or self.high < 0

    def within(self, bound: float) -> bool:
        """Whether an interval exists and lies inside ±`bound`."""
        if self.low is None or self.high is None:
            return False
        return -bound <= self.low and self.high <= bound

    def halved(self) -> Estimate:
        """The same estimate of half the values."""
        low = None if self.low is None else self.low / 2
        high = None if self.high is None else self.high / 2
        return Estimate(self.point / 2, low, high, self.n, self.confidence)

    def exp(self) -> Estimate:
        """The same estimate, back from logarithms."""
        low = None if self.low is None else math.exp(self.low)
        high = None if self.high is None else math.exp(self.high)
        return Estimate(math.exp(self.point), low, high, self.n, self.confidence)


def cut_interval(
    point: float, ordered: Sequence[float], counts: Sequence[int], n: int, confidence: float
) -> Estimate:
    """Cut as many values from each end as the null distribution allows."""
    total = sum(counts)
    allowed = (1 - confidence) / 2
    cut, tail = -1, 0
    for reached in accumulate(counts):
        if reached > allowed * total:
            break
        cut, tail = cut + 1, reached
    if cut < 0:
        return Estimate(point, None, None, n, None)
    return Estimate(point, ordered[cut], ordered[-1 - cut], n, 1 - 2 * tail / total)


def normal_cut(mean: float, variance: float, confidence: float) -> int:
    """How many values to cut from each end, by the normal distribution."""
    quantile = NormalDist().inv_cdf((1 + confidence) / 2)
    return max(0, math.floor(mean - 0.5 - quantile * math.sqrt(variance)))
