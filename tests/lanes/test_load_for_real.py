"""Many clients for real: real drivers, several processes, a real server, broken drivers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from commands import pgdyno
from helpers import Silent

from harness import scenario
from harness.bench import orders, schedule
from harness.bench.schedule import Crowd
from harness.cli.bench import outcome
from harness.core.arms import Arm
from harness.core.errors import EXIT_INVALID, EXIT_PASS
from harness.lanes.load.record import Load
from harness.results import store
from harness.results.records import Run
from harness.validity import trials
from harness.venue.venue import Venue

SCENARIO = """
schema = 1
title = "Load"
why = "For tests."

[fixture]
scope = "trial"
sql = "create table t (a int)"

[[case]]
name = "token"
op = "fetch_one"
sql = "select $1::bigint, 'row'"
params = "select i from generate_series(1, 3::bigint) i"
[case.axes]
rate = [300, 600]
[case.bench]
arrivals = { kind = "poisson", rate = "${rate}" }
token = true

[[case]]
name = "pool"
op = "transaction"
statements = [
    { sql = "select 1" },
    { sql = "insert into t values ($1)", params = "select 7" },
]
clients = 3
pool = 2
requires = ["pool-waits"]
expect.state = "select a from t"
[case.bench]
reset = "truncate t"

[[case]]
name = "alone"
op = "fetch_val"
sql = "select 1"
[case.bench]
"""
CROWD = Crowd(processes=2, sessions=2, rates=(2.0, 400.0), seconds=0.2)


def measured(place: Venue, folder: Path, crowd: Crowd, drivers: list[str]) -> Run:
    file = folder / "load.toml"
    file.write_text(SCENARIO)
    made = scenario.load(file)
    plan = replace(schedule.PLANS["quick"], min_rounds=1, crowd=crowd)
    arms = [Arm(name) for name in drivers]
    order = orders.Order([made], made.cells, arms, plan, "quick", seed=1, lane="load")
    orders.measure(place, order, folder / "run.jsonl", Silent(), trials.fail)
    return store.read(folder / "run.jsonl")


@pytest.fixture(scope="module")
def run(place: Venue, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("load")
    return measured(place, folder, CROWD, ["psycopg2", "asyncpg"])


def of(run: Run, case: str, arm: str, rate: float = 0.0) -> Load:
    wanted = f"load#{case}", arm, rate
    (found,) = [load for load in run.of(Load) if (load.cell, load.arm, load.rate) == wanted]
    return found


@pytest.mark.parametrize("arm", ["psycopg2", "asyncpg"])
def test_a_process_with_nothing_to_send_sends_nothing(run: Run, arm: str) -> None:
    found = of(run, "token@rate=300", arm, 2)
    assert found.verdict == "exact", found
    assert len(found.response_ns) == len(found.lag_ns) == 1


@pytest.mark.parametrize("arm", ["psycopg2", "asyncpg"])
def test_an_open_loop_of_two_processes_answers_all_that_was_due(run: Run, arm: str) -> None:
    found = of(run, "token@rate=300", arm, 400)
    assert found.verdict == "exact", found
    assert (found.processes, found.sessions, found.rate) == (2, 4, 400)
    assert len(found.response_ns) == len(found.lag_ns) == 80
    assert found.wall_ns >= found.planned_ns > 0
    assert found.cpu_ns > 0
    assert found.start_spread_ns > 0
    assert (found.mixed_up, found.errors, found.failures) == (0, 0, [])


def test_all_arms_have_the_same_schedule(run: Run) -> None:
    """Its last moment is chance, and the same for both."""
    arms = "psycopg2", "asyncpg"
    found = {of(run, "token@rate=300", arm, 400).planned_ns for arm in arms}
    assert len(found) == 1


def test_a_closed_loop_splits_clients_and_pool(run: Run) -> None:
    found = of(run, "pool", "asyncpg")
    assert found.verdict == "exact", found
    assert (found.processes, found.sessions, found.rate) == (2, 2, 0)
    assert found.lag_ns == []
    assert found.planned_ns == 0
    assert len(found.response_ns) > 3
    assert found.wall_ns >= CROWD.seconds * 1e9


def test_a_pool_that_does_not_wait_is_no_number(run: Run) -> None:
    assert of(run, "pool", "psycopg2").verdict == "unsupported"


def test_what_is_no_load_is_said_and_a_sweep_is_asked_once(run: Run) -> None:
    told = {note.cell: note.text for note in run.notes if note.kind == "left-out"}
    assert set(told) == {"load#alone", "load#token@rate=600"}
    assert "only cells with arrivals or with clients" in told["load#alone"]
    assert "load#token@rate=300" in told["load#token@rate=600"]
    assert outcome(run) == EXIT_PASS


def test_more_sessions_than_the_server_has_are_skipped(
    place: Venue, tmp_path: Path
) -> None:
    crowd = replace(CROWD, processes=30, sessions=100)
    run = measured(place, tmp_path, crowd, ["psycopg2"])
    found = of(run, "token@rate=300", "psycopg2")
    assert found.verdict == "skipped"
    assert "1 driver × 3000 sessions are 3000" in found.detail


def test_broken_drivers_have_no_numbers_through_the_command(
    miniatures: None, dsn: str, tmp_path: Path
) -> None:
    """One mixes up rows and one dies while many send; alone both are right."""
    out = tmp_path / "run.jsonl"
    named = ["--driver", "mixes-up", "--driver", "dies-of-load"]
    ended = pgdyno(
        "bench", "--processes", 2, "--sessions", 4, "--rate", 2000, *named,
        "--server", dsn, "--out", out,
    )  # fmt: skip
    assert ended.code == EXIT_INVALID, ended.said
    mixed, died = (
        [load for load in store.read(out).of(Load) if load.arm == name]
        for name in ("mixes-up", "dies-of-load")
    )
    assert [load.verdict for load in mixed] == ["broken"], mixed
    assert mixed[0].code == "desync"
    assert mixed[0].mixed_up > 0
    assert mixed[0].response_ns == []
    assert [load.verdict for load in died] == ["crashed"], died
    assert "exit code 7 while serving many clients" in died[0].detail


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--sessions", "3"], "--sessions is for --lane load"),
        (["--processes", "2", "--lane", "memory"], "--processes is for --lane load"),
        (["--processes", "0"], "--processes 0: from 1 to 64"),
        (["--lane", "load", "--rate", "fast"], "--rate fast: ops per second"),
        (["--lane", "load", "--rate", "1e9"], "--rate 1e9: ops per second"),
    ],
)
def test_options_that_do_not_fit_are_slips(asked: list[str], said: str) -> None:
    ended = pgdyno("bench", "arrivals/token", "--driver", "psycopg2", "--dry-run", *asked)
    assert ended.code == 2
    assert said in ended.err


def test_many_processes_are_a_lane_of_their_own() -> None:
    ended = pgdyno(
        "bench", "arrivals", "--driver", "psycopg2", "--processes", 3, "--dry-run"
    )
    assert ended.code == 0
    assert "connections: up to 47" in ended.out  # 3 × 8 sessions, 3 and 20 beside them
