"""Which rates an arm is asked for: up to where it saturates, and a little beyond. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from harness.core import stats
from harness.lanes.load.record import Load

STEP = 1.5
"""From one rate to the next."""
BEYOND = 2
"""Rates after the first at which it saturates: the knee lies between points, not at the
end."""
BEFORE = 3
"""Rates before the one at which it saturated in the first repeat, where later ones begin,
besides the first rate of all: how long an op takes unloaded is asked in each repeat."""
MOST_RATE = 100_000
"""What is due within a second and faster than any Python process sends."""
ACHIEVED = 0.95
"""A lower share of what was asked for is saturation: what is left when the last op was due
takes the rest;"""
SLOWED = 50
"""so is a p99 response of so many unloaded medians."""


class Sweep:
    """The rates of one arm in one repeat: `rate` is the next one, None after the last.

    `knee` is the first at which it saturated.
    """

    def __init__(self, rates: Iterator[float]) -> None:
        self._rates = rates
        self._unloaded_ns = 0.0
        self._left = BEYOND
        self.knee: float | None = None
        self.rate = next(rates, None)

    @property
    def share(self) -> float:
        """For which share of a slot's time ops are due: beyond the knee as many ops as at
        it, which take a driver as long."""
        return self.knee / self.rate if self.knee and self.rate else 1.0

    def saw(self, slot: Load) -> None:
        """What came at this rate. Where nothing was measured nothing would be beyond."""
        if self.knee is not None:
            self._left -= 1
        elif slot.measured and self._is_saturated(slot):
            self.knee = self.rate
        over = not slot.measured or (self.knee is not None and self._left <= 0)
        self.rate = None if over else next(self._rates, None)

    def _is_saturated(self, slot: Load) -> bool:
        # What the generator sent late is no slowness of the driver.
        times = zip(slot.response_ns, slot.lag_ns, strict=True)
        slow = stats.percentile([response - lag for response, lag in times], 0.99)
        self._unloaded_ns = self._unloaded_ns or median(slot.response_ns)
        # By the moments that were due, not by the rate: chance has few ops due earlier.
        late_ns = slot.wall_ns - slot.planned_ns
        behind = late_ns > (1 - ACHIEVED) * len(slot.response_ns) / slot.rate * 1e9
        return behind or (slow or 0) > SLOWED * self._unloaded_ns


def rates(
    first: float, asked: Sequence[float] = (), knee: float | None = None
) -> Iterator[float]:
    """The rates of a repeat: those that were asked for; else from the first one up, at
    first every second one; where the knee is known, the first one and those around it."""
    if asked:
        return iter(sorted(set(asked)))
    found = list(_ascending(first))
    if knee not in found:
        return iter(found[::2])
    return iter([first, *found[max(1, found.index(knee) - BEFORE) :]])


def _ascending(first: float) -> Iterator[float]:
    rate = first
    while rate <= MOST_RATE:
        yield rate
        rate = round(rate * STEP)


def planned(asked: Sequence[float] = ()) -> int:
    """About how many rates a repeat has: a guess before anything was measured."""
    return len(set(asked)) or 1 + BEFORE + 1 + BEYOND
