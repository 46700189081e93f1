"""The sums of all pairs of two samples, in order, without a list of them.

Thousands of rounds have millions of pairs. A place in their order is found by halving the
range of values until few are left in it, as in Johnson & Mizoguchi (1978), Selecting the
Kth element in X + Y and X₁ + X₂ + … + X_m.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

_FEW = 2
"""So many sums per value may be left to be sorted."""


class PairSums:
    """All sums x + y, each of both samples with each of the other one."""

    def __init__(self, first: Sequence[float], second: Sequence[float]) -> None:
        self._first, self._second = sorted(first), sorted(second)
        self._itself = False

    @classmethod
    def with_itself(cls, values: Sequence[float]) -> PairSums:
        """The sums of a sample's values with each other, each pair once, and with
        themselves."""
        sums = cls(values, values)
        sums._itself = True
        return sums

    def __len__(self) -> int:
        n = len(self._first)
        return n * (n + 1) // 2 if self._itself else n * len(self._second)

    def middle(self) -> float:
        """The median."""
        size = len(self)
        low, high = self._around((size - 1) // 2)
        return low if size % 2 else (low + high) / 2

    def at(self, place: int) -> float:
        """The sum at a place in their order, from 0."""
        return self._around(place)[0]

    def _around(self, place: int) -> tuple[float, float]:
        """The sums at a place and at the next one."""
        least, high = self._first[0] + self._second[0], self._first[-1] + self._second[-1]
        low, below, inside = -math.inf, 0, len(self)
        while inside > _FEW * (len(self._first) + len(self._second)):
            middle = least + (high - least) / 2
            upto = self._upto(middle)
            halved = below < upto < below + inside
            if upto > place:
                high, inside = middle, upto - below
            else:
                low, least, below, inside = middle, middle, upto, below + inside - upto
            if not halved:  # perhaps they are all the same
                least, high = self._next(low), self._last(high)
                if least == high:
                    break
        if least == high:
            return high, self._next(high) if place + 1 == below + inside else high
        ordered = sorted(self._between(low, high))
        after = place + 1 - below
        return ordered[place - below], ordered[after] if after < inside else self._next(
            high
        )

    def _upto(self, most: float) -> int:
        """How many sums are not above a value."""
        found, end, second = 0, len(self._second), self._second
        for place, x in enumerate(self._first):
            while end and x + second[end - 1] > most:
                end -= 1
            skipped = place if self._itself else 0
            if end <= skipped:
                break
            found += end - skipped
        return found

    def _last(self, most: float) -> float:
        """The greatest sum that is not above a value."""
        return max(x + self._second[end - 1] for x, _, end in self._spans(-math.inf, most))

    def _next(self, low: float) -> float:
        """The least sum above a value."""
        above = (x + self._second[start] for x, start, _ in self._spans(low, math.inf))
        return min(above, default=low)

    def _between(self, low: float, high: float) -> Iterator[float]:
        for x, start, end in self._spans(low, high):
            yield from (x + y for y in self._second[start:end])

    def _spans(self, low: float, high: float) -> Iterator[tuple[float, int, int]]:
        """Each x, and the places of the y for which x + y is above `low`, and at most
        `high`: both ends move down while x goes up."""
        start = end = len(self._second)
        for place, x in enumerate(self._first):
            while start and x + self._second[start - 1] > low:
                start -= 1
            while end and x + self._second[end - 1] > high:
                end -= 1
            least = max(start, place) if self._itself else start
            if least < end:
                yield x, least, end
