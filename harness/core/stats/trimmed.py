"""Trimmed means, which lean on other assumptions than ranks do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from harness.core.stats.estimates import MIN_ROUNDS, Estimate
from harness.core.stats.student import student_quantile

TRIM = 0.2
"""The share that a trimmed mean leaves out at each end."""


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
