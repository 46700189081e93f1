"""A process that takes a third of a core, switched on in the middle: is it noticed?

Blocks are measured one after another, none is repeated, and nobody has a priority. Beside
the hog passes must be left out or whole blocks marked, and no block without it. Other
programs and the host of a virtual
machine are hogs, too, that nobody can switch off: where they took cores for themselves, a
mark is not false.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from harness import scenario
from harness.bench.block import Block
from harness.bench.crew import assembled
from harness.bench.measurer import Measurer
from harness.bench.schedule import Plan
from harness.core.arms import parse
from harness.core.conditions import DIRECT, Condition
from harness.core.phases import PhaseClock
from harness.machine import host, watch
from harness.validity.outcome import Outcome
from harness.validity.trials import fail
from harness.venue.venue import Venue

CELL = "query/point#fetch-one"
SHARE = 0.3
BUSY_S = 0.01
DRIVERS = ("psycopg2", "psycopg", "asyncpg")
BEHIND_A_POOLER = ("psycopg2", "psycopg+noprepare", "asyncpg+noprepare")
MARK = 0.95
QUIET_S = 0.003
"""A block without the hog counts as quiet if the host and other programs took less from
its slices: a third of the shortest wait for a core that marks a block."""
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
    """A block: why it was marked, if it was, how many of its passes were left out, and the
    processor seconds that the host and other programs took while its slices ran."""

    reason: str
    left_out: int
    taken: float


@contextmanager
def hog(
    cores: Sequence[int] = (),
    busy_s: float = BUSY_S,
    idle_s: float = BUSY_S * (1 / SHARE - 1),
) -> Iterator[None]:
    """A process that works for `busy_s`, sleeps for `idle_s`, and so on: a third of one
    core unless told otherwise; anywhere, or on one of these cores."""
    code = _HOG.format(busy=busy_s, idle=idle_s)
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        if cores:
            psutil.Process(process.pid).cpu_affinity(list(cores))
        yield
    finally:
        process.kill()
        process.wait()


def noticed(place: Venue, blocks: int, condition: Condition = DIRECT) -> Iterator[Outcome]:
    """So many blocks without the hog and as many beside it, then as many without again."""
    without = _blocks(place, blocks, condition)
    with hog():
        hit = _blocks(place, blocks, condition)
    without += _blocks(place, blocks, condition)
    yield from judged(without, hit, condition)


def judged(
    without: Sequence[Seen], hit: Sequence[Seen], condition: Condition = DIRECT
) -> Iterator[Outcome]:
    """How many blocks beside the hog are marked, and how many quiet ones without it."""
    noticed = sum(bool(block.reason or block.left_out) for block in hit)
    quiet = [block for block in without if block.taken < QUIET_S]
    false = [block.reason for block in quiet if block.reason]
    left_out = len(without) - len(quiet)
    yield Outcome(
        condition.of("a hog switched on: blocks that leave passes out, or are marked"),
        f"at least {MARK:.0%}",
        f"{noticed} of {len(hit)}",
        noticed >= MARK * len(hit),
    )
    yield Outcome(
        condition.of("a hog switched off: false flags"),
        "none",
        f"{len(false)} of {len(quiet)}"
        + "".join(f"; {reason}" for reason in false[:1])
        + (
            f"; from {left_out} more others took {1e3 * QUIET_S:.0f} ms or more"
            if left_out
            else ""
        ),
        bool(quiet) and not false,
    )


class WitnessedMeasurer(Measurer):
    """Measures blocks, and keeps a second account of who else used the machine."""

    taken = 0.0

    def _interleave(
        self, block: Block, arms: Sequence[str], sides: Mapping[str, Collection[str]]
    ) -> None:
        before, stolen = _others_seconds(), _stolen_seconds()
        super()._interleave(block, arms, sides)
        self.taken = _stolen_seconds() - stolen
        for pid, seconds in _others_seconds().items():
            self.taken += seconds - before.get(pid, 0.0)


def _stolen_seconds() -> float:
    """What the host has taken so far, by the system's account; 0 where it keeps none."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


def _others_seconds() -> dict[int, float]:
    """Processor seconds of every process that is neither this one nor from it."""
    me = psutil.Process()
    ours = {me.pid, *(child.pid for child in me.children(recursive=True))}
    seconds = {}
    for process in psutil.process_iter():
        if process.pid not in ours:
            with suppress(psutil.Error):
                seconds[process.pid] = watch.spent(process)
    return seconds


def _blocks(place: Venue, blocks: int, condition: Condition) -> list[Seen]:
    _, (plain,) = scenario.select_cells([CELL])
    (cell,) = plain.under([condition])
    play = place.stage.prepare(cell)
    names = DRIVERS if condition.has_sessions else BEHIND_A_POOLER
    with (
        host.placed(place.server, priority=0) as placement,
        assembled(place, [parse(name) for name in names], placement) as crew,
    ):
        place.stage.routes.settle(placement.server, placement.clients, 0)
        rng, phases = random.Random(0), PhaseClock()
        measurer = WitnessedMeasurer(place.stage, _PLAN, rng, placement, crew, phases)
        seats = list(crew.seats.values())
        return [
            _seen(measurer.measure(play, number, 0, seats), measurer)
            for number in range(blocks)
        ]


def _seen(block: Block, measurer: WitnessedMeasurer) -> Seen:
    """A driver that was not timed would make a block quiet that says nothing."""
    for arm, judged in block.judged.items():
        if not block.timeable(arm):
            fail(f"{arm} in {block.play.cell.id}: {judged.verdict}, {judged.detail}")
    return Seen(block.disturbed, len(block.left_out), measurer.taken)
