"""The memory lane for real: real drivers, real processes, a real server."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import Silent

from harness import scenario
from harness.bench import orders, schedule
from harness.cli.bench import outcome
from harness.core.arms import Arm
from harness.core.errors import EXIT_PASS
from harness.lanes.memory import meaning as analysis
from harness.lanes.memory import run as lane
from harness.lanes.memory.record import Footprint
from harness.machine import rss
from harness.results import store
from harness.results.records import Run
from harness.validity import attribution, dose, trials
from harness.venue.venue import Venue

SCENARIO = """
schema = 1
title = "Short"
why = "For tests."

[fixture]
scope = "trial"
sql = "create table t (a int)"

[[case]]
name = "read"
op = "fetch_one"
sql = "select $1::int, 'a row'"
params = "select i from generate_series(1, 3) i"
[case.bench]

[[case]]
name = "list"
op = "fetch_all"
sql = "select 1"
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
ARMS = [Arm("psycopg2"), Arm("asyncpg"), Arm("wrong-value"), Arm("spiked-leak")]


@pytest.fixture(scope="module")
def short() -> Iterator[None]:
    """Loops of a few hundred ops, twice: what they hold is another test's question."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lane, "REPEATS", 1)
        patch.setattr(lane, "SESSIONS", (1, 3))
        patch.setattr(lane, "CHUNK_NS", 1_000_000)
        patch.setattr(lane, "DEAR_CHUNK_NS", 5_000_000)
        patch.setattr(lane, "LEAST_OPS", 20)
        patch.setattr(lane, "LEAD_NS", 50_000_000)
        yield


@pytest.fixture(scope="module")
def run(
    short: None, miniatures: None, place: Venue, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """Two healthy drivers, a broken one and a leaky one over all cases."""
    folder = tmp_path_factory.mktemp("memory")
    file = folder / "short.toml"
    file.write_text(SCENARIO)
    made = scenario.load(file)
    cells = [one for one in made.cells if one.bench]
    plan, out = schedule.PLANS["quick"], folder / "run.jsonl"
    order = orders.Order([made], cells, ARMS, plan, "quick", seed=1, lane="memory")
    with trials.findable():
        orders.measure(place, order, out, Silent(), trials.fail)
    recorded = store.read(out)
    assert outcome(recorded) == EXIT_PASS
    return recorded


def of(run: Run, case: str, arm: str) -> Footprint:
    (found,) = [
        one for one in run.of(Footprint) if (one.cell, one.arm) == (f"short#{case}", arm)
    ]
    return found


@pytest.mark.parametrize("arm", ["psycopg2", "asyncpg"])
@pytest.mark.parametrize("case", ["read", "write"])
def test_a_right_driver_has_every_number(run: Run, arm: str, case: str) -> None:
    one = of(run, case, arm)
    assert one.verdict == "exact", one
    memory = one.memory
    assert memory is not None
    assert 5e6 < memory.import_bytes <= memory.session_bytes < 500e6
    assert max(memory.loop_bytes) <= memory.peak_bytes < 500e6
    assert lane.FEWEST_CHUNKS < len(memory.loop_bytes) <= lane.CHUNKS + 1
    assert memory.ops % (3 if case == "read" else 1) == 0
    assert memory.lead >= 4 * memory.ops
    assert memory.sessions == [1, 3]
    assert memory.sessions_bytes[0] <= memory.sessions_bytes[1]
    assert all(200_000 < one < 50e6 for one in memory.server_bytes)
    assert len(memory.server_bytes) == 3


def test_an_op_that_connects_has_a_loop_and_no_sessions(run: Run) -> None:
    memory = of(run, "connect", "psycopg2").memory
    assert memory is not None
    assert memory.loop_bytes
    assert memory.sessions == memory.server_bytes == []


def test_nothing_wrong_has_a_number(run: Run) -> None:
    assert of(run, "list", "psycopg2").memory is not None
    one = of(run, "list", "wrong-value")
    assert (one.verdict, one.memory) == ("lossy", None)
    assert one.observed != one.expected
    one = of(run, "list", "spiked-leak")
    assert (one.verdict, one.memory) == ("unsupported", None)


def test_what_the_server_lacks_is_a_record_for_every_arm(run: Run) -> None:
    for arm in ARMS:
        assert of(run, "skipped", arm.id).verdict == "skipped"
    (note,) = [one for one in run.notes if one.kind == "left-out"]
    assert note.cell == "short#pool"
    assert run.footer is not None
    assert run.footer.trials == len(run.of(Footprint))


def test_a_leak_is_in_the_slope(run: Run) -> None:
    """The loops are too short to tell it, but not to see it."""
    memory = of(run, "read", "spiked-leak").memory
    assert memory is not None
    grown = memory.loop_bytes[-1] - memory.loop_bytes[0]
    ops = memory.ops * (len(memory.loop_bytes) - 1)
    assert analysis.slope(memory).point > 0
    assert grown > 0.3 * dose.leak_bytes() * ops


# --- what is read of a process ------------------------------------------------------------


def test_this_process_holds_something() -> None:
    before = rss.rss_bytes(os.getpid())
    with mmap.mmap(-1, 20_000_000) as kept:  # pages of its own: none that were free before
        kept.write(b"x" * len(kept))
        assert 15e6 < rss.rss_bytes(os.getpid()) - before < 60e6
    private = rss.private_bytes(os.getpid())
    assert private is None or 1e6 < private < before + 60e6


def test_a_process_that_is_gone_tells_nothing() -> None:
    assert rss.private_bytes(2**22 + 1) is None
    assert not rss.forget_peak(2**22 + 1)
    assert rss.peak_bytes(2**22 + 1) == 0


# --- attribution ------------------------------------------------------------------------


@pytest.mark.usefixtures("quiet")
def test_processor_time_is_charged_to_whom_it_belongs(place: Venue, tmp_path: Path) -> None:
    found = list(attribution.run(place, tmp_path))
    assert len(found) == 2
    assert [one for one in found if not one.ok] == []


@pytest.mark.parametrize(
    ("put", "got", "ok"),
    [(100, 104, True), (100, 106, False), (100, 94, False), (0, 0, False)],
)
def test_what_is_charged_wrongly_is_told(put: int, got: int, ok: bool) -> None:
    assert attribution.outcome("a clock", put * 10**6, got * 10**6).ok is ok
