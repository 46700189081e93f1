"""How much to measure, in which order, and when to stop: pure logic, no clock.

The runner asks here and acts there, so that tests can answer with a fake clock.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from harness.core import stats
from harness.core.cells import Arrivals, Effort

LEAD_IN = 0.2
"""The untimed share at the start of a slice: it brings every driver within ±0.5 % of
one long slice (docs/methodology.md)."""
LONG_SLICE_NS = 20_000_000
"""Cold caches cost a slice a tenth of a millisecond or two: 1 % at most of one so long."""
WARM_UP_OPS = 12
"""psycopg prepares at the fifth execution, a generic plan may begin at the sixth."""
NETWORK_WARM_UP_NS = 1_000_000_000
"""How long warm-up may take over a network; all arms warm up at the same time."""
WARM_UP_SLICES = (3, 12)
"""Warm-up goes on in short slices: at least so many, at most so many."""
STEADY = 0.97
"""Warm-up is over when neither of the last two short slices beats the best before them by
more than 3 %."""
CONCURRENT_SLICE_NS = 200_000_000
"""Shorter slices of many clients measure how they start, not how they run."""
MIN_ROUNDS = 6
"""Below six rounds the signed-rank interval at 95 % does not exist."""
MIN_SLICES = 3
PASSES_AT_MOST = 3
"""A block has up to so many times the passes that are wanted, where some do not count,"""
EXTRA_NS = 1_000_000_000
"""but where passes take long, only as many more as fit into this time."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many send at the same time, where a lane has many clients: `sessions` are those
    of each process in an open loop. `rates` are those that were asked for, ops per second
    of all processes; without any they rise until a driver saturates. A slot at a rate takes
    so many `seconds`."""

    processes: int = 2
    sessions: int = 8
    rates: tuple[float, ...] = ()
    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What an effort means.

    `slice_ns` is how long a timed slice should last; `slices` how many each arm gets
    per block; `target` the relative half-width at which a cell is done; `budget_s` the
    wall time that the whole run may take, 0 for no limit. `repeats` is how many processes
    count a cell of an arm, where a lane counts instead of timing; `crowd` is for the lane
    of many clients.
    """

    slice_ns: int
    slices: int
    min_rounds: int
    max_rounds: int
    target: float
    budget_s: float
    latency_ns: int
    repeats: int = 3
    crowd: Crowd = Crowd()

    @property
    def block_ns(self) -> int:
        """The timed share of one arm in one block."""
        return self.slice_ns * self.slices


PLANS: Mapping[Effort, Plan] = {
    "quick": Plan(3_000_000, 12, 6, 8, 0.03, 75, 0),
    "standard": Plan(4_000_000, 16, 6, 13, 0.015, 400, 10_000_000),
    "full": Plan(4_000_000, 16, 6, 13, 0.015, 0, 10_000_000),
    "gate": Plan(4_000_000, 16, 8, 40, 0.01, 0, 0),
}


GATE_S = 10.5
"""Seconds that a gate may take for each of its cells: twelve rounds or so of three arms."""
LEAST_GATE_S = 60.0
"""So long it may take however small it is."""


def gate_plan(cells: int, arms: int) -> Plan:
    """The plan of a gate: rounds enough for the corrected test over so many cells and arms,
    in a time that people wait for."""
    return replace(
        PLANS["gate"],
        min_rounds=gate_rounds(cells * arms),
        budget_s=max(LEAST_GATE_S, GATE_S * cells),
    )


def gate_rounds(tests: int, alpha: float = 0.05) -> int:
    """The fewest rounds at which a signed-rank test over `tests` tests can speak.

    The smallest two-sided p-value of n rounds is 2^(1 - n); Holm compares it to
    alpha / tests.
    """
    return max(MIN_ROUNDS, 1 + math.ceil(math.log2(max(1, tests) / alpha)))


def ops_per_slice(ns_per_op: float, slice_ns: int, cycle: int) -> int:
    """How many ops fill a slice: a whole number of cycles, at least one."""
    cycles = round(slice_ns / max(1.0, ns_per_op) / cycle)
    return max(1, cycles) * cycle


def warm_up_ops(slowest_ns: int, plan: Plan, *, network: bool = False) -> int:
    """How many ops warm up: fewer for slow ones, whose cost is not in how they start. They
    take as long as they are then timed, at most; over a `network`, where an op is slow
    without having worked, they may take a second."""
    least = 1 if slowest_ns >= LONG_SLICE_NS else 2
    most_ns = max(plan.block_ns, NETWORK_WARM_UP_NS) if network else plan.block_ns
    return max(least, min(WARM_UP_OPS, most_ns // max(1, slowest_ns)))


def cycle_over_network(cycle: int, ns_per_op: float) -> int:
    """After how many ops a slice over a network may end: a whole cycle, unless that takes
    long. What the round trips take does not depend on the parameters."""
    return cycle if cycle * ns_per_op <= LONG_SLICE_NS else 1


def is_steady(walls: Sequence[float]) -> bool:
    """Whether an op has stopped to become faster, given the times of its warm-up slices."""
    if len(walls) < WARM_UP_SLICES[0]:
        return False
    return min(walls[-2:]) > STEADY * min(walls[:-2])


def warm_up_slice(ops: int, cycle: int) -> int:
    """The ops of a warm-up slice: a quarter of a timed one, in whole cycles."""
    return max(1, round(ops / 4 / cycle)) * cycle


def lead_ops(ops: int, ns_per_op: float = 0.0) -> int:
    """The untimed ops before a slice: none where it is so long that a cold start is nothing
    beside it."""
    return 0 if ops * ns_per_op >= LONG_SLICE_NS else math.ceil(ops * LEAD_IN)


def due(arrivals: Arrivals, rng: random.Random) -> list[int]:
    """When the ops of an open loop begin, ns from its start: `rate` × `seconds` moments.

    `uniform` moments lie 1/rate apart. Those of a Poisson process have exponential
    distances with that mean; their number is fixed, so that all slices have equal work.
    """
    return moments(arrivals.kind, arrivals.rate, arrivals.seconds, rng)


def moments(kind: str, rate: float, seconds: float, rng: random.Random) -> list[int]:
    """The same at any rate, and for any time."""
    gap = 1e9 / rate
    count = max(1, round(rate * seconds))
    if kind == "uniform":
        return [round(gap * number) for number in range(count)]
    return [round(at) for at in accumulate(rng.expovariate(1 / gap) for _ in range(count))]


def passes_in_block(slowest_slice_ns: float, plan: Plan) -> int:
    """How many slices each arm gets in a block: fewer where one slice takes long."""
    affordable = int(plan.block_ns / max(1.0, slowest_slice_ns))
    return max(MIN_SLICES, min(plan.slices, affordable))


def pass_order(rng: random.Random, arms: Sequence[str], passes: int) -> Iterator[list[str]]:
    """Whose turn it is: in each pass every arm once, in a fresh random order."""
    for _ in range(passes):
        yield rng.sample(arms, len(arms))


def has_turn(number: int, *, reference: bool) -> bool:
    """Whether an arm takes part in the pass of this number, from 1: a reference in the
    first ones only. Nobody is told apart by it, and its start may take ten slices' time."""
    return not reference or number <= MIN_SLICES


def most_passes(wanted: int, pass_ns: float) -> int:
    """How many passes a block may have so that as many as are wanted were quiet, given how
    long all slices of a pass take."""
    extra = max(1, int(EXTRA_NS / max(1.0, pass_ns)))
    return wanted + min((PASSES_AT_MOST - 1) * wanted, extra)


def is_narrow(rounds: Sequence[Mapping[str, float]], plan: Plan) -> bool:
    """Whether a cell may stop: every arm's interval, relative to its block, is narrow.

    `rounds` holds ns per op by arm, one mapping per round. Stopping looks at widths
    only, never at who wins: stopping on significance would raise false alarms.
    """
    if len(rounds) < plan.min_rounds:
        return False
    return widest(rounds) <= plan.target


def widest(rounds: Sequence[Mapping[str, float]]) -> float:
    """The half-width of the widest interval among the arms of a cell, each relative to its
    blocks, as a log-ratio; infinite where there is no interval."""
    arms = set.intersection(*(set(times) for times in rounds)) if rounds else set()
    if len(arms) == 1:
        (arm,) = arms
        return _width([times[arm] for times in rounds])
    return max((_width(_relative(rounds, arm, arms)) for arm in arms), default=math.inf)


def _relative(
    rounds: Sequence[Mapping[str, float]], arm: str, arms: set[str]
) -> list[float]:
    return [
        times[arm] / math.exp(math.fsum(math.log(times[a]) for a in arms) / len(arms))
        for times in rounds
    ]


def _width(values: Sequence[float]) -> float:
    estimate = stats.hodges_lehmann([math.log(value) for value in values])
    if estimate.low is None or estimate.high is None:
        return math.inf
    return (estimate.high - estimate.low) / 2


@dataclass(frozen=True, slots=True)
class Need:
    """What a cell costs and lacks: seconds per round, the rounds to go until there is an
    interval, and how wide that is, as a multiple of the width that is aimed at."""

    seconds: float
    rounds: int
    width: float = math.inf


def affordable(
    needs: Mapping[str, Need], left: float, grace: float, start: float
) -> list[str]:
    """Which cells have another round in the seconds that are `left`.

    Those that lack rounds for an interval come before the others, cheap ones first, and may
    take `grace` seconds besides. What then is left goes to the widest intervals. Each round
    begins with `start` seconds for all.
    """
    lacking = {
        cell: need.seconds * need.rounds for cell, need in needs.items() if need.rounds
    }
    others = {cell: need for cell, need in needs.items() if not need.rounds}
    starts = start * max((need.rounds for need in needs.values()), default=0)
    kept = _fitting(sorted(lacking.items(), key=_by_cost), left + grace - starts)
    used = sum(lacking[cell] for cell in kept) + (starts if kept else start)
    widest = sorted(others, key=lambda cell: (-others[cell].width, cell))
    return kept + _fitting([(cell, others[cell].seconds) for cell in widest], left - used)


def _by_cost(item: tuple[str, float]) -> tuple[float, str]:
    cell, seconds = item
    return seconds, cell


def _fitting(costs: Sequence[tuple[str, float]], seconds: float) -> list[str]:
    """The cells, in this order, that fit one after another into the seconds."""
    kept = []
    for cell, cost in costs:
        if cost <= seconds:
            kept.append(cell)
            seconds -= cost
    return kept
