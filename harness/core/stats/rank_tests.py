"""Hodges–Lehmann estimates, with the signed-rank and the Mann–Whitney test.

Exact for small samples; beyond `EXACT_LIMIT` values by the normal distribution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median

from harness.core.stats.estimates import (
    EXACT_LIMIT,
    MIN_ROUNDS,
    Estimate,
    cut_interval,
    normal_cut,
)
from harness.core.stats.rank_counts import (
    mann_whitney_counts,
    signed_rank_counts,
    signed_rank_tails,
    split_tails,
)
from harness.core.sums import PairSums


def hodges_lehmann(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """The median of all Walsh averages (xᵢ + xⱼ)/2, i ≤ j, with the signed-rank interval.

    With M averages in order, the interval is [W₍k₊₁₎, W₍M₋k₎] for the largest k with
    P(T⁺ ≤ k) ≤ (1 − confidence)/2, T⁺ from its exact null distribution. It assumes
    symmetry about the centre; ties make it conservative. No interval below
    `MIN_ROUNDS` values, nor where so few cannot reach the confidence.
    """
    n = len(values)
    if n > EXACT_LIMIT:
        cut = normal_cut(n * (n + 1) / 4, n * (n + 1) * (2 * n + 1) / 24, confidence)
        doubled = _selected(PairSums.with_itself(values), cut, n, confidence)
        return doubled.halved()
    averages = sorted([(x + y) / 2 for at, x in enumerate(values) for y in values[at:]])
    point = median(averages)
    if n < MIN_ROUNDS:
        return Estimate(point, None, None, n, None)
    return cut_interval(point, averages, signed_rank_counts(n), n, confidence)


def signed_rank_p(values: Sequence[float]) -> float:
    """Exact two-sided p-value of Wilcoxon's signed-rank test against a centre of 0.

    Zeros are dropped, as Wilcoxon did; tied sizes share the mean of their ranks, and
    the distribution is that of the shared ranks, so that the test stays exact. 1.0
    where nothing remains.
    """
    kept = [value for value in values if value != 0]
    if not kept:
        return 1.0
    ranks = _doubled_ranks([abs(value) for value in kept])
    total = sum(ranks)
    observed = sum(rank for rank, value in zip(ranks, kept, strict=True) if value > 0)
    if len(kept) > EXACT_LIMIT:
        return _normal_p(observed - total / 2, sum(rank * rank for rank in ranks) / 4)
    return signed_rank_tails(tuple(sorted(ranks)), min(observed, total - observed))


def least_signed_rank_p(n: int) -> float:
    """The smallest p-value that the signed-rank test can give on n values: 2/2ⁿ."""
    return min(1.0, 2.0 ** (1 - n))


def hodges_lehmann_shift(
    base: Sequence[float], candidate: Sequence[float], confidence: float = 0.95
) -> Estimate:
    """The median of all differences candidate − base, with the Mann–Whitney interval.

    With M = m·n differences in order, the interval is [D₍k₊₁₎, D₍M₋k₎] for the largest
    k with P(U ≤ k) ≤ (1 − confidence)/2, U from its exact null distribution. It assumes
    that the samples differ by a shift only; ties make it conservative. `n` is the
    smaller sample. No interval below `MIN_ROUNDS` values on either side.
    """
    m, n = len(base), len(candidate)
    if max(m, n) > EXACT_LIMIT and min(m, n) >= MIN_ROUNDS:
        cut = normal_cut(m * n / 2, m * n * (m + n + 1) / 12, confidence)
        sums = PairSums(candidate, [-value for value in base])
        return _selected(sums, cut, min(m, n), confidence)
    differences = sorted(after - before for before in base for after in candidate)
    point = median(differences)
    if min(m, n) < MIN_ROUNDS:
        return Estimate(point, None, None, min(m, n), None)
    counts = mann_whitney_counts(min(m, n), max(m, n))
    return cut_interval(point, differences, counts, min(m, n), confidence)


def mann_whitney_p(base: Sequence[float], candidate: Sequence[float]) -> float:
    """Exact two-sided p-value of the Mann–Whitney test that neither tends to be larger.

    Tied values share the mean of their ranks, and the distribution is that of the
    shared ranks over all ways to split the pooled values.
    """
    m, n = len(base), len(candidate)
    if not m or not n:
        return 1.0
    ranks = _doubled_ranks([*base, *candidate])
    observed = sum(ranks[:m])
    untied = len(set(ranks)) == m + n
    if max(m, n) > EXACT_LIMIT or (m + n > EXACT_LIMIT and not untied):
        centre = fmean(ranks)
        variance = math.fsum((rank - centre) ** 2 for rank in ranks) / (m + n - 1)
        return _normal_p(observed - m * centre, variance * m * n / (m + n))
    if untied:
        # Without ties the rank sum is U plus a constant, and U has a cheap recurrence.
        return _two_sided(mann_whitney_counts(m, n), observed // 2 - m * (m + 1) // 2)
    return split_tails(tuple(sorted(ranks)), m, observed)


def least_mann_whitney_p(m: int, n: int) -> float:
    """The smallest p-value that the test can give on m and n values: 2/C(m+n, m)."""
    if min(m, n) > EXACT_LIMIT:
        return 0.0  # less than 10⁻⁵⁰, from a number of very many digits
    return min(1.0, 2 / math.comb(m + n, m))


def _normal_p(distance: float, variance: float) -> float:
    """The two-sided p-value of a sum of ranks that lies so far from its mean."""
    if variance <= 0:
        return 1.0
    return math.erfc(abs(distance) / math.sqrt(2 * variance))


def _selected(sums: PairSums, cut: int, n: int, confidence: float) -> Estimate:
    """The median of many sums, and what is left when `cut` are cut from each end."""
    size = len(sums)
    return Estimate(sums.middle(), sums.at(cut), sums.at(size - 1 - cut), n, confidence)


def _two_sided(counts: Sequence[int], observed: int) -> float:
    """Twice the smaller tail of a symmetric distribution, the observed value included."""
    lower = sum(counts[: observed + 1])
    upper = sum(counts[observed:])
    return min(1.0, 2 * min(lower, upper) / sum(counts))


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Twice the mid-rank of each value: an integer even among ties."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = start + end + 1
        start = end
    return ranks
