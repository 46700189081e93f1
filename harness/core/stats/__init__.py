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

from harness.core.stats.corrections import benjamini_hochberg, holm
from harness.core.stats.descriptions import (
    NORMAL_CONSISTENCY,
    GeometricMean,
    geometric_mean,
    log_ratio,
    mad,
    percent,
    percentile,
    spread,
)
from harness.core.stats.estimates import EXACT_LIMIT, MIN_ROUNDS, Estimate
from harness.core.stats.power import RANK_EFFICIENCY, detectable_effect
from harness.core.stats.random_effects import (
    MIN_BLOCKS,
    Combined,
    Effect,
    Prediction,
    combined,
)
from harness.core.stats.rank_tests import (
    hodges_lehmann,
    hodges_lehmann_shift,
    least_mann_whitney_p,
    least_signed_rank_p,
    mann_whitney_p,
    signed_rank_p,
)
from harness.core.stats.slopes import theil_sen
from harness.core.stats.student import student_quantile
from harness.core.stats.trimmed import TRIM, trimmed_mean, yuen_shift

__all__ = [
    "EXACT_LIMIT",
    "MIN_BLOCKS",
    "MIN_ROUNDS",
    "NORMAL_CONSISTENCY",
    "RANK_EFFICIENCY",
    "TRIM",
    "Combined",
    "Effect",
    "Estimate",
    "GeometricMean",
    "Prediction",
    "benjamini_hochberg",
    "combined",
    "detectable_effect",
    "geometric_mean",
    "hodges_lehmann",
    "hodges_lehmann_shift",
    "holm",
    "least_mann_whitney_p",
    "least_signed_rank_p",
    "log_ratio",
    "mad",
    "mann_whitney_p",
    "percent",
    "percentile",
    "signed_rank_p",
    "spread",
    "student_quantile",
    "theil_sen",
    "trimmed_mean",
    "yuen_shift",
]
