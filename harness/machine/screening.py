"""Which passes of a block count: those in which nobody had to wait for a processor; pure.

A pass is one slice of every arm in random order, so it is the smallest complete block, and
what is left out is left out for all arms alike. Only waiting is looked at, never how long
a slice took: a pass that was merely slow stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import quantiles
from typing import NamedTuple

WAITING_LIMIT = 0.03
"""An arm may wait for a processor for this share of a slice before its pass is left out.
What the kernel does by itself now and then takes less (benchmarks/screening.py)."""


class Turn(NamedTuple):
    """A slice of an arm: its wall time, and how long those of the arm's processes of which
    waiting tells something were ready to run and had no processor; `None` where nobody
    knows. `worked_ns` is how long all of them ran."""

    wall_ns: int
    waited_ns: int | None
    worked_ns: int = 0

    @property
    def share(self) -> float:
        """The waiting as a share of the slice; 0 where nobody knows of any."""
        return self.waited_ns / self.wall_ns if self.waited_ns and self.wall_ns else 0.0

    @property
    def by_others(self) -> float:
        """The same without what they waited for each other on one core, where one waits
        while the other works: at most the share in which none of them ran."""
        idle = max(0.0, 1 - self.worked_ns / self.wall_ns) if self.wall_ns else 0.0
        return min(self.share, idle)


def left_out(
    turns: Mapping[str, Sequence[Turn]], stolen: Sequence[float] = (), *, exact: bool
) -> list[int]:
    """The passes of a block in which somebody had to wait, by their index.

    `turns` are the slices of each arm, pass after pass; `stolen` the share of each pass
    that the host of a virtual machine took, counted in ticks of 10 ms. Waiting is `exact`
    where only others can make an arm wait. A client and a backend that meet on one core
    wait for each other, too: there, what they wait in a quiet slice is their own doing, and
    so is all of it that one of them worked through.
    """
    by_others = [
        [turn.share for turn in slices] if exact else _by_others(slices)
        for slices in turns.values()
    ]
    return [
        number
        for number, shares in enumerate(zip(*by_others, strict=True))
        if max(shares) > WAITING_LIMIT
        or (number < len(stolen) and stolen[number] > WAITING_LIMIT)
    ]


def _by_others(turns: Sequence[Turn]) -> list[float]:
    """What client and backend waited for others, as a share of each slice, at most."""
    own = own_waiting(turns)
    return [min(turn.share - own, turn.by_others) for turn in turns]


def own_waiting(turns: Sequence[Turn]) -> float:
    """The share of its slices that an arm waits for itself: their lower quartile, because
    what others do to it comes and goes."""
    shares = [turn.share for turn in turns]
    return quantiles(shares, n=4, method="inclusive")[0] if len(shares) > 1 else 0.0
