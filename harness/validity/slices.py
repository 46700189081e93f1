"""Interleaved short slices against one long slice of the same process.

Short slices make drivers share their weather, but each begins after somebody else's turn.
If that cost anything, short slices would read longer than a long one, in which a driver
runs undisturbed.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from harness import machine, scenario, schedule, stats
from harness.model import Arm
from harness.seat import Seat
from harness.stage import Playable
from harness.validity import Outcome
from harness.validity.seats import ready, seats_for
from harness.venue import Venue

CELL = "query/point#fetch-one"
DRIVERS = ("psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy")
SHORT_NS = 4_000_000
PASSES = 12
"""A long slice has the ops of so many short ones."""
TURNS = 8
MARK = 0.01


def against_long(place: Venue, rounds: int) -> Iterator[Outcome]:
    """One row per driver: how far short slices are from a long one, over fresh workers."""
    found = _measure(place, rounds)
    for driver in DRIVERS:
        estimate = stats.hodges_lehmann(found[driver])
        point = math.expm1(estimate.point)
        yield Outcome(
            f"interleaved slices against one long slice, {driver}",
            f"at most {MARK:.0%} apart",
            f"{point:+.2%}{_interval(estimate)}, {estimate.n} rounds",
            abs(point) <= MARK,
        )


def _interval(estimate: stats.Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f" ({math.expm1(estimate.low):+.2%} … {math.expm1(estimate.high):+.2%})"


def _measure(place: Venue, rounds: int) -> dict[str, list[float]]:
    _, (cell,) = scenario.select_cells([CELL])
    play = place.stage.prepare(cell)
    rng = random.Random(0)
    found: dict[str, list[float]] = defaultdict(list)
    arms = [Arm(driver) for driver in DRIVERS]
    with machine.placed(place.server) as placement:
        for _ in range(rounds):
            with seats_for(place, arms, placement) as seats:
                for driver, ratio in _round(play, seats, rng):
                    found[driver].append(ratio)
    return found


def _round(
    play: Playable, seats: Sequence[Seat], rng: random.Random
) -> Iterator[tuple[str, float]]:
    """log(short / long) of each driver: the median over turns, each of which has one long
    slice and its ops in short ones. Sums are compared, as the median of short slices
    leaves out what a long one has in it: their tail."""
    ops = {seat.arm.driver: _ready(play, seat) for seat in seats}
    ratios: dict[str, list[float]] = defaultdict(list)
    for _ in range(TURNS):
        short, long = _short(seats, ops, rng), _long(seats, ops, rng)
        for driver in ops:
            ratios[driver].append(math.log(short[driver] / long[driver]))
    for driver, logs in ratios.items():
        yield driver, median(logs)


def _short(
    seats: Sequence[Seat], ops: Mapping[str, int], rng: random.Random
) -> dict[str, float]:
    """ns per op by driver, over short slices that are interleaved."""
    walls: dict[str, float] = defaultdict(float)
    for _ in range(PASSES):
        for seat in rng.sample(seats, len(seats)):
            walls[seat.arm.driver] += _slice(seat, ops[seat.arm.driver])
    return {driver: wall / PASSES for driver, wall in walls.items()}


def _long(
    seats: Sequence[Seat], ops: Mapping[str, int], rng: random.Random
) -> dict[str, float]:
    """ns per op by driver, each in one go."""
    return {
        seat.arm.driver: _slice(seat, ops[seat.arm.driver] * PASSES)
        for seat in rng.sample(seats, len(seats))
    }


def _ready(play: Playable, seat: Seat) -> int:
    """Open, verify and warm; how many ops fill a short slice."""
    ready(seat, play)
    ns = median(_slice(seat, play.prepared.calls) for _ in range(5))
    return schedule.ops_per_slice(ns, SHORT_NS, play.prepared.calls)


def _slice(seat: Seat, ops: int) -> float:
    answer = seat.ask("measure", 60, ops=ops, lead=schedule.lead_ops(ops))
    return float(answer["wall_ns"] / ops)
