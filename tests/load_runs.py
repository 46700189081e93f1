"""Runs under load, from simulated queues: for the tests of whatever reads such runs."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import fake_runs
from msgspec.structs import replace

from harness.core.verdicts import EXACT, Judgement
from harness.lanes.load.record import Load
from harness.results.records import CellFacts, Run
from studies.queues import Queue, slot

RATES = (500.0, 1000.0, 2000.0, 4000.0)
SWEEP = "load/point#open"
CLOSED = "load/point#closed"
LAG_NS = 2_000


def open_cell(rate: float, name: str = SWEEP) -> CellFacts:
    """A cell of a sweep."""
    scenario, _, case = name.partition("#")
    row = (scenario, case, {"rate": round(rate)}, "One row", "Why.", "fetch_one", "ops",
           1, 0, 0)  # fmt: skip
    made = fake_runs.cell_facts(row)
    return replace(made, id=f"{name}@rate={rate:g}", arrivals="poisson", rate=round(rate))


def closed_cell(clients: int) -> CellFacts:
    """A closed loop."""
    scenario, _, case = CLOSED.partition("#")
    row = (scenario, case, {}, "One row", "Why.", "fetch_one", "ops", 1, clients, 0)
    return replace(fake_runs.cell_facts(row), id=CLOSED)


def swept(
    queues: Mapping[str, Queue],
    *,
    rates: Sequence[float] = RATES,
    repeats: int = 6,
    seconds: float = 0.5,
    late: Mapping[tuple[str, float], int] | None = None,
    seed: int = 1,
) -> Run:
    """A sweep of each arm over rates. `late` is by how many ns the generator was, by arm
    and rate."""
    records = []
    for arm, queue in queues.items():
        rng = random.Random(f"{arm} {seed}")
        for repeat in range(repeats):
            luck = rng.gauss(0, queue.between)
            for rate in rates:
                held = slot(rng, queue, rate, seconds, luck)
                lag = (late or {}).get((arm, rate), LAG_NS)
                records.append(
                    Load(
                        cell=f"{SWEEP}@rate={rate:g}",
                        arm=arm,
                        repeat=repeat,
                        judgement=EXACT,
                        processes=2,
                        sessions=max(2, queue.servers),
                        rate=rate,
                        planned_ns=held.planned_ns,
                        wall_ns=held.wall_ns + lag,
                        lag_ns=[lag] * len(held.response_ns),
                        response_ns=[took + lag for took in held.response_ns],
                        cpu_ns=held.wall_ns // 2,
                    )
                )
    return run_of(list(queues), [open_cell(rate) for rate in rates], records)


def looped(
    capacities: Mapping[str, float], *, clients: int = 8, repeats: int = 6, ops: int = 400
) -> Run:
    """A closed loop of each arm, whose clients share a server of this capacity."""
    records = []
    for arm, capacity in capacities.items():
        rng = random.Random(arm)
        for repeat in range(repeats):
            rate = capacity * rng.gauss(1, 0.02)
            took = round(clients / rate * 1e9)
            records.append(
                Load(
                    cell=CLOSED,
                    arm=arm,
                    repeat=repeat,
                    judgement=EXACT,
                    processes=2,
                    sessions=clients,
                    wall_ns=took * ops // clients,
                    response_ns=[took] * ops,
                    cpu_ns=took,
                )
            )
    return run_of(list(capacities), [closed_cell(clients)], records)


def run_of(arms: Sequence[str], cells: Sequence[CellFacts], records: list[Load]) -> Run:
    """A run of this lane."""
    facts = [fake_runs.arm_facts(arm) for arm in arms]
    made = fake_runs.bench(rows=[], arms=[], rounds=0)
    header = replace(made.header, lane="load", arms=facts, cells=list(cells))
    return replace(made, header=header, lane_records=list(records))


def judged_at(run: Run, arm: str, rate: float, judgement: Judgement) -> Run:
    """The same with another verdict of an arm at a rate, in its first repeat."""

    def is_meant(held: Load) -> bool:
        return (held.arm, held.rate, held.repeat) == (arm, rate, 0)

    records = [
        replace(held, judgement=judgement, lag_ns=[], response_ns=[])
        if is_meant(held)
        else held
        for held in run.of(Load)
    ]
    return replace(run, lane_records=list(records))


__all__ = ["RATES", "Queue", "closed_cell", "judged_at", "looped", "swept"]
