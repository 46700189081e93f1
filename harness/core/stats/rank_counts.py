"""Null distributions of the rank tests, as counts of all equally likely outcomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache


@lru_cache(maxsize=256)
def signed_rank_counts(n: int) -> tuple[int, ...]:
    """How many of the 2ⁿ sign patterns give T⁺ = 0, 1, …, n(n+1)/2."""
    return tuple(_subset_sums(range(1, n + 1)))


@lru_cache(maxsize=4096)
def signed_rank_tails(ranks: tuple[int, ...], lower: int) -> float:
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


@lru_cache(maxsize=256)
def mann_whitney_counts(m: int, n: int) -> tuple[int, ...]:
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
def split_tails(ranks: tuple[int, ...], size: int, observed: int) -> float:
    """Twice the smaller share of the subsets of `size` ranks that sum to `observed` or
    less, or to that or more. As in `signed_rank_tails`; each size has a row of sums."""
    width = len(ranks) + 1
    row = (sum(ranks) + 1) * width
    counts = 1
    for rank in ranks:
        counts = _first(counts + (counts << row + rank * width), size + 1, row)
    sums = counts >> size * row
    lower = _summed(_first(sums, observed + 1, width), width)
    upper = _summed(sums >> observed * width, width)
    return min(1.0, 2 * min(lower, upper) / math.comb(len(ranks), size))


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
