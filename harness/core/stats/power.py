"""What a test could have seen."""

from __future__ import annotations

import math

from harness.core.stats.rank_tests import least_mann_whitney_p, least_signed_rank_p
from harness.core.stats.student import student_quantile

RANK_EFFICIENCY = 3 / math.pi
"""Asymptotic efficiency of the rank tests relative to the t test on normal data."""


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
