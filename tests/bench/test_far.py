"""Cells over a network and behind a pooler: real delays, real runs, every record read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from helpers import plain, timed

from harness import scenario
from harness.bench import conditions, schedule
from harness.bench.schedule import Plan
from harness.core.arms import Arm
from harness.core.calls import Op
from harness.core.cells import BenchSpec, Cell, Fixture
from harness.core.conditions import DIRECT, Condition
from harness.core.expect import Expect
from harness.core.verdicts import EXACT, Code, Verdict
from harness.play.seat import Deadlines, Seat
from harness.results.records import Run, Trial
from harness.servers.routes import Routes
from harness.venue.venue import Venue

PLAN = Plan(1_000_000, 4, 2, 2, 0.5, 0, 0)
SCENARIO = """
schema = 1
title = "Far"
why = "For tests."

[fixture]
scope = "trial"
sql = "create table t (a int)"

[[case]]
name = "read"
op = "fetch_val"
sql = "select $1::int"
params = "select i from generate_series(1, 200) i"
[case.bench]

[[case]]
name = "write"
op = "execute"
sql = "insert into t values ($1)"
params = "select i from generate_series(1, 200) i"
expect.state = "select a from t"
[case.bench]
reset = "truncate t"

[[case]]
name = "many"
op = "sequential"
statements = [{ sql = "select $1::int", params = "select generate_series(1, 8)", each = 1 }]
[case.bench]
"""


@pytest.fixture
def routed(place: Venue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Venue]:
    """The venue with routes that end with the test."""
    with closing(Routes(place.server)) as routes:
        monkeypatch.setattr(place.stage, "routes", routes)
        yield place


def far(
    place: Venue, folder: Path, condition: Condition, cases: list[str], *arms: Arm
) -> Run:
    """These cases under a condition, and two rounds of them."""
    if reason := place.stage.routes.lacks(condition):
        pytest.skip(reason)
    file = folder / "far.toml"
    file.write_text(SCENARIO)
    loaded = scenario.load(file)
    cells = [found for cell in loaded.cells for found in cell.under([condition])]
    return timed(
        place,
        folder,
        msgspec.structs.replace(loaded, cells=tuple(cells)),
        cases,
        arms,
        PLAN,
    )


def of(run: Run, case: str) -> list[Trial]:
    return [trial for trial in run.trials if trial.cell.startswith(f"far#{case}[")]


def test_over_a_network_a_slice_needs_no_whole_cycle(routed: Venue, tmp_path: Path) -> None:
    run = far(routed, tmp_path, Condition(rtt_ms=20), ["read", "write"], plain("psycopg2"))
    for case in ("read", "write"):
        trials = of(run, case)
        assert {trial.cell for trial in trials} == {f"far#{case}[rtt=20]"}
        assert [trial.verdict for trial in trials] == [Verdict.EXACT] * 2, trials
        assert {trial.slices.ops for trial in trials if trial.slices} == {1}
        assert all(
            len(trial.slices.wall_ns) >= schedule.MIN_SLICES
            for trial in trials
            if trial.slices
        )


def test_an_op_of_seconds_is_skipped_and_nobody_is_charged(
    routed: Venue, tmp_path: Path
) -> None:
    run = far(routed, tmp_path, Condition(rtt_ms=450), ["many"], plain("psycopg2"))
    (trial,) = of(run, "many")
    judged = trial.judgement
    assert (judged.verdict, judged.code) == (Verdict.SKIPPED, Code.NOT_COUNTED)
    assert "at an RTT of 450 ms: too long to time (limit 3 s)" in judged.detail
    assert trial.slices is None


def test_behind_pgbouncer_a_session_of_all_is_no_breach_of_terms(
    routed: Venue, tmp_path: Path
) -> None:
    arms = [Arm("psycopg", ("noprepare",), "default"), plain("psycopg")]
    run = far(routed, tmp_path, Condition("pgbouncer"), ["read"], *arms)
    told = {}
    for trial in of(run, "read"):
        told.setdefault(trial.arm, []).append(trial.judgement)
    exact = [judged.verdict for judged in told["psycopg+noprepare"]]
    assert exact == [Verdict.EXACT] * 2, told
    refused = [judged for judged in told["psycopg"] if not judged.verdict.timeable]
    for judged in refused:  # it may be lucky: PgBouncer may give back the same session
        assert judged.code is not Code.BREAKS_TERMS
        assert "--driver psycopg+noprepare" in judged.detail, judged


def test_a_session_that_a_pooler_keeps_is_not_the_drivers_own(
    routed: Venue, tmp_path: Path
) -> None:
    if reason := routed.stage.routes.lacks(Condition("pgbouncer")):
        pytest.skip(reason)
    file = tmp_path / "far.toml"
    file.write_text(SCENARIO)
    (cell, *_) = scenario.load(file).cells
    seat = Seat(plain("psycopg2"), routed.stage, routed.control, tmp_path, [], Deadlines())
    try:
        for found in cell.under([Condition("pgbouncer"), DIRECT]):
            play = routed.stage.prepare(found)
            assert seat.open(play).verdict is Verdict.EXACT
            assert seat.verify(play, calls=1).verdict is Verdict.EXACT
            assert seat.look("another statement") is EXACT or not found.condition.mark
            seen = seat.backends
            if found.condition.mark:
                assert seen == []
                assert not routed.stage.alone
        # PgBouncer still has the session of the cell before: one is the driver's own.
        assert len(seen) == 1
    finally:
        seat.dismiss()


# --- what is planned ----------------------------------------------------------------------


def one(condition: Condition) -> Cell:
    """A case of one round trip."""
    bench = BenchSpec("quick", "ops", 1, "")
    made = Cell("far", "one", (), "T", Op.FETCH_VAL, Fixture(), Expect(), bench=bench)
    (found,) = made.under([condition])
    return found


ARMS = [plain("psycopg2"), plain("asyncpg")]


def test_a_plan_for_plain_connections_is_as_ever() -> None:
    plan = schedule.PLANS["quick"]
    assert conditions.network_s(one(DIRECT), ARMS) == 0
    assert conditions.budgeted(plan, [one(DIRECT)], ARMS) == plan
    assert schedule.warm_up_ops(45_000_000, plan) == 1
    free = schedule.PLANS["full"]
    assert conditions.budgeted(free, [one(Condition(rtt_ms=45))], ARMS) == free


def test_every_condition_has_a_budget_and_a_network_its_time() -> None:
    plan = schedule.PLANS["quick"]
    both = [one(DIRECT), one(Condition("tls"))]
    assert conditions.budgeted(plan, both, ARMS).budget_s == 2 * plan.budget_s
    near, distant = one(Condition(rtt_ms=1)), one(Condition(rtt_ms=45))
    assert 0 < conditions.network_s(near, ARMS) < conditions.network_s(distant, ARMS)
    network = conditions.network_s(distant, ARMS) * plan.min_rounds
    budget = conditions.budgeted(plan, [distant], ARMS).budget_s
    assert budget == pytest.approx(plan.budget_s + network)


def test_over_a_network_warm_up_may_take_a_second_and_a_cycle_may_be_cut() -> None:
    plan = schedule.PLANS["quick"]
    assert schedule.warm_up_ops(45_000_000, plan, network=True) == schedule.WARM_UP_OPS
    assert schedule.warm_up_ops(450_000_000, plan, network=True) == 2
    assert schedule.warm_up_ops(2_000_000_000, plan, network=True) == 1
    assert schedule.cycle_over_network(200, 50_000) == 200
    assert schedule.cycle_over_network(200, 1_000_000) == 1
