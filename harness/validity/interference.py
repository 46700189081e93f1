"""A process that takes a third of a core, switched on in the middle: is it noticed?

Blocks are measured one after another, none is repeated. Those that were measured beside
the hog must be marked as disturbed, and no other.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from harness import machine, scenario
from harness.measurer import Measurer
from harness.model import Arm
from harness.schedule import Plan
from harness.validity import Outcome
from harness.validity.seats import seats_for
from harness.venue import Venue

CELL = "query/point#fetch-one"
SHARE = 0.3
DRIVERS = ("psycopg2", "psycopg", "asyncpg")
MARK = 0.95
_PLAN = Plan(4_000_000, 16, 6, 6, 0.0, 0, 0)
_HOG = """
import time
while True:
    begun = time.monotonic()
    while time.monotonic() - begun < {busy}:
        pass
    time.sleep({idle})
"""


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
    quiet = _reasons(place, blocks)
    with hog():
        hit = _reasons(place, blocks)
    quiet += _reasons(place, blocks)
    marked, false = sum(map(bool, hit)), [one for one in quiet if one]
    yield Outcome(
        "a hog switched on: blocks that are marked",
        f"at least {MARK:.0%}",
        f"{marked} of {len(hit)}",
        marked >= MARK * len(hit),
    )
    yield Outcome(
        "a hog switched off: false flags",
        "none",
        f"{len(false)} of {len(quiet)}" + "".join(f"; {one}" for one in false[:1]),
        not false,
    )


def _reasons(place: Venue, blocks: int) -> list[str]:
    """Why each block was disturbed; empty where it was not."""
    _, (cell,) = scenario.select_cells([CELL])
    play = place.stage.prepare(cell)
    with (
        machine.placed(place.server) as placement,
        seats_for(place, [Arm(name) for name in DRIVERS], placement) as seats,
    ):
        rng, pid = random.Random(0), place.server.pid
        measurer = Measurer(place.stage, _PLAN, rng, placement, pid)
        return [
            measurer.measure(play, number, 0, seats).disturbed for number in range(blocks)
        ]
