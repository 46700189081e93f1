"""A line through points: the median slope of their pairs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from statistics import median

from harness.core.stats.estimates import EXACT_LIMIT, Estimate, cut_interval, normal_cut

MOST_POINTS = 1_000
"""So many points have half a million pairs. Of more, a part of the pairs is enough."""


def theil_sen(x: Sequence[float], y: Sequence[float], confidence: float = 0.95) -> Estimate:
    """The median slope of all pairs of points, with Sen's interval, in units of y per x.

    Under the true slope the pairs that lie below it are as many as the discordant pairs
    of two unrelated orders, so Kendall's exact distribution says how many slopes to cut
    from each end. It assumes that x are distinct and that the deviations of y are
    independent of each other and of x; ties in y make it conservative. No interval below
    five points, which cannot reach 95 %.

    Beyond `EXACT_LIMIT` points the normal distribution stands in for Kendall's, and beyond
    `MOST_POINTS` Theil's incomplete method for the complete one.
    """
    n = len(x)
    if n > MOST_POINTS:
        return _incomplete(x, y, confidence)
    slopes = sorted(
        (y[j] - y[i]) / (x[j] - x[i]) for i in range(n) for j in range(i + 1, n)
    )
    if n <= EXACT_LIMIT:
        return cut_interval(median(slopes), slopes, kendall_counts(n), n, confidence)
    variance = n * (n - 1) * (2 * n + 5) / 72
    return _cut(slopes, normal_cut(len(slopes) / 2, variance, confidence), n, confidence)


def _incomplete(x: Sequence[float], y: Sequence[float], confidence: float) -> Estimate:
    """Each point of the first half with one of the second: slopes that are independent, so
    that those below the true one are as many as heads of fair coins."""
    half = len(x) // 2
    apart = len(x) - half
    slopes = sorted((y[i + apart] - y[i]) / (x[i + apart] - x[i]) for i in range(half))
    cut = normal_cut(half / 2, half / 4, confidence)
    return _cut(slopes, cut, len(x), confidence)


def _cut(slopes: Sequence[float], cut: int, n: int, confidence: float) -> Estimate:
    return Estimate(median(slopes), slopes[cut], slopes[-1 - cut], n, confidence)


@lru_cache(maxsize=64)
def kendall_counts(n: int) -> tuple[int, ...]:
    """How many of the n! orders have 0, 1, …, n(n−1)/2 discordant pairs."""
    counts = [1]
    for size in range(2, n + 1):  # the next point is discordant with 0 … size − 1 others
        sums = [0, *accumulate(counts)]
        last = len(counts)
        counts = [
            sums[min(at + 1, last)] - sums[max(0, at + 1 - size)]
            for at in range(last + size - 1)
        ]
    return tuple(counts)
