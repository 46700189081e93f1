"""The statistics against scipy, brute force and each other."""

from __future__ import annotations

import importlib
import itertools
import math
import random
import statistics
import time

import pytest

from harness.core import stats
from harness.core.stats import rank_counts, slopes, student
from harness.core.sums import PairSums


@pytest.fixture(scope="module")
def scipy_stats():
    """It takes seconds to import: for the process that runs this file, not for all."""
    return importlib.import_module("scipy.stats")


def sample(seed: int, n: int, shift: float = 0.0) -> list[float]:
    rng = random.Random(seed)
    return [rng.gauss(shift, 1) for _ in range(n)]


@pytest.mark.parametrize("n", [6, 7, 10, 12, 25])
@pytest.mark.parametrize("shift", [0.0, 0.5, 3.0])
def test_signed_rank_agrees_with_scipy(n, shift, scipy_stats):
    values = sample(n, n, shift)
    expected = scipy_stats.wilcoxon(values, method="exact").pvalue
    assert stats.signed_rank_p(values) == pytest.approx(expected)


@pytest.mark.parametrize(("m", "n"), [(6, 6), (5, 9), (12, 10), (20, 21)])
def test_mann_whitney_agrees_with_scipy(m, n, scipy_stats):
    base, candidate = sample(m, m), sample(n + 100, n, 0.7)
    expected = scipy_stats.mannwhitneyu(base, candidate, method="exact").pvalue
    assert stats.mann_whitney_p(base, candidate) == pytest.approx(expected)
    assert stats.mann_whitney_p(candidate, base) == pytest.approx(expected)


def test_signed_rank_with_ties_and_zeros_is_exact():
    values = [1.0, 1.0, -1.0, 2.0, 2.0, 3.0, 0.0]
    ranks = [2.0, 2.0, 2.0, 4.5, 4.5, 6.0]
    observed = sum(ranks) - 2.0
    patterns = [
        sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign)
        for signs in itertools.product([0, 1], repeat=6)
    ]
    expected = 2 * sum(one >= observed for one in patterns) / len(patterns)
    assert stats.signed_rank_p(values) == pytest.approx(expected)


def test_mann_whitney_with_ties_is_exact(scipy_stats):
    base, candidate = [1.0, 2.0, 2.0, 3.0], [2.0, 3.0, 4.0, 4.0, 5.0]
    pooled = [*base, *candidate]
    ranks = scipy_stats.rankdata(pooled)
    sums = [sum(ranks[i] for i in chosen) for chosen in itertools.combinations(range(9), 4)]
    observed = sum(ranks[:4])
    lower = sum(one <= observed + 1e-9 for one in sums)
    upper = sum(one >= observed - 1e-9 for one in sums)
    expected = min(1.0, 2 * min(lower, upper) / len(sums))
    assert stats.mann_whitney_p(base, candidate) == pytest.approx(expected)


def test_p_values_of_nothing_are_one():
    assert stats.signed_rank_p([]) == 1.0
    assert stats.signed_rank_p([0.0, 0.0]) == 1.0
    assert stats.mann_whitney_p([], [1.0]) == 1.0


def test_hodges_lehmann_by_hand():
    estimate = stats.hodges_lehmann([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    # n = 6: k = 0 (P = 1/64), so the interval reaches from the least to the greatest.
    assert (estimate.low, estimate.high) == (1.0, 32.0)
    assert estimate.confidence == pytest.approx(1 - 2 / 64)
    assert estimate.n == 6
    assert (
        estimate.point == 8.5
    )  # the 11th of 21 averages: 1, 1.5, 2, 2.5, 3, 4, 4.5, 5, 6, 8, 8.5


def test_textbook_interval():
    # Hollander, Wolfe & Chicken, example 3.1 (depression): 9 pairs, estimate −0.46,
    # 96.1 % interval (−0.786, −0.010).
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    estimate = stats.hodges_lehmann(
        [b - a for a, b in zip(before, after, strict=True)], confidence=0.95
    )
    assert estimate.point == pytest.approx(-0.46, abs=0.005)
    assert (estimate.low, estimate.high) == pytest.approx((-0.786, -0.010), abs=1e-9)
    assert estimate.confidence == pytest.approx(0.961, abs=5e-4)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_no_interval_below_six(n):
    estimate = stats.hodges_lehmann(sample(1, n))
    assert (estimate.low, estimate.high, estimate.confidence) == (None, None, None)
    assert not estimate.excludes_zero
    assert not estimate.within(1e9)


def test_no_interval_where_the_confidence_is_out_of_reach():
    assert stats.hodges_lehmann(sample(1, 7), confidence=0.99).low is None
    assert stats.hodges_lehmann(sample(1, 8), confidence=0.99).low is not None


@pytest.mark.parametrize("seed", range(20))
def test_interval_and_test_are_two_views_of_one_thing(seed):
    values = sample(seed, 6 + seed % 9, 0.6)
    estimate = stats.hodges_lehmann(values)
    assert estimate.excludes_zero == (stats.signed_rank_p(values) <= 0.05)
    base, candidate = sample(seed, 8), sample(seed + 50, 9, 0.8)
    shift = stats.hodges_lehmann_shift(base, candidate)
    assert shift.excludes_zero == (stats.mann_whitney_p(base, candidate) <= 0.05)


def test_shift_recovers_a_shift():
    base = sample(3, 10)
    shift = stats.hodges_lehmann_shift(base, [value + 5 for value in base])
    assert shift.point == pytest.approx(5)
    assert shift.confidence is not None
    assert shift.confidence >= 0.95
    assert stats.hodges_lehmann_shift(base[:5], base).low is None


def test_coverage_is_what_is_stated():
    rng = random.Random(7)
    hits = 0
    for _ in range(600):
        estimate = stats.hodges_lehmann([rng.gauss(0, 1) for _ in range(8)])
        assert estimate.low is not None
        assert estimate.high is not None
        hits += estimate.low <= 0 <= estimate.high
    assert hits / 600 == pytest.approx(estimate.confidence, abs=0.025)


def test_null_distributions_count_everything():
    assert sum(rank_counts.signed_rank_counts(12)) == 2**12
    assert sum(rank_counts.mann_whitney_counts(7, 9)) == math.comb(16, 7)
    assert rank_counts.mann_whitney_counts(2, 2) == (1, 1, 2, 1, 1)
    assert rank_counts.signed_rank_counts(3) == (1, 1, 1, 2, 1, 1, 1)


def test_least_p_values_are_reached():
    assert stats.signed_rank_p([1.0, 2, 3, 4, 5, 6]) == stats.least_signed_rank_p(6)
    assert stats.mann_whitney_p([1.0, 2, 3], [4.0, 5, 6, 7]) == pytest.approx(
        stats.least_mann_whitney_p(3, 4)
    )


def test_holm_and_benjamini_hochberg(scipy_stats):
    p_values = [0.01, 0.04, 0.03, 0.005]
    assert stats.holm(p_values) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    expected = scipy_stats.false_discovery_control(p_values, method="bh")
    assert stats.benjamini_hochberg(p_values) == pytest.approx(list(expected))
    assert stats.holm([]) == []
    assert stats.benjamini_hochberg([]) == []
    assert stats.holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize("degrees", [1, 2, 5, 9, 22, 7.3, 200])
@pytest.mark.parametrize("probability", [0.2, 0.5, 0.8, 0.975, 0.99975])
def test_student_quantile_agrees_with_scipy(degrees, probability, scipy_stats):
    expected = scipy_stats.t.ppf(probability, degrees)
    assert stats.student_quantile(probability, degrees) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("probability", [0.6, 0.8, 0.975, 0.99975, 1 - 1e-7])
def test_student_quantile_is_exact_at_any_degrees_of_freedom(probability, scipy_stats):
    """Welch's degrees are no whole numbers, and no two cells have the same."""
    rng = random.Random(probability)
    for degrees in (0.3, 1.0, *(rng.uniform(3, 200) for _ in range(50))):
        expected = scipy_stats.t.ppf(probability, degrees)
        found = stats.student_quantile(probability, degrees)
        assert found == pytest.approx(expected, rel=1e-8 if probability > 0.9999 else 1e-12)


def test_student_quantile_takes_few_steps(monkeypatch):
    tail, steps = student._student_tail, []
    monkeypatch.setattr(
        student, "_student_tail", lambda *args: steps.append(args) or tail(*args)
    )
    for number in range(100):
        stats.student_quantile(0.975, 3 + number / 7.1)
    assert len(steps) <= 400


def test_detectable_effect_falls_with_rounds_and_rises_with_spread():
    ten, forty = stats.detectable_effect(0.01, 10), stats.detectable_effect(0.01, 40)
    assert ten > forty > 0
    assert stats.detectable_effect(0.02, 10) == pytest.approx(2 * ten)
    assert stats.detectable_effect(0.01, 10, 10) > ten
    assert stats.detectable_effect(0.01, 5) == math.inf
    assert stats.detectable_effect(0.01, 6, 6, alpha=0.05 / 216) == math.inf


def test_detectable_effect_is_detected_about_as_often_as_stated():
    n, rng = 12, random.Random(5)
    effect = stats.detectable_effect(1.0, n)
    found = sum(
        stats.signed_rank_p([rng.gauss(effect, 1) for _ in range(n)]) <= 0.05
        for _ in range(400)
    )
    assert found / 400 == pytest.approx(0.8, abs=0.07)


def test_percentile_is_an_observed_value_or_nothing():
    values = [float(value) for value in range(1, 101)]
    assert stats.percentile(values, 0.5) == 50
    assert stats.percentile(values, 0.9) == 90
    assert stats.percentile(values, 0.99) == 99
    assert stats.percentile(values[:99], 0.99) is None
    assert stats.percentile([], 0.5) is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        stats.percentile(values, 99)


def test_descriptions():
    assert stats.mad([1.0, 1.0, 2.0, 2.0, 4.0, 6.0, 9.0]) == 1
    assert stats.spread([1.0, 1.0, 1.0, 1.0, 6.0]) == pytest.approx(math.sqrt(5))
    assert stats.spread([3.0]) == 0
    normal = sample(9, 4000)
    assert stats.spread(normal) == pytest.approx(1, abs=0.06)
    assert stats.percent(stats.log_ratio(103, 100)) == pytest.approx(3)


@pytest.mark.parametrize("n", [5, 6, 8, 10, 14])
def test_spread_is_not_too_small_for_few_values(n):
    rng = random.Random(n)
    found = [stats.spread([rng.gauss(0, 3) for _ in range(n)]) for _ in range(4000)]
    assert sum(found) / len(found) == pytest.approx(3, rel=0.04)


def test_geometric_mean_shows_who_decides_it():
    mean = stats.geometric_mean([1.0, 1.0, 8.0])
    assert mean.point == pytest.approx(2)
    assert mean.low == pytest.approx(1)
    assert mean.high == pytest.approx(math.sqrt(8))
    assert stats.geometric_mean([3.0]).high == pytest.approx(3)


def test_exp_keeps_the_interval():
    estimate = stats.hodges_lehmann([math.log(value) for value in (1, 2, 3, 4, 5, 6)]).exp()
    assert (estimate.low, estimate.high) == pytest.approx((1, 6))
    assert stats.hodges_lehmann([0.0]).exp() == stats.Estimate(1.0, None, None, 1, None)


# --- trimmed means --------------------------------------------------------------------


def test_yuen_is_scipys(scipy_stats):
    rng = random.Random(5)
    base = [rng.gauss(0, 1) for _ in range(15)]
    candidate = [rng.gauss(0.4, 2) for _ in range(12)]
    ours = stats.yuen_shift(base, candidate)
    theirs = scipy_stats.ttest_ind(candidate, base, equal_var=False, trim=0.2)
    interval = theirs.confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high))


def test_the_trimmed_mean_is_scipys(scipy_stats):
    values = [3.0, 1.0, 2.0, 50.0, 2.5, 1.5, 2.2, -40.0, 2.1, 1.9]
    found = stats.trimmed_mean(values)
    assert found.point == pytest.approx(scipy_stats.trim_mean(values, 0.2))
    assert found.low < 2 < found.high
    assert found.high - found.low < 3  # two far values of ten are cut away


@pytest.mark.parametrize("n", [10, 20])
def test_the_trimmed_interval_holds_what_it_says(n):
    rng = random.Random(n)
    hits = 0
    for _ in range(2000):
        found = stats.trimmed_mean([rng.gauss(0, 1) for _ in range(n)])
        hits += found.low <= 0 <= found.high
    assert 0.93 <= hits / 2000 <= 0.97


def test_too_few_values_have_no_trimmed_interval():
    assert stats.trimmed_mean([1.0, 2.0, 3.0]).low is None
    assert stats.yuen_shift([1.0] * 8, [2.0] * 8).low == pytest.approx(1.0)


# --- Theil–Sen ------------------------------------------------------------------------


@pytest.mark.parametrize("n", [5, 10, 25, 40])
def test_theil_sen_agrees_with_scipy(n, scipy_stats):
    """The slope is the same; SciPy cuts by the normal approximation, so its interval may
    lie one slope further in or out."""
    rng = random.Random(n)
    x = [float(value) for value in range(n)]
    for _ in range(20):
        y = [0.3 * value + rng.gauss(0, 1) for value in x]
        ours, theirs = stats.theil_sen(x, y), scipy_stats.theilslopes(y, x)
        assert ours.point == pytest.approx(theirs.slope)
        ordered = sorted(
            (y[j] - y[i]) / (x[j] - x[i]) for i in range(n) for j in range(i + 1, n)
        )
        at = [ordered.index(end) for end in (ours.low, ours.high)]
        assert ordered[at[0]] <= ours.point <= ordered[at[1]]
        for place, end in zip(at, (theirs.low_slope, theirs.high_slope), strict=True):
            near = ordered[max(0, place - 1) : place + 2]
            assert near[0] <= end <= near[-1]


@pytest.mark.parametrize("n", [101, 400, 5_000])
def test_theil_sen_of_many_points(n):
    """By the normal distribution, and beyond `MOST_POINTS` by a part of the pairs."""
    rng = random.Random(n)
    covered = 0
    for _ in range(20):
        y = [0.3 * value + rng.gauss(0, 1) for value in range(n)]
        found = stats.theil_sen(range(n), y)
        assert found.low < found.point < found.high
        assert found.high - found.low < 30 / n**1.5
        covered += found.low <= 0.3 <= found.high
    assert covered >= 16


def test_theil_sen_of_many_points_is_scipys(scipy_stats):
    rng = random.Random(7)
    y = [0.3 * value + rng.gauss(0, 1) for value in range(150)]
    found, theirs = stats.theil_sen(range(150), y), scipy_stats.theilslopes(y, range(150))
    assert found.point == pytest.approx(theirs.slope, rel=1e-12)
    assert found.low == pytest.approx(theirs.low_slope, rel=1e-4)
    assert found.high == pytest.approx(theirs.high_slope, rel=1e-4)


def test_theil_sen_takes_time_in_line_with_the_points():
    y = [float(value) for value in range(300_000)]
    began = time.process_time()
    assert stats.theil_sen(range(300_000), y).point == 1
    assert time.process_time() - began < 5


def test_kendalls_distribution_agrees_with_scipy(scipy_stats):
    for n in (3, 6, 9):
        counts = slopes.kendall_counts(n)
        assert sum(counts) == math.factorial(n)
        for discordant in range(len(counts) // 2):
            order = _with_inversions(n, discordant)
            p = scipy_stats.kendalltau(range(n), order, method="exact").pvalue
            tail = sum(counts[: discordant + 1])
            assert min(1, 2 * tail / sum(counts)) == pytest.approx(p)


def _with_inversions(n: int, wanted: int) -> list[int]:
    """An order of 0 … n − 1 with so many discordant pairs."""
    left, order = list(range(n)), []
    while left:
        take = min(wanted, len(left) - 1)
        wanted -= take
        order.append(left.pop(take))
    return order


def test_theil_sen_needs_five_points():
    assert stats.theil_sen([0, 1, 2, 3], [0, 1, 2, 3]).low is None
    assert stats.theil_sen([0, 1, 2, 3, 4], [0, 1, 2, 3, 4]).low == 1


def test_theil_sen_covers_what_it_says():
    rng = random.Random(7)
    x, held = range(12), 0
    for _ in range(400):
        found = stats.theil_sen(x, [2 * at + rng.gauss(0, 3) for at in x])
        held += found.low <= 2 <= found.high
    assert 0.92 <= held / 400 <= 0.985


# --- many values ----------------------------------------------------------------------


@pytest.mark.parametrize("digits", [0, 1, 9])
def test_sums_of_pairs_are_those_of_a_list(digits):
    """Also where many of them are equal."""
    rng = random.Random(digits)
    for size in (1, 2, 7, 40, 61):
        first = [round(rng.gauss(0, 1), digits) for _ in range(size)]
        second = [round(rng.gauss(0, 1), digits) for _ in range(size // 2 + 1)]
        for sums, values in (
            (PairSums(first, second), [x + y for x in first for y in second]),
            (
                PairSums.with_itself(first),
                [first[i] + first[j] for i in range(size) for j in range(i, size)],
            ),
        ):
            values.sort()
            assert len(sums) == len(values)
            assert [sums.at(place) for place in range(len(values))] == values
            assert sums.middle() == statistics.median(values)


def test_the_normal_distribution_takes_over_where_the_exact_one_ends(monkeypatch):
    rng = random.Random(4)
    base = [rng.gauss(0, 1) for _ in range(90)]
    candidate = [rng.gauss(0.2, 1) for _ in range(80)]

    def told():
        return (
            stats.hodges_lehmann(base),
            stats.hodges_lehmann_shift(base, candidate),
            stats.signed_rank_p(base),
            stats.mann_whitney_p(base, candidate),
        )

    exact = told()
    monkeypatch.setattr(stats, "EXACT_LIMIT", 50)
    normal = told()
    for one, other in zip(exact[:2], normal[:2], strict=True):
        assert other.point == one.point
        assert (other.low, other.high) == pytest.approx((one.low, one.high), abs=0.01)
    assert normal[2:] == pytest.approx(exact[2:], abs=0.005)


def test_thousands_of_values_take_no_longer_than_they_must():
    """They took n² and n⁴: the time of a minute, and of a day."""
    rng = random.Random(5)
    values = [rng.gauss(0.01, 1) for _ in range(5000)]
    started = time.process_time()
    assert stats.hodges_lehmann(values).low is not None
    assert stats.hodges_lehmann_shift(values, values).point == 0
    assert 0 < stats.signed_rank_p(values) <= 1
    assert stats.mann_whitney_p(values, values) == pytest.approx(1)
    assert stats.detectable_effect(1, 5000, 5000) > 0
    assert time.process_time() - started < 5
