"""How sure is a knee? Sweeps over simulated queues of known capacity, again and again.

    python -m studies.knee            # 1,000 sweeps of each kind, minutes
    python -m studies.knee 200

For each queue, place of the capacity between the rates of the sweep, and number of repeats:
how many intervals hold the capacity (95 % should), how far off the knee is on average, and
the half width of an interval, which is what it costs to have few repeats.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from harness.core.stats.saturation import AskedRate, Knee, knee, share_kept
from harness.core.verdicts import EXACT
from harness.lanes.load.record import Load
from harness.lanes.load.sweep import Sweep
from harness.lanes.load.sweep import rates as rising
from studies.queues import Queue, Slot, slot

FIRST = 500.0
"""The rate at which a sweep begins; the next ones are 750, 1,125, 1,688 and 2,532 ops/s."""
FIRST_CELL = "arrivals/token#row"
CAPACITIES = (1400.0, 1650.0)
"""In the middle between two rates of the sweep, and just below one."""
QUEUES = (
    Queue(0.0, 1, "fixed", between=0.03, within=0.01),
    Queue(0.0, 1, "exponential", between=0.03, within=0.01),
    Queue(0.0, 8, "exponential", between=0.03, within=0.01),
)
REPEATS = (6, 10)
SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the knees of many sweeps were: how many had an interval, the share of those
    that held the capacity, the mean error and the mean half width, both as logarithms."""

    known: int
    covered: float
    bias: float
    half_width: float


def found_knee(
    rng: random.Random, queue: Queue, repeats: int, seconds: float = SECONDS
) -> Knee:
    """The knee of simulated sweeps: rates rise, as in a run, until the queue is saturated;
    later repeats ask around that rate."""
    achieved: dict[float, dict[int, float]] = {}
    kept: dict[float, dict[int, float]] = {}
    known = None
    for repeat in range(repeats):
        luck = rng.gauss(0, queue.between)
        sweep = Sweep(rising(FIRST, (), known))
        while (rate := sweep.rate) is not None:
            held = slot(rng, queue, rate, seconds * sweep.share, luck)
            rate_of = len(held.response_ns) / held.wall_ns * 1e9
            achieved.setdefault(rate, {})[repeat] = rate_of
            behind_s = (held.wall_ns - held.planned_ns - min(held.response_ns)) / 1e9
            share = share_kept(rate, len(held.response_ns), behind_s)
            kept.setdefault(rate, {})[repeat] = share
            sweep.saw(_record(held, repeat, rate))
        known = known or sweep.knee
    return knee([AskedRate(rate, achieved[rate], kept[rate]) for rate in kept], FIRST)


def _record(held: Slot, repeat: int, rate: float) -> Load:
    """A slot as the lane records it."""
    return Load(
        cell=FIRST_CELL,
        arm="queue",
        repeat=repeat,
        judgement=EXACT,
        rate=rate,
        planned_ns=held.planned_ns,
        wall_ns=held.wall_ns,
        lag_ns=[0] * len(held.response_ns),
        response_ns=held.response_ns,
    )


def coverage(
    queue: Queue, repeats: int, sweeps: int, *, seconds: float = SECONDS, seed: int = 1
) -> Coverage:
    """Many sweeps of one kind."""
    rng = random.Random(seed)
    found = [found_knee(rng, queue, repeats, seconds).capacity for _ in range(sweeps)]
    ends = [
        (knee.low, knee.point, knee.high)
        for knee in found
        if knee and knee.low and knee.high
    ]
    if not ends:
        return Coverage(0, math.nan, math.nan, math.nan)
    return Coverage(
        known=len(ends),
        covered=fmean(low <= queue.capacity <= high for low, _, high in ends),
        bias=fmean(math.log(point / queue.capacity) for _, point, _ in ends),
        half_width=fmean(math.log(high / low) / 2 for low, _, high in ends),
    )


def table(sweeps: int) -> Iterator[str]:
    """A line for each kind, as soon as it is known."""
    head = f"{'queue':<8}{'capacity':>9}{'repeats':>9}{'known':>8}"
    yield f"{head}{'held':>9}{'bias':>9}{'±':>8}"
    for kind in QUEUES:
        for capacity in CAPACITIES:
            for repeats in REPEATS:
                queue = replace(kind, capacity=capacity)
                found = coverage(queue, repeats, sweeps)
                yield (
                    f"{queue.name:<8}{capacity:>9,.0f}{repeats:>9}{found.known:>8,}"
                    f"{found.covered:>9.1%}{found.bias:>+9.2%}{found.half_width:>8.1%}"
                )


def main(arguments: Sequence[str]) -> int:
    """Print the table."""
    for line in table(int(arguments[0]) if arguments else 1_000):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
