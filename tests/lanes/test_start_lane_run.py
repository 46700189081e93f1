"""The lane of beginnings for real: real drivers, fresh processes, a real server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import Silent

from harness import scenario
from harness.bench import orders, schedule
from harness.cli.bench import outcome
from harness.core.arms import Arm
from harness.core.errors import EXIT_PASS
from harness.lanes.start import importing, imports
from harness.lanes.start import run as lane
from harness.lanes.start.record import Import, Start
from harness.play.seat import Deadlines, Seat
from harness.results import store
from harness.results.records import Run
from harness.scenario import select
from harness.validity import trials
from harness.venue.control import connected
from harness.venue.venue import Venue

SCENARIO = """
schema = 1
title = "Beginning"
why = "For tests."

[fixture]
scope = "trial"
sql = '''
create type mood as enum ('sad', 'happy');
create table t (a int)
'''

[[case]]
name = "read"
op = "fetch_one"
sql = "select $1::int, 'happy'::mood"
params = "select i from generate_series(1, 3) i"
[case.bench]

[[case]]
name = "write"
op = "execute"
sql = "insert into t values ($1)"
params = "select 7"
expect.state = "select a from t"
[case.bench]
reset = "truncate t"

[[case]]
name = "list"
op = "fetch_all"
sql = "select 1"
[case.bench]

[[case]]
name = "connect"
op = "connect"
expect.sessions = 1
[case.bench]

[[case]]
name = "skipped"
op = "fetch_one"
sql = "select 1"
needs = ["version>=99"]
[case.bench]

[[case]]
name = "pool"
op = "fetch_val"
sql = "select 1"
clients = 4
pool = 2
requires = ["pool-waits"]
[case.bench]
"""
ARMS = [Arm("psycopg2"), Arm("asyncpg"), Arm("wrong-value")]


@pytest.fixture(scope="module")
def once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lane, "REPEATS", 1)
        yield


@pytest.fixture(scope="module")
def run(
    once: None, miniatures: None, place: Venue, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """Two healthy drivers and a broken one over all cases."""
    folder = tmp_path_factory.mktemp("start")
    file = folder / "begin.toml"
    file.write_text(SCENARIO)
    made = scenario.load(file)
    plan, out = schedule.PLANS["quick"], folder / "run.jsonl"
    order = orders.Order([made], made.cells, ARMS, plan, "quick", seed=1, lane="start")
    orders.measure(place, order, out, Silent(), trials.fail)
    recorded = store.read(out)
    assert outcome(recorded) == EXIT_PASS
    return recorded


def of(run: Run, case: str, arm: str) -> Start:
    (found,) = [
        start
        for start in run.of(Start)
        if (start.cell, start.arm) == (f"begin#{case}", arm)
    ]
    return found


@pytest.mark.parametrize("arm", ["psycopg2", "asyncpg"])
@pytest.mark.parametrize("case", ["read", "write"])
def test_a_right_driver_has_a_time_for_each_use(run: Run, arm: str, case: str) -> None:
    found = of(run, case, arm)
    assert found.verdict == "exact", found
    assert found.open_ns > 0
    assert len(found.wall_ns) == len(found.cpu_ns) == lane.USES
    assert min(found.wall_ns) > 0
    assert len(found.server_cpu_ns) == lane.USES
    assert sum(found.server_cpu_ns) > 0


def test_the_first_use_is_the_first_of_its_session(run: Run) -> None:
    """asyncpg asks the catalogue about an enum, once: that is most of the server's work."""
    first, *later = of(run, "read", "asyncpg").server_cpu_ns
    assert first > max(later)


def test_an_op_that_connects_opens_no_session_beside(run: Run) -> None:
    found = of(run, "connect", "psycopg2")
    assert found.verdict == "exact"
    assert (found.open_ns, found.server_cpu_ns) == (0, [])
    assert len(found.wall_ns) == lane.USES


def test_nothing_wrong_has_a_number(run: Run) -> None:
    found = of(run, "list", "wrong-value")
    assert (found.verdict, found.wall_ns, found.open_ns) == ("lossy", [], 0)


def test_what_is_not_measured_says_why(run: Run) -> None:
    for arm in ARMS:
        assert of(run, "skipped", arm.id).verdict == "skipped"
    (note,) = [note for note in run.notes if note.kind == "left-out"]
    assert note.cell == "begin#pool"
    assert run.footer is not None
    assert run.footer.trials == len(run.lane_records)


def test_every_library_is_imported_by_itself(run: Run) -> None:
    imports = {record.arm: record for record in run.of(Import)}
    assert {"psycopg2", "asyncpg"} <= set(imports)
    for record in imports.values():
        assert record.verdict == "exact", record
        assert min(record.python_cpu_ns, record.wall_ns, record.cpu_ns) > 0
    assert imports["asyncpg"].modules > imports["psycopg2"].modules > 10
    if Path("/proc/self/smaps_rollup").exists():
        assert 1e6 < imports["psycopg2"].rss_bytes < 200e6


# --- the fresh interpreter ----------------------------------------------------------------


def imported(*names: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, importing.__file__, "", *names]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_nothing_is_imported_in_nearly_no_time_and_no_module() -> None:
    _, wall, cpu, _, modules = map(int, imported().stdout.split())
    assert (wall > 0, cpu >= 0, modules) == (True, True, 0)


def test_a_module_of_this_folder_is_no_library() -> None:
    assert imported("record").returncode != 0
    assert imported("asyncpg").returncode == 0


def test_an_import_that_fails_or_hangs_is_a_record(
    place: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = Seat(Arm("psycopg2"), place.stage, place.control, place.folder, [], Deadlines())
    try:
        assert "psycopg2" in imports.libraries(seat)
        found = imports.imported(seat, ["no_such_library"], [], 3)
        assert (found.verdict, found.repeat, found.measured) == ("rejected", 3, False)
        assert "No module named 'no_such_library'" in found.detail
        monkeypatch.setattr(imports, "START_SECONDS", 0.001)
        assert imports.imported(seat, ["psycopg2"], [], 0).verdict == "hung"
    finally:
        seat.dismiss()


# --- the scenarios that it asks -----------------------------------------------------------


def test_a_skewed_parameter_gets_a_generic_plan_that_is_another_one(place: Venue) -> None:
    """What makes the step: the generic plan seems cheaper, and never uses the index."""
    (made,) = select(["start/plan_switch"])
    cell = next(cell for cell in made.cells if cell.id.endswith("skewed@plan=auto"))
    plans = []
    with connected(place.server.target) as control:
        place.stage.fresh_schema(control, cell, "plans")
        control.run(f"prepare asked as {cell.sql}")
        for mode in ("custom", "generic"):
            control.run(f"set plan_cache_mode = force_{mode}_plan")
            plans.append(control.table("explain execute asked('rare')"))
    custom, generic = ("\n".join(str(row[0]) for row in plan.rows) for plan in plans)
    assert "event_tag_idx" in custom
    assert "event_tag_idx" not in generic
    assert cost(generic) < cost(custom)


def cost(plan: str) -> float:
    return float(plan.partition("..")[2].partition(" ")[0])


def test_every_session_sees_the_whole_tail() -> None:
    """The memory lane warms each session with so many ops: one cycle of the sizes."""
    (made,) = select(["memory/payloads"])
    assert made.cells
    for cell in made.cells:
        assert "generate_series(1, 12)" in cell.fixture.sql
    assert schedule.WARM_UP_OPS >= 12
