"""Estimates of several blocks combined: their mean, their spread, what the next may show.

The effect θᵢ of each block (a machine, say) is a draw from N(μ, τ²), and its estimate yᵢ
has a standard error sᵢ of its own. Most of what is uncertain lies between machines, not
within them: to pool all rounds as if a single machine had made them would promise too much.

Sources: Paule & Mandel (1982), Consensus values and weighting factors; Hartung & Knapp
(2001), On tests of the overall treatment effect in meta-analysis with normally distributed
responses; Röver, Knapp & Friede (2015), Hartung–Knapp–Sidik–Jonkman approach and its
modification for random-effects meta-analysis with few studies; Iyer, Wang & Mathew (2004),
Models and confidence intervals for true values in interlaboratory trials; Nagashima, Noma &
Furukawa (2019), Prediction intervals for random-effects meta-analysis: a confidence
distribution approach; Higgins & Thompson (2002), Quantifying heterogeneity in a
meta-analysis. docs/decisions/0041-machines-are-blocks.md says why these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from statistics import NormalDist, fmean
from typing import NamedTuple

from harness.core.stats.chi_squared import chi_squared_middles
from harness.core.stats.estimates import Estimate
from harness.core.stats.student import student_quantile

MIN_BLOCKS = 5
"""Fewer blocks are shown each by itself: how such few differ, nobody can tell."""

_LEAST_ERROR = 1e-6
"""A part per million: an estimate without any error would outweigh all others."""

_PARTS = 24
"""In so many equally probable parts what is known of τ² is gone through; 64 gave the same
coverage to 0.2 %."""


class Effect(NamedTuple):
    """What a block says: an estimate and its standard error."""

    estimate: float
    error: float


class Prediction(NamedTuple):
    """The two ends of an interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Combined:
    """What blocks say together, in the unit of their estimates.

    `mean` has its confidence interval; the true effect of another block like these lies in
    `prediction`, with the same confidence; it is never shorter than the mean's interval.
    `tau` is the standard deviation between blocks, `i2` the share of the variance of
    estimates that is between blocks and not within them.
    """

    mean: Estimate
    prediction: Prediction
    tau: float
    i2: float


def combined(effects: Sequence[Effect], confidence: float = 0.95) -> Combined | None:
    """The effects of blocks as one; None of fewer than `MIN_BLOCKS`.

    The mean has the weights 1/(sᵢ² + τ²) and Hartung and Knapp's interval
    μ ± t(k − 1) · √(q/Σw). Their q = Σw(y − μ)²/(k − 1) is 1 by the very definition of
    Paule and Mandel's τ², and less only where τ² is 0: there it is taken as 1, for blocks
    that agree by chance would claim more than their own errors allow.
    """
    if len(effects) < MIN_BLOCKS:
        return None
    blocks = _Blocks(effects)
    degrees = len(effects) - 1
    between = blocks.between(degrees)
    mean, variance = blocks.mean(between)
    half = student_quantile((1 + confidence) / 2, degrees) * math.sqrt(variance)
    low, high = _prediction(blocks, degrees, confidence)
    return Combined(
        mean=Estimate(mean, mean - half, mean + half, len(effects), confidence),
        prediction=Prediction(min(low, mean - half), max(high, mean + half)),
        tau=math.sqrt(between),
        i2=between / (between + blocks.typical_variance),
    )


class _Blocks:
    """Effects as columns of numbers, centred so that sums of squares lose nothing."""

    def __init__(self, effects: Sequence[Effect]) -> None:
        self.centre = fmean(effect.estimate for effect in effects)
        self.values = [effect.estimate - self.centre for effect in effects]
        self.squares = [value * value for value in self.values]
        errors = [max(effect.error, _LEAST_ERROR) for effect in effects]
        self.variances = [error * error for error in errors]

    def mean(self, between: float) -> tuple[float, float]:
        """The weighted mean for this τ², and its variance."""
        weights = [1 / (variance + between) for variance in self.variances]
        total = sum(weights)
        weighted = sum(map(mul, weights, self.values))
        return self.centre + weighted / total, 1 / total

    def between(self, wanted: float, start: float = 0.0) -> float:
        """The τ² for which Q = Σ(y − μ)²/(s² + τ²) has this value; 0 where it is less even
        without any. Paule and Mandel want what chance expects, k − 1.

        Q falls with τ². Of equal errors 1/Q is a straight line, so that Newton's method on
        it is there in a step, and in a few of unequal ones.
        """
        between = start
        for _ in range(100):
            found, slope = self._spread(between)
            if not slope:
                return 0.0  # all are equal
            step = (found / wanted - 1) * found / slope
            between = max(0.0, between + step)
            if not between or abs(step) <= 1e-9 * between:
                break
        return between

    def _spread(self, between: float) -> tuple[float, float]:
        """Q for this τ², and how fast it falls with it."""
        weights = [1 / (variance + between) for variance in self.variances]
        total, weighted = sum(weights), sum(map(mul, weights, self.values))
        mean = weighted / total
        found = sum(map(mul, weights, self.squares)) - weighted * mean
        doubled = [weight * weight for weight in weights]
        slope = sum(map(mul, doubled, self.squares))
        slope -= mean * (2 * sum(map(mul, doubled, self.values)) - mean * sum(doubled))
        return max(0.0, found), max(0.0, slope)

    @property
    def typical_variance(self) -> float:
        """What stands for all the sᵢ² (Higgins & Thompson, equation 9)."""
        weights = [1 / variance for variance in self.variances]
        total = sum(weights)
        squares = sum(weight * weight for weight in weights)
        return (len(weights) - 1) * total / (total * total - squares)


def _prediction(blocks: _Blocks, degrees: int, confidence: float) -> Prediction:
    """Where the effect of another block lies, whatever τ² is.

    At the true τ², Q is distributed as χ²(k − 1): the τ² at which it has the values of that
    distribution are what the data say of τ² (Iyer, Wang & Mathew). For each of them the
    next effect is normal about μ with the variance τ² + 1/Σw, and all of them together are
    a mixture, of which the tails are cut. Where errors are small beside τ, that is the
    classical interval with Student's t(k − 1). To take τ² as if it were known gives too
    short an interval where it is estimated as nearly 0.
    """
    parts, between = [], 0.0
    for value in chi_squared_middles(degrees, _PARTS):
        between = blocks.between(value, between)
        mean, variance = blocks.mean(between)
        parts.append(NormalDist(mean, math.sqrt(between + variance)))
    tail = (1 - confidence) / 2
    return Prediction(_quantile(parts, tail), _quantile(parts, 1 - tail))


def _quantile(parts: Sequence[NormalDist], probability: float) -> float:
    """Where a mixture of equally probable parts has this probability below it, by halving
    what lies between the parts' own quantiles."""
    ends = [part.inv_cdf(probability) for part in parts]
    low, high = min(ends), max(ends)
    while high - low > 1e-9 * max(1.0, abs(low)):
        middle = (low + high) / 2
        if fmean(part.cdf(middle) for part in parts) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2
