"""How often each task of a mix has its turn, and in which order. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from fractions import Fraction

CYCLE = 100
"""So many turns a cycle has, or a few less where the weights then come out exactly."""


def turns_of(weights: Sequence[float], length: int = 0) -> list[int]:
    """The turns of each task in a cycle: in proportion to the weights, at least one.

    Weights whose smallest whole proportion fits into a cycle come out exactly. Others are
    rounded: what is left goes to those that lack most. `length` is the cycle's, 0 for as
    many turns as are usual.
    """
    parts = _smallest(weights) if len(weights) <= CYCLE else []
    least = sum(parts)
    if not length:
        length = CYCLE // least * least if 0 < least <= CYCLE else max(CYCLE, len(weights))
    shares = list(map(Fraction, parts or weights))
    whole = sum(shares)
    return _rounded([share * length / whole for share in shares], length)


def _smallest(weights: Sequence[float]) -> list[int]:
    """The smallest whole numbers of this proportion, as the weights are written."""
    shares = [Fraction(str(weight)) for weight in weights]
    whole = math.lcm(*(share.denominator for share in shares))
    numbers = [int(share * whole) for share in shares]
    return [number // math.gcd(*numbers) for number in numbers]


def _rounded(quotas: Sequence[Fraction], length: int) -> list[int]:
    """Whole numbers of this sum, each at least one, as near to the quotas as can be."""
    turns = [max(1, math.floor(quota)) for quota in quotas]
    places = range(len(turns))
    while (short := length - sum(turns)) > 0:
        lacking = sorted(places, key=lambda at: (turns[at] - quotas[at], at))
        for at in lacking[:short]:
            turns[at] += 1
    while sum(turns) > length:
        most = max(places, key=lambda at: (turns[at] > 1, turns[at] - quotas[at], -at))
        turns[most] -= 1
    return turns


def order_of(turns: Sequence[int], seed: int) -> tuple[int, ...]:
    """Whose turn it is, by index, in an order that only the seed decides."""
    order = [index for index, count in enumerate(turns) for _ in range(count)]
    random.Random(seed).shuffle(order)
    return tuple(order)
