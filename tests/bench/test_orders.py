"""A run from its order to its file: whom it starts, and what it may repeat."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from helpers import plain

from harness import scenario, servers
from harness.bench import orders
from harness.bench.block import Block
from harness.bench.crew import Crew
from harness.bench.runner import Runner
from harness.bench.schedule import Plan
from harness.core.cells import Cell
from harness.core.phases import PhaseClock
from harness.machine import choosing, host
from harness.play.process import WorkerProcess
from harness.results import store
from harness.venue import venue
from harness.venue.stage import Playable
from harness.venue.venue import Venue

CORES = host.available_cores()
PLAN = Plan(500_000, 3, 2, 2, 0.5, 0, 0)
TEXT = """
schema = 1
title = "T"
why = "W"

[[case]]
name = "one"
op = "fetch_val"
sql = "select 1"
[case.bench]
"""


class Silent:
    """Progress that nobody looks at."""

    def step(self, *where: object) -> None: ...

    def preparing(self, cell: Cell) -> None: ...

    def block(self, *where: object) -> None: ...


def test_the_workers_that_were_greeted_play_the_first_round(
    place: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[WorkerProcess] = []
    begin = WorkerProcess.__init__

    def counted(self: WorkerProcess, *arguments: object, **more: object) -> None:
        started.append(self)
        begin(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(WorkerProcess, "__init__", counted)
    file, out = tmp_path / "one.toml", tmp_path / "run.jsonl"
    file.write_text(TEXT)
    made = scenario.load(file)
    arms = [plain("psycopg2"), plain("asyncpg")]
    order = orders.Order([made], made.cells, arms, PLAN, "full", 1)
    orders.measure(place, order, out, Silent(), pytest.fail)
    run = store.read(out)
    assert len(started) == len(arms) * PLAN.min_rounds
    assert not any(worker.alive for worker in started)
    assert all(arm.terms for arm in run.header.arms)
    assert {trial.verdict for trial in run.trials} == {"exact"}


@pytest.mark.skipif(not CORES[1:], reason="there is no second core")
def test_on_a_borrowed_server_only_backends_of_our_sessions_are_placed(
    place: Venue, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backends: dict[int, set[int]] = {}
    move, postgres, control = host.move, place.server.pid, place.control.backend_pid
    os.sched_setaffinity(postgres, CORES)  # a test before may have placed it

    def moved(pid: int, cores: Sequence[int]) -> None:
        move(pid, cores)
        if psutil.Process(pid).ppid() == postgres:
            backends[pid] = os.sched_getaffinity(pid)

    monkeypatch.setattr(host, "move", moved)
    monkeypatch.setattr(choosing, "WAITING_LIMIT", 10.0)  # apart, whoever else is busy
    monkeypatch.setattr(host, "prioritise", lambda *_: pytest.fail("a higher priority"))
    before = [os.sched_getaffinity(pid) for pid in (postgres, control)]
    file, out = tmp_path / "one.toml", tmp_path / "run.jsonl"
    file.write_text(TEXT)
    made = scenario.load(file)
    arms = [plain("psycopg2"), plain("asyncpg")]
    order = orders.Order([made], made.cells, arms, PLAN, "full", 1)
    with venue.opened(servers.parse(dsn)) as borrowed:
        orders.measure(borrowed, order, out, Silent(), pytest.fail)
    placement = store.read(out).header.placement
    assert placement["kind"] == "split"
    assert placement["server"] != placement["clients"]
    assert len(backends) == len(arms) * PLAN.min_rounds
    assert [*backends.values()] == [{int(placement["server"])}] * len(backends)
    assert [os.sched_getaffinity(pid) for pid in (postgres, control)] == before


@pytest.mark.parametrize(
    ("budget_s", "attempts"),
    [
        (0, 2),  # without a budget
        (100, 2),  # with one that does for all that is planned and more
        (0.001, 1),  # with one that is used up
    ],
)
def test_a_disturbed_first_block_is_repeated_if_the_budget_does_for_it(
    place: Venue,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    budget_s: float,
    attempts: int,
) -> None:
    """The first attempt of the first block is disturbed, no other."""
    plan = Plan(500_000, 3, 2, 2, 0.5, budget_s, 0)
    file = tmp_path / "one.toml"
    file.write_text(TEXT)
    runner = Runner(
        place.stage,
        [],
        scenario.load(file).cells,
        plan,
        seed=1,
        placement=host.Placement(),
        crew=Crew([], together=False),
        emit=lambda _: None,
        progress=Silent(),
        phases=PhaseClock(),
    )
    played: list[Block] = []

    def measured(play: Playable, number: int, attempt: int, _: object) -> Block:
        time.sleep(0.01)
        disturbed = "" if played else "a checkpoint"
        played.append(Block(play, number, attempt, {}, disturbed=disturbed))
        return played[-1]

    monkeypatch.setattr(runner.measurer, "measure", measured)
    monkeypatch.setattr(runner, "_done", lambda _: False)
    runner.run()
    assert sum(block.number == 0 for block in played) == attempts
