"""A process that takes a third of a core, switched on in the middle: is it noticed?

Blocks are measured one after another, none is repeated. Those that were measured beside
the hog must be marked as disturbed, and no other. On a virtual machine the host is a hog,
too, that nobody can switch off: where it took cores for itself, a mark is not false.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from harness import machine, scenario
from harness.measurer import Measurer
from harness.model import Arm
from harness.schedule import Plan
from harness.seat import Seat
from harness.stage import Playable
from harness.validity import Outcome
from harness.validity.seats import seats_for
from harness.venue import Venue

CELL = "query/point#fetch-one"
SHARE = 0.3
DRIVERS = ("psycopg2", "psycopg", "asyncpg")
MARK = 0.95
STOLEN = 0.05
"""A block without the hog counts as quiet if the host took less of the cores' time."""
_PLAN = Plan(4_000_000, 16, 6, 6, 0.0, 0, 0)
_HOG = """
import time
while True:
    begun = time.monotonic()
    while time.monotonic() - begun < {busy}:
        pass
    time.sleep({idle})
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A block: why it was marked, if it was, and the share that the host took meanwhile."""

    reason: str
    stolen: float


@contextmanager
def hog() -> Iterator[None]:
    """A process that uses a third of one core, in pieces of 10 ms."""
    code = _HOG.format(busy=0.01, idle=0.01 * (1 / SHARE - 1))
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def noticed(place: Venue, blocks: int) -> Iterator[Outcome]:
    """So many blocks without the hog and as many beside it, then as many without again."""
    without = _blocks(place, blocks)
    with hog():
        hit = _blocks(place, blocks)
    without += _blocks(place, blocks)
    yield from judged(without, hit)


def judged(without: Sequence[Seen], hit: Sequence[Seen]) -> Iterator[Outcome]:
    """How many blocks beside the hog are marked, and how many quiet ones without it."""
    marked = sum(bool(one.reason) for one in hit)
    quiet = [one for one in without if one.stolen < STOLEN]
    false = [one.reason for one in quiet if one.reason]
    left_out = len(without) - len(quiet)
    yield Outcome(
        "a hog switched on: blocks that are marked",
        f"at least {MARK:.0%}",
        f"{marked} of {len(hit)}",
        marked >= MARK * len(hit),
    )
    yield Outcome(
        "a hog switched off: false flags",
        "none",
        f"{len(false)} of {len(quiet)}"
        + "".join(f"; {one}" for one in false[:1])
        + (f"; in {left_out} more the host took 5 % or more" if left_out else ""),
        bool(quiet) and not false,
    )


def _blocks(place: Venue, blocks: int) -> list[Seen]:
    _, (cell,) = scenario.select_cells([CELL])
    play = place.stage.prepare(cell)
    with (
        machine.placed(place.server) as placement,
        seats_for(place, [Arm(name) for name in DRIVERS], placement) as seats,
    ):
        rng, pid = random.Random(0), place.server.pid
        measurer = Measurer(place.stage, _PLAN, rng, placement, pid)
        cores = [*placement.clients, *placement.server]
        return [_seen(measurer, play, number, seats, cores) for number in range(blocks)]


def _seen(
    measurer: Measurer,
    play: Playable,
    number: int,
    seats: Sequence[Seat],
    cores: Sequence[int],
) -> Seen:
    begun, before = time.monotonic(), _stolen(cores)
    block = measurer.measure(play, number, 0, seats)
    possible = (time.monotonic() - begun) * max(1, len(cores))
    return Seen(block.disturbed, (_stolen(cores) - before) / possible)


def _stolen(cores: Sequence[int]) -> float:
    """Seconds that the host has taken of these cores so far, by the system's account; 0
    where it keeps none."""
    times = psutil.cpu_times(percpu=True)
    return sum(getattr(times[core], "steal", 0.0) for core in cores)
