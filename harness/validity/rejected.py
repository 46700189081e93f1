"""Drivers that are broken on purpose: is each of them found before it is timed?

They go through the same block as every driver of a bench run, beside a healthy one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import scenario
from harness.bench.block import Block
from harness.bench.crew import assembled
from harness.bench.measurer import Measurer
from harness.bench.schedule import Plan
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.phases import PhaseClock
from harness.core.verdicts import Verdict
from harness.machine import host
from harness.validity.outcome import BROKEN, Outcome
from harness.validity.trials import findable
from harness.venue.venue import Venue

HEALTHY = "psycopg2"
_PLAN = Plan(500_000, 3, 1, 1, 0.0, 0, 0)
_SCENARIO = """
schema = 1
title = "What a broken driver is asked"
why = "A read with parameters, so that all defects can show, and a write."

[fixture]
scope = "trial"
sql = "create table t (a int)"

[[case]]
name = "read"
op = "fetch_all"
sql = "select i, 'row ' || i from generate_series($1::int, $1::int + 4) i"
params = "select 100 * i from generate_series(1, 3) i"
[case.bench]

[[case]]
name = "write"
op = "execute"
sql = "insert into t values ($1)"
params = "select 7"
expect.state = "select a from t"
[case.bench]
reset = "truncate t"
"""


@dataclass(frozen=True, slots=True)
class Defect:
    """A broken driver, in which case it shows, and with which verdict it is refused."""

    driver: str
    case: str
    what: str
    verdict: Verdict


DEFECTS = (
    Defect("lazy", "read", "rows are decoded after the op", Verdict.BROKEN),
    Defect("raw-bytes", "read", "numbers come as bytes", Verdict.LOSSY),
    Defect("one-short", "read", "the last row is missing", Verdict.LOSSY),
    Defect("no-commit", "write", "a write is not committed", Verdict.LOSSY),
    Defect("extra-begin", "read", "a transaction is left open", Verdict.INVALID),
    Defect("extra-transaction", "read", "BEGIN and COMMIT besides", Verdict.INVALID),
    Defect("interpolates", "read", "parameters are put into the SQL", Verdict.INVALID),
    Defect("cached", "read", "answers come from memory", Verdict.INVALID),
)


def rejected(place: Venue, folder: Path) -> Iterator[Outcome]:
    """Each defect, and the healthy driver beside them, which must be timed.

    `folder` takes the scenario. A driver is rejected if not one slice of it was timed and
    it has the verdict that fits, with a reason.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "broken-drivers.toml"
    file.write_text(_SCENARIO, "utf-8")
    refused: list[Outcome] = []
    with findable():
        for cell in scenario.load(file).cells:
            defects = [defect for defect in DEFECTS if defect.case == cell.case]
            block = _block(place, cell, [HEALTHY, *(defect.driver for defect in defects)])
            refused += (_refused(block, defect) for defect in defects)
            yield _timed(block)
    yield from refused
    count = sum(outcome.ok for outcome in refused)
    yield Outcome(
        BROKEN,
        "no time for a wrong answer",
        f"{count} of {len(refused)} refused before they were timed",
        count == len(refused),
    )


def _block(place: Venue, cell: Cell, drivers: Sequence[str]) -> Block:
    nowhere = host.Placement()
    with assembled(place, [Arm(name) for name in drivers], nowhere) as crew:
        rng, phases = random.Random(0), PhaseClock()
        measurer = Measurer(place.stage, _PLAN, rng, nowhere, crew, phases)
        seats = list(crew.seats.values())
        return measurer.measure(place.stage.prepare(cell), 0, 0, seats)


def _refused(block: Block, defect: Defect) -> Outcome:
    judged = block.judged[defect.driver]
    timed = defect.driver in block.slices
    ok = not timed and judged.verdict is defect.verdict and bool(judged.detail)
    measured = f"{judged.verdict}{', and timed' if timed else ''}: {judged.detail}"
    return Outcome(
        f"a broken driver: {defect.what}", f"{defect.verdict}, not timed", measured, ok
    )


def _timed(block: Block) -> Outcome:
    judged, record = block.judged[HEALTHY], block.record(HEALTHY)
    slices = len(record.wall_ns) if record else 0
    measured = f"{judged.verdict}, {slices} slices {judged.detail}".strip()
    ok = judged.verdict is Verdict.EXACT and slices > 0
    return Outcome(f"{HEALTHY} beside them, {block.play.cell.case}", "timed", measured, ok)
