"""Open loop: a server that stands still is charged to every op that was due meanwhile.

Ops are due every millisecond for ten seconds, and the backend is stopped once for half a
second. 500 ops were due meanwhile, each waits for the rest of the stall, so the 100th
slowest of 10,000, which is p99, waits for about 420 ms. A closed loop would have sent one
op, and called the stall a single slow one.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from harness import scenario
from harness.bench import schedule
from harness.core import stats
from harness.core.arms import Arm
from harness.core.cells import Arrivals, Cell
from harness.machine import host
from harness.validity.outcome import OPEN_LOOP, Outcome
from harness.validity.seats import ready, seats_for
from harness.venue.venue import Venue

CELL = "arrivals/point#uniform@rate=1000"
ARRIVALS = Arrivals("uniform", 1000, 10)
STALL_AFTER_S = 4.0
STALL_S = 0.5
P99_NS = 420_000_000
TOLERANCE = 0.10


def stall(
    place: Venue, drivers: tuple[str, ...] = ("psycopg2", "asyncpg")
) -> Iterator[Outcome]:
    """One row per driver."""
    for driver in drivers:
        responses = _measure(place, driver)
        p99 = stats.percentile([float(ns) for ns in responses], 0.99) or 0.0
        complete = len(responses) == ARRIVALS.rate * ARRIVALS.seconds
        yield Outcome(
            f"{OPEN_LOOP}, {driver}",
            "p99 = 420 ms ± 10 %, count exact",
            f"p99 = {p99 / 1e6:.0f} ms, {len(responses):,} ops",
            complete and abs(p99 / P99_NS - 1) <= TOLERANCE,
        )


def _measure(place: Venue, driver: str) -> list[int]:
    cell = _cell()
    play = place.stage.prepare(cell)
    with (
        host.placed(place.server) as placement,
        seats_for(place, [Arm(driver)], placement) as (seat,),
    ):
        ready(seat, play)
        (backend,) = seat.server_pids()
        stopper = threading.Thread(target=_stop_once, args=(backend,))
        stopper.start()
        answer = seat.ask("arrive", 60, due=schedule.due(ARRIVALS, random.Random(0)))
        stopper.join()
        return list(answer["response_ns"])


def _cell() -> Cell:
    _, (cell,) = scenario.select_cells([CELL])
    assert cell.bench is not None
    return replace(cell, bench=replace(cell.bench, arrivals=ARRIVALS))


def _stop_once(pid: int) -> None:
    time.sleep(STALL_AFTER_S)
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(STALL_S)
    finally:
        os.kill(pid, signal.SIGCONT)
