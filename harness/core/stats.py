"""Estimates, intervals and tests: pure, exact for small samples, standard library only.

Values are dimensionless unless a docstring says otherwise; most are natural logarithms
of ratios of times, in which +x and −x are the same factor slower and faster. One value
is one round (one fresh process), never one slice: slices of a process are not
independent. docs/methodology.md says why these methods and no bootstrap.

Sources: Hodges & Lehmann (1963), Estimates of location based on rank tests; Wilcoxon
(1945), Individual comparisons by ranking methods; Mann & Whitney (1947), On a test of
whether one of two random variables is stochastically larger than the other;
Hollander, Wolfe & Chicken (2014), Nonparametric Statistical Methods, chapters 3 and 4;
Tukey & McLaughlin (1963), Less vulnerable confidence and significance procedures for
location based on a single sample; Yuen (1974), The two-sample trimmed t for unequal
population variances;
Theil (1950), A rank-invariant method of linear and polynomial regression analysis; Sen
(1968), Estimates of the regression coefficient based on Kendall's tau;
Holm (1979), A simple sequentially rejective multiple test procedure; Benjamini &
Hochberg (1995), Controlling the false discovery rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from statistics import NormalDist, fmean, median

from harness.core.sums import PairSums

MIN_ROUNDS = 6
"""Fewest values that get an interval: the signed-rank test on five cannot reach 5 %."""

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

TRIM = 0.2
"""The share that a trimmed mean leaves out at each end."""

EXACT_LIMIT = 100
"""Up to so many values the rank tests use their exact distributions. Beyond, they use the
normal distribution: it is as good there, and exact counts would take hours."""

RANK_EFFICIENCY = 3 / math.pi
"""Asymptotic efficiency of the rank tests relative to the t test on normal data."""


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


# --- ratios -----------------------------------------------------------------------


def log_ratio(candidate: float, base: float) -> float:
    """ln(candidate / base): above 0 the candidate takes longer. Both must be > 0."""
    return math.log(candidate / base)


def percent(logarithm: float) -> float:
    """A log-ratio as a change in per cent: ln 1.03 → +3."""
    return math.expm1(logarithm) * 100


# --- descriptions -----------------------------------------------------------------


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


# --- one sample: signed ranks -----------------------------------------------------


def hodges_lehmann(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """The median of all Walsh averages (xᵢ + xⱼ)/2, i ≤ j, with the signed-rank interval.

    With M averages in order, the interval is [W₍k₊₁₎, W₍M₋k₎] for the largest k with
    P(T⁺ ≤ k) ≤ (1 − confidence)/2, T⁺ from its exact null distribution. It assumes
    symmetry about the centre; ties make it conservative. No interval below
    `MIN_ROUNDS` values, nor where so few cannot reach the confidence.
    """
    n = len(values)
    if n > EXACT_LIMIT:
        cut = _normal_cut(n * (n + 1) / 4, n * (n + 1) * (2 * n + 1) / 24, confidence)
        doubled = _selected(PairSums.with_itself(values), cut, n, confidence)
        return doubled.halved()
    averages = sorted((values[i] + values[j]) / 2 for i in range(n) for j in range(i, n))
    point = median(averages)
    if n < MIN_ROUNDS:
        return Estimate(point, None, None, n, None)
    return _interval(point, averages, _signed_rank_counts(n), n, confidence)


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
    return _signed_rank_tails(tuple(sorted(ranks)), min(observed, total - observed))


def least_signed_rank_p(n: int) -> float:
    """The smallest p-value that the signed-rank test can give on n values: 2/2ⁿ."""
    return min(1.0, 2.0 ** (1 - n))


@lru_cache(maxsize=256)
def _signed_rank_counts(n: int) -> tuple[int, ...]:
    """How many of the 2ⁿ sign patterns give T⁺ = 0, 1, …, n(n+1)/2."""
    return tuple(_subset_sums(range(1, n + 1)))


@lru_cache(maxsize=4096)
def _signed_rank_tails(ranks: tuple[int, ...], lower: int) -> float:
    """Twice the share of the subsets of these ranks that sum to `lower` or less.

    The counts of all sums stand side by side in one integer, so that a rank is added by a
    shift; see `_summed`.
    """
    width = len(ranks) + 1
    counts = 1
    for rank in ranks:
        counts += counts << rank * width
    tail = _summed(_first(counts, lower + 1, width), width)
    return min(1.0, 2 * tail / (1 << len(ranks)))


def _first(fields: int, count: int, width: int) -> int:
    """The lowest fields of an integer that holds fields of so many bits."""
    return fields & ((1 << count * width) - 1)


def _summed(fields: int, width: int) -> int:
    """The sum of such fields, if it fits into one: 2ʷ modulo 2ʷ − 1 is 1."""
    return fields % ((1 << width) - 1)


def _subset_sums(ranks: Sequence[int]) -> list[int]:
    """counts[s]: how many subsets of the ranks sum to s."""
    counts = [1]
    for rank in ranks:
        shifted = [0] * rank + counts
        counts = counts + [0] * rank
        counts = list(map(sum, zip(counts, shifted, strict=True)))
    return counts


# --- two samples: Mann–Whitney ----------------------------------------------------


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
        cut = _normal_cut(m * n / 2, m * n * (m + n + 1) / 12, confidence)
        sums = PairSums(candidate, [-value for value in base])
        return _selected(sums, cut, min(m, n), confidence)
    differences = sorted(after - before for before in base for after in candidate)
    point = median(differences)
    if min(m, n) < MIN_ROUNDS:
        return Estimate(point, None, None, min(m, n), None)
    counts = _mann_whitney_counts(min(m, n), max(m, n))
    return _interval(point, differences, counts, min(m, n), confidence)


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
        return _two_sided(_mann_whitney_counts(m, n), observed // 2 - m * (m + 1) // 2)
    return _split_tails(tuple(sorted(ranks)), m, observed)


def least_mann_whitney_p(m: int, n: int) -> float:
    """The smallest p-value that the test can give on m and n values: 2/C(m+n, m)."""
    if min(m, n) > EXACT_LIMIT:
        return 0.0  # less than 10⁻⁵⁰, from a number of very many digits
    return min(1.0, 2 / math.comb(m + n, m))


@lru_cache(maxsize=256)
def _mann_whitney_counts(m: int, n: int) -> tuple[int, ...]:
    """How many of the C(m+n, m) splits give U = 0, 1, …, m·n.

    The coefficients of the Gaussian binomial ∏ (1 − qⁿ⁺ⁱ)/(1 − qⁱ), i = 1…m, cut at m·n.
    """
    size = m * n + 1
    counts = [1] + [0] * (size - 1)
    for i in range(1, m + 1):
        for at in range(size - 1, n + i - 1, -1):
            counts[at] -= counts[at - n - i]
        for at in range(i, size):
            counts[at] += counts[at - i]
    return tuple(counts)


@lru_cache(maxsize=4096)
def _split_tails(ranks: tuple[int, ...], size: int, observed: int) -> float:
    """Twice the smaller share of the subsets of `size` ranks that sum to `observed` or
    less, or to that or more. As in `_signed_rank_tails`; each size has a row of sums."""
    width = len(ranks) + 1
    row = (sum(ranks) + 1) * width
    counts = 1
    for rank in ranks:
        counts = _first(counts + (counts << row + rank * width), size + 1, row)
    sums = counts >> size * row
    lower = _summed(_first(sums, observed + 1, width), width)
    upper = _summed(sums >> observed * width, width)
    return min(1.0, 2 * min(lower, upper) / math.comb(len(ranks), size))


# --- trimmed means ----------------------------------------------------------------


def trimmed_mean(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """The 20 % trimmed mean with the Tukey–McLaughlin interval.

    t̄ ± t₁₋α⸝₂(h − 1) · √((n − 1)·s_w² / (h·(h − 1))), with s_w the winsorised standard
    deviation and h the number of values that are kept. It stands beside the signed-rank
    interval, which assumes symmetry; this one does not lean on a few far values. On the
    ratios of paired rounds it is Yuen's paired test.
    """
    n = len(values)
    point, error, degrees = _trimmed(values)
    if n < MIN_ROUNDS:
        return Estimate(point, None, None, n, None)
    half = student_quantile((1 + confidence) / 2, degrees) * error
    return Estimate(point, point - half, point + half, n, confidence)


def yuen_shift(
    base: Sequence[float], candidate: Sequence[float], confidence: float = 0.95
) -> Estimate:
    """The difference of the 20 % trimmed means candidate − base, with Yuen's interval.

    Standard errors add by squares, degrees of freedom by Welch's formula. `n` is the
    smaller sample.
    """
    n = min(len(base), len(candidate))
    before, error_before, degrees_before = _trimmed(base)
    after, error_after, degrees_after = _trimmed(candidate)
    point = after - before
    if n < MIN_ROUNDS:
        return Estimate(point, None, None, n, None)
    before, after = error_before**2, error_after**2
    if before + after == 0:
        return Estimate(point, point, point, n, confidence)
    degrees = (before + after) ** 2 / (
        before**2 / degrees_before + after**2 / degrees_after
    )
    half = student_quantile((1 + confidence) / 2, degrees) * math.sqrt(before + after)
    return Estimate(point, point - half, point + half, n, confidence)


def _trimmed(values: Sequence[float]) -> tuple[float, float, int]:
    """The trimmed mean, its standard error and the degrees of freedom."""
    n, cut = len(values), int(TRIM * len(values))
    ordered = sorted(values)
    kept = ordered[cut : n - cut]
    winsorised = [kept[0]] * cut + kept + [kept[-1]] * cut
    centre = fmean(winsorised)
    if n < 2:
        return fmean(kept), 0.0, 1
    variance = math.fsum((value - centre) ** 2 for value in winsorised) / (n - 1)
    h = len(kept)
    return fmean(kept), math.sqrt((n - 1) * variance / (h * max(1, h - 1))), max(1, h - 1)


# --- a line through points --------------------------------------------------------


def theil_sen(x: Sequence[float], y: Sequence[float], confidence: float = 0.95) -> Estimate:
    """The median slope of all pairs of points, with Sen's interval, in units of y per x.

    Under the true slope the pairs that lie below it are as many as the discordant pairs
    of two unrelated orders, so Kendall's exact distribution says how many slopes to cut
    from each end. It assumes that x are distinct and that the deviations of y are
    independent of each other and of x; ties in y make it conservative. No interval below
    five points, which cannot reach 95 %.
    """
    n = len(x)
    slopes = sorted(
        (y[j] - y[i]) / (x[j] - x[i]) for i in range(n) for j in range(i + 1, n)
    )
    return _interval(median(slopes), slopes, _kendall_counts(n), n, confidence)


@lru_cache(maxsize=64)
def _kendall_counts(n: int) -> tuple[int, ...]:
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


# --- many values ------------------------------------------------------------------


def _normal_cut(mean: float, variance: float, confidence: float) -> int:
    """How many values to cut from each end, by the normal distribution."""
    quantile = NormalDist().inv_cdf((1 + confidence) / 2)
    return max(0, math.floor(mean - 0.5 - quantile * math.sqrt(variance)))


def _normal_p(distance: float, variance: float) -> float:
    """The two-sided p-value of a sum of ranks that lies so far from its mean."""
    if variance <= 0:
        return 1.0
    return math.erfc(abs(distance) / math.sqrt(2 * variance))


def _selected(sums: PairSums, cut: int, n: int, confidence: float) -> Estimate:
    """The median of many sums, and what is left when `cut` are cut from each end."""
    size = len(sums)
    return Estimate(sums.middle(), sums.at(cut), sums.at(size - 1 - cut), n, confidence)


# --- shared by both ---------------------------------------------------------------


def _interval(
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


# --- many tests -------------------------------------------------------------------


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm-adjusted p-values in the order given: for gates, where one alarm is too many."""
    m = len(p_values)
    adjusted, running = [0.0] * m, 0.0
    for step, place in enumerate(sorted(range(m), key=p_values.__getitem__)):
        running = max(running, min(1.0, (m - step) * p_values[place]))
        adjusted[place] = running
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini–Hochberg-adjusted p-values in the order given: for reports."""
    m = len(p_values)
    adjusted, running = [0.0] * m, 1.0
    order = sorted(range(m), key=p_values.__getitem__)
    for step in range(m - 1, -1, -1):
        place = order[step]
        running = min(running, p_values[place] * m / (step + 1))
        adjusted[place] = running
    return adjusted


# --- what could have been seen ----------------------------------------------------


def detectable_effect(
    sigma: float, n: int, m: int | None = None, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """The smallest true effect that a test at `alpha` finds with probability `power`.

    (t₁₋α⸝₂ + t_power) · σ · √(1/n) / √(3/π), Student's t with n − 1 degrees of freedom;
    with a second sample √(1/n + 1/m) and n + m − 2. σ is the standard deviation of
    one value (`spread`), and 3/π what ranks lose to means. In the unit of σ: a
    log-ratio here, so `percent()` makes it readable. Infinite where so few values
    cannot reach `alpha` whatever the effect.
    """
    if m is None:
        least, degrees, scale = least_signed_rank_p(n), n - 1, 1 / n
    else:
        least, degrees, scale = least_mann_whitney_p(n, m), n + m - 2, 1 / n + 1 / m
    if least > alpha or degrees < 1:
        return math.inf
    quantiles = student_quantile(1 - alpha / 2, degrees) + student_quantile(power, degrees)
    return quantiles * sigma * math.sqrt(scale / RANK_EFFICIENCY)


@lru_cache(maxsize=4096)
def student_quantile(probability: float, degrees: float) -> float:
    """The quantile of Student's t: where its distribution function has this value.

    False position, with the end that stays halved (Illinois): a few steps, not eighty.
    """
    if probability == 0.5:
        return 0.0
    if probability < 0.5:
        return -student_quantile(1 - probability, degrees)
    low, high = 0.0, 1.0
    while _student_cdf(high, degrees) < probability:
        high *= 2
    below, above = 0.5 - probability, _student_cdf(high, degrees) - probability
    for _ in range(80):
        if above == 0 or high - low <= 1e-15 * high:
            break
        middle = high - above * (high - low) / (above - below)
        found = _student_cdf(middle, degrees) - probability
        if not low < middle < high:
            break
        if found < 0:
            low, below, above = middle, found, above / 2
        else:
            high, above, below = middle, found, below / 2
    return high


def _student_cdf(t: float, degrees: float) -> float:
    """P(T ≤ t) for t ≥ 0, through the incomplete beta function."""
    return 1 - _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t)) / 2


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
