"""Where a sweep over rates saturates: the knee of the achieved rate over the asked one.

    achieved = min(asked, capacity)

Below its capacity whoever is asked keeps up; above it a queue never empties, and what is
achieved is the capacity, however much is asked. The knee is the corner of these two
pieces, so it is the capacity, and its fit is the flat piece: in each repeat the mean of
the logarithms of what was achieved at saturated rates (least squares of a constant).
Hodges–Lehmann over repeats makes the interval, as everywhere.

Which rates are saturated is decided by all repeats together: what luck did to one of them
must not choose its numbers. `studies/knee.py` simulates queues of known capacity.

Sources: the asymptotic bounds of Denning & Buzen (1978), The operational analysis of
queueing network models; Jain (1991), The Art of Computer Systems Performance Analysis,
section 3.3 (knee and usable capacity).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from harness.core.stats.estimates import Estimate
from harness.core.stats.rank_tests import hodges_lehmann

KEEPS_UP = 0.95
"""Who achieves this share of what is asked keeps up."""
FLAT = 0.90
"""Below this share a queue is there from beginning to end, so that what is achieved is the
capacity. Between the two it is up to 1 % less than that: the queue empties at times."""


@dataclass(frozen=True, slots=True)
class AskedRate:
    """What was achieved at one rate, by repeat: `achieved` in the unit of `rate`, and the
    share of the rate that was `kept`, free of the luck of the arrivals."""

    rate: float
    achieved: Mapping[int, float]
    kept: Mapping[int, float]

    @property
    def share(self) -> float:
        """The share that was kept, in the middle of the repeats."""
        return median(self.kept.values())

    @property
    def keeps_up(self) -> bool:
        """Whether the asked rate was achieved."""
        return self.share >= KEEPS_UP


@dataclass(frozen=True, slots=True)
class Knee:
    """The capacity, or on which side of all rates it lies.

    `capacity` has an interval from six repeats on, `logs` are the logarithms of single
    repeats. `keeps_up_to` is the greatest asked rate that was achieved; 0 where none was.
    `below` is the least rate that was asked, where already that one was too much.
    """

    capacity: Estimate | None = None
    logs: Mapping[int, float] = field(default_factory=dict)
    keeps_up_to: float = 0.0
    below: float = 0.0


def share_kept(rate: float, ops: int, behind_s: float) -> float:
    """Which share of an asked rate was kept, if the last answer came so much later than
    the last op was due, beyond what an op takes by itself. It is not taken of what was
    achieved: by chance ops are due earlier or later than their rate says."""
    return 1 / (1 + max(0.0, behind_s) * rate / ops)


def knee(rates: Sequence[AskedRate], least: float = 0.0) -> Knee:
    """The knee of a sweep: of the rates that count. `least` is the least rate that was
    asked at all; if that one counts and is saturated, nobody saw the other piece."""
    ordered = sorted((asked for asked in rates if asked.achieved), key=_rate)
    kept = [asked.rate for asked in ordered if asked.keeps_up]
    saturated = [asked for asked in ordered if asked.share < FLAT] or [
        asked for asked in ordered if not asked.keeps_up
    ]
    if not saturated:
        return Knee(keeps_up_to=max(kept, default=0.0))
    if not kept and ordered[0].rate == least:
        return Knee(below=least)
    logs = _flat(saturated)
    return Knee(hodges_lehmann(list(logs.values())).exp(), logs, max(kept, default=0.0))


def _rate(asked: AskedRate) -> float:
    return asked.rate


def _flat(saturated: Sequence[AskedRate]) -> dict[int, float]:
    """The flat piece of each repeat, by those of the saturated rates that it has: a sweep
    ends where it found its end, which is not the same rate in all repeats."""
    logs: dict[int, list[float]] = {}
    for asked in saturated:
        for repeat, rate in asked.achieved.items():
            logs.setdefault(repeat, []).append(math.log(rate))
    return {repeat: fmean(found) for repeat, found in sorted(logs.items())}
