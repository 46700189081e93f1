"""Machines as blocks: published values, independent code, and what is promised."""

from __future__ import annotations

import importlib
import math
import random
from statistics import fmean, stdev
from typing import Any

import pytest

from benchmarks.coverage import WORLDS, coverage
from harness.core.stats import MIN_BLOCKS, Effect, combined
from harness.core.stats.chi_squared import chi_squared_quantile

BCG = (
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619),
    (33, 5036, 47, 5761), (180, 1361, 372, 1079), (8, 2537, 10, 619),
    (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
    (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
)  # fmt: skip
"""Thirteen trials of a vaccine, ill and well with it and without (Colditz et al., 1994),
the standard example of the literature: R's metafor has it as dat.bcg."""


def risk_ratio(ill: int, well: int, ill_without: int, well_without: int) -> Effect:
    n, m = ill + well, ill_without + well_without
    variance = 1 / ill - 1 / n + 1 / ill_without - 1 / m
    return Effect(math.log(ill / n) - math.log(ill_without / m), math.sqrt(variance))


EFFECTS = [risk_ratio(*trial) for trial in BCG]


def spread(between: float, effects: list[Effect]) -> float:
    """Q, written down once more."""
    weights = [1 / (error**2 + between) for _, error in effects]
    mean = sum(w * y for w, (y, _) in zip(weights, effects, strict=True)) / sum(weights)
    return sum(w * (y - mean) ** 2 for w, (y, _) in zip(weights, effects, strict=True))


def test_a_published_example() -> None:
    """metafor prints yi = −0.8893, −1.5854, …; τ² = 0.318 is where Q is k − 1 = 12; the
    REML estimate beside it is 0.3132, with the mean −0.7145 and I² = 92.22 %."""
    assert [round(effect.estimate, 4) for effect in EFFECTS[:3]] == [
        -0.8893,
        -1.5854,
        -1.3481,
    ]
    assert [round(effect.error**2, 4) for effect in EFFECTS[:3]] == [0.3256, 0.1946, 0.4154]
    found = combined(EFFECTS)
    assert found is not None
    assert found.tau**2 == pytest.approx(0.3181, abs=1e-4)
    assert found.mean.point == pytest.approx(-0.7150, abs=1e-4)
    assert found.i2 == pytest.approx(0.9233, abs=1e-4)
    assert (found.mean.low, found.mean.high) == pytest.approx((-1.109, -0.321), abs=1e-3)


@pytest.fixture(scope="module")
def reference() -> Any:
    """It takes seconds to import: for the process that runs this file, not for all."""
    return importlib.import_module("scipy.stats")


@pytest.mark.parametrize("count", [5, 8, 13])
def test_the_mean_is_that_of_independent_code(count: int, reference: Any) -> None:
    effects = EFFECTS[:count]
    found = combined(effects)
    assert found is not None
    optimize = importlib.import_module("scipy.optimize")
    between = optimize.brentq(lambda tau2: spread(tau2, effects) - (count - 1), 0, 10)
    total = sum(1 / (error**2 + between) for _, error in effects)
    half = reference.t.ppf(0.975, count - 1) / math.sqrt(total)
    assert found.tau**2 == pytest.approx(between, rel=1e-9)
    assert found.mean.high is not None
    assert found.mean.high - found.mean.point == pytest.approx(half, rel=1e-9)


@pytest.mark.parametrize("count", [5, 10, 20])
def test_with_small_errors_it_is_the_classical_prediction(
    count: int, reference: Any
) -> None:
    rng = random.Random(count)
    effects = [Effect(rng.gauss(0.1, 0.23), 1e-4) for _ in range(count)]
    found = combined(effects)
    assert found is not None
    values = [effect.estimate for effect in effects]
    reach = reference.t.ppf(0.975, count - 1) * stdev(values) * math.sqrt(1 + 1 / count)
    assert found.prediction.high - fmean(values) == pytest.approx(reach, rel=0.02)
    assert fmean(values) - found.prediction.low == pytest.approx(reach, rel=0.02)
    assert found.i2 > 0.999


def test_fewer_than_five_promise_nothing() -> None:
    assert combined(EFFECTS[: MIN_BLOCKS - 1]) is None
    assert combined([]) is None


def test_blocks_that_agree_by_chance_claim_no_more_than_their_errors_allow(
    reference: Any,
) -> None:
    """Without the guard Hartung and Knapp's interval of equal estimates has no width."""
    found = combined([Effect(0.2, 0.01)] * 6)
    assert found is not None
    assert found.mean.high is not None
    half = reference.t.ppf(0.975, 5) * 0.01 / math.sqrt(6)
    assert found.mean.high - 0.2 == pytest.approx(half)
    assert found.prediction.high >= found.mean.high
    assert (found.tau, found.i2) == (0, 0)


@pytest.mark.parametrize("error", [0.0, 1e-9, 3.0])
def test_errors_of_any_size(error: float) -> None:
    found = combined([Effect(float(value), error) for value in range(7)])
    assert found is not None
    assert found.mean.point == pytest.approx(3)
    assert found.prediction.low < 0 < 6 < found.prediction.high


def test_neither_order_nor_unit_matter() -> None:
    found, other = combined(EFFECTS), combined([Effect(-y, s) for y, s in EFFECTS[::-1]])
    scaled = combined([Effect(1e3 * y, 1e3 * s) for y, s in EFFECTS])
    assert found is not None
    assert other is not None
    assert scaled is not None
    low, high = found.prediction
    assert other.prediction == pytest.approx((-high, -low), rel=1e-6)
    assert scaled.prediction == pytest.approx((1e3 * low, 1e3 * high), rel=1e-6)


@pytest.mark.parametrize("degrees", [4, 9, 99, 999])
@pytest.mark.parametrize("probability", [1 / 48, 0.5, 47 / 48])
def test_quantiles_of_chi_squared(degrees: int, probability: float, reference: Any) -> None:
    expected = reference.chi2.ppf(probability, degrees)
    assert chi_squared_quantile(probability, degrees) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("world", [WORLDS[0], WORLDS[3]], ids=["small", "comparable"])
@pytest.mark.parametrize("machines", [5, 10, 20])
def test_both_intervals_hold_what_they_promise(world, machines: int) -> None:
    """Of 120 draws the share has a standard deviation of 2 %: the bound is five below."""
    found = coverage(world, machines, draws=120, seed=1)
    assert found.mean > 0.85
    assert found.prediction > 0.85
