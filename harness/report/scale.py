"""A logarithmic axis: where a value stands, and which marks help to read it.

Logarithmic throughout, so that the same distance is the same factor in every chart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.report import format as fmt

_STEPS = ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,))
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark: its place in per cent of the axis, and its text."""

    place: float
    label: str


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from `low` to `high` (both > 0)."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """The place of a value in per cent, kept inside the axis."""
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return round(min(1.0, max(0.0, share)) * 100, 2)

    def times(self) -> tuple[Tick, ...]:
        """Marks of an axis of times in ns."""
        return tuple(
            Tick(self.at(value), fmt.round_duration(value)) for value in self.round_values()
        )

    def round_values(self) -> list[float]:
        """Round values inside the axis, as many as can be read."""
        low, high = self.low, self.high
        candidates = [list(_decades(low, high, steps)) for steps in _STEPS]
        candidates += [candidates[-1][::step] for step in (2, 3, 5)]
        sparse = max(map(len, candidates)) < 2
        if high / low < 4 or sparse:  # where decades are too coarse
            candidates += [list(_linear(low, high, about)) for about in (3, 4, 5, 7)]
        readable = [values for values in candidates if len(values) <= _MOST_TICKS]
        return max(readable, key=len, default=[])


def around(values: Iterable[float], margin: float = 0.06) -> Scale:
    """An axis that holds all values with some air; never narrower than 15 %."""
    logs = [math.log(value) for value in values]
    low, high = min(logs), max(logs)
    air = max((high - low) * margin, (math.log(1.15) - (high - low)) / 2, 0.005)
    return Scale(math.exp(low - air), math.exp(high + air))


def _linear(low: float, high: float, about: int) -> Iterator[float]:
    """Multiples of 1, 2 or 5 × 10ⁿ."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= raw * 0.999)
    first = math.ceil(low / step)
    yield from (step * count for count in range(first, math.floor(high / step) + 1))


def _decades(low: float, high: float, steps: Iterable[float]) -> Iterator[float]:
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for step in steps:
            value = float(f"{step}e{power}")
            if low <= value <= high:
                yield value
