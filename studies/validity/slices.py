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
from statistics import fmean, median
from typing import NamedTuple

from harness import scenario
from harness.bench import schedule
from harness.core import stats
from harness.core.arms import Arm
from harness.machine import host
from harness.play.seat import Seat
from harness.validity.outcome import Outcome
from harness.validity.seats import ready, seats_for
from harness.venue.stage import Playable
from harness.venue.venue import Venue

CELL = "query/point#fetch-one"
DRIVERS = ("psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy")
SHORT_NS = 4_000_000
PASSES = 12
"""A long slice has the ops of so many short ones."""
TURNS = 8
MARK = 0.01


class Spent(NamedTuple):
    """ns per op: on the wall, and of the client's processor."""

    wall: float
    cpu: float


def against_long(place: Venue, rounds: int) -> Iterator[Outcome]:
    """One row per driver: how far short slices are from a long one, over fresh workers; and
    whether the client itself had more to do in them."""
    found = _measure(place, rounds)
    for driver in DRIVERS:
        wall, cpu = map(stats.hodges_lehmann, zip(*found[driver], strict=True))
        point = math.expm1(wall.point)
        yield Outcome(
            f"interleaved slices against one long slice, {driver}",
            f"at most {MARK:.0%} apart",
            f"{point:+.2%}{_interval(wall)}, {wall.n} rounds;"
            f" client CPU {math.expm1(cpu.point):+.2%}{_interval(cpu)}",
            abs(point) <= MARK,
        )


def _interval(estimate: stats.Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f" ({math.expm1(estimate.low):+.2%} … {math.expm1(estimate.high):+.2%})"


def _measure(place: Venue, rounds: int) -> dict[str, list[Spent]]:
    """By driver, the log-ratios of each round."""
    _, (cell,) = scenario.select_cells([CELL])
    play = place.stage.prepare(cell)
    rng = random.Random(0)
    found: dict[str, list[Spent]] = defaultdict(list)
    arms = [Arm(driver) for driver in DRIVERS]
    with host.placed(place.server) as placement:
        for _ in range(rounds):
            with seats_for(place, arms, placement) as seats:
                for driver, ratios in _round(play, seats, rng):
                    found[driver].append(ratios)
    return found


def _round(
    play: Playable, seats: Sequence[Seat], rng: random.Random
) -> Iterator[tuple[str, Spent]]:
    """log(short / long) of each driver: the median over turns, each of which has one long
    slice and its ops in short ones. Sums are compared, as the median of short slices
    leaves out what a long one has in it: their tail."""
    ops = {seat.arm.driver: _ready(play, seat) for seat in seats}
    walls: dict[str, list[float]] = defaultdict(list)
    cpus: dict[str, list[float]] = defaultdict(list)
    for _ in range(TURNS):
        short, long = _short(seats, ops, rng), _long(seats, ops, rng)
        for driver in ops:
            walls[driver].append(math.log(short[driver].wall / long[driver].wall))
            cpus[driver].append(math.log(short[driver].cpu / long[driver].cpu))
    for driver in ops:
        yield driver, Spent(median(walls[driver]), median(cpus[driver]))


def _short(
    seats: Sequence[Seat], ops: Mapping[str, int], rng: random.Random
) -> dict[str, Spent]:
    """By driver, over short slices that are interleaved."""
    slices: dict[str, list[Spent]] = defaultdict(list)
    for _ in range(PASSES):
        for seat in rng.sample(seats, len(seats)):
            slices[seat.arm.driver].append(_slice(seat, ops[seat.arm.driver]))
    return {
        driver: Spent(*map(fmean, zip(*each, strict=True)))
        for driver, each in slices.items()
    }


def _long(
    seats: Sequence[Seat], ops: Mapping[str, int], rng: random.Random
) -> dict[str, Spent]:
    """By driver, each in one go."""
    return {
        seat.arm.driver: _slice(seat, ops[seat.arm.driver] * PASSES)
        for seat in rng.sample(seats, len(seats))
    }


def _ready(play: Playable, seat: Seat) -> int:
    """Open, verify and warm; how many ops fill a short slice."""
    ready(seat, play)
    ns = median(_slice(seat, play.prepared.calls).wall for _ in range(5))
    return schedule.ops_per_slice(ns, SHORT_NS, play.prepared.calls)


def _slice(seat: Seat, ops: int) -> Spent:
    answer = seat.ask("measure", 60, ops=ops, lead=schedule.lead_ops(ops))
    return Spent(answer["wall_ns"] / ops, answer["cpu_ns"] / ops)
