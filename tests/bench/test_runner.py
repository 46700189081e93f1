"""Short real runs: real drivers, real processes, a real server; every record is read."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import plain, timed

from harness import scenario
from harness.analysis.times import measured
from harness.bench import schedule
from harness.bench.block import Block
from harness.bench.measurer import Measurer
from harness.bench.schedule import Plan
from harness.cli.bench import outcome, with_aa
from harness.core.arms import Arm
from harness.core.errors import EXIT_INCONCLUSIVE, EXIT_INVALID, EXIT_PASS
from harness.core.verdicts import Verdict
from harness.report import view
from harness.results import store
from harness.results.records import Footer, Note, Run, Trial
from harness.venue.venue import Venue

LATE = Path(__file__).parent / "late"
PLAN = Plan(
    slice_ns=500_000,
    slices=4,
    min_rounds=2,
    max_rounds=2,
    target=0.5,
    budget_s=0,
    latency_ns=300_000,
)
SCENARIO = """
schema = 1
title = "Short"
why = "For tests."

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

[[case]]
name = "pipeline"
op = "pipeline"
requires = ["pipeline"]
statements = [{ sql = "select 1" }, { sql = "select 2" }]
[case.bench]

[[case]]
name = "invalid"
op = "fetch_val"
sql = "select random()"
[case.bench]

[[case]]
name = "skipped"
op = "fetch_val"
sql = "select 1"
needs = ["version>=99"]
[case.bench]

[[case]]
name = "arrivals"
op = "fetch_val"
sql = "select $1::int"
params = "select i from generate_series(1, 3) i"
[case.bench]
arrivals = { kind = "poisson", rate = 50 }

[[case]]
name = "clients"
op = "fetch_val"
sql = "select 1"
clients = 4
pool = 2
requires = ["pool-waits"]
[case.bench]
"""


@pytest.fixture
def late(miniatures: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the miniatures findable, and the drivers that go wrong when they are timed."""
    monkeypatch.syspath_prepend(str(LATE))
    path = os.pathsep.join([str(LATE), os.environ["PYTHONPATH"]])
    monkeypatch.setenv("PYTHONPATH", path)
    sys.modules.pop("late", None)


def bench(
    place: Venue,
    folder: Path,
    arms: Sequence[Arm],
    cases: Sequence[str],
    plan: Plan = PLAN,
    seed: int = 1,
) -> Run:
    """Measure some cases of the scenario above; the results file, read."""
    file = folder / "short.toml"
    file.write_text(SCENARIO)
    return timed(place, folder, scenario.load(file), cases, arms, plan, seed)


def of(run: Run, case: str, arm: str = "") -> list[Trial]:
    """The trials of a case, perhaps of one arm only."""
    return [
        one for one in run.trials if one.cell == f"short#{case}" and arm in ("", one.arm)
    ]


ARMS = with_aa([plain("psycopg2"), plain("asyncpg")], wanted=True)
CASES = ("read", "write", "pipeline", "invalid", "skipped", "clients")


@pytest.fixture(scope="module")
def run(place: Venue, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two drivers, one of them twice, over all cases."""
    with pytest.MonkeyPatch.context() as patch:
        # On a busy machine an insert may take as long as a slice that needs no lead-in.
        patch.setattr(schedule, "LONG_SLICE_NS", 60_000_000_000)
        return bench(place, tmp_path_factory.mktemp("run"), ARMS, CASES)


def test_the_aa_arm_is_the_first_driver_once_more() -> None:
    assert [one.id for one in ARMS] == ["psycopg2", "asyncpg", "psycopg2 (A/A)"]
    assert with_aa([], wanted=True) == []
    assert with_aa(ARMS[:2], wanted=False) == list(ARMS[:2])


def test_the_run_is_complete(run: Run) -> None:
    assert isinstance(run.footer, Footer)
    assert run.footer.reason == "complete"
    assert run.footer.trials == len(run.trials)
    assert run.footer.elapsed_ns > 0
    assert not run.truncated


def test_no_arm_is_absent_from_any_cell(run: Run) -> None:
    for cell in run.header.cells:
        tried = {one.arm for one in run.trials if one.cell == cell.id}
        assert tried == {arm.id for arm in run.header.arms}, cell.id


@pytest.mark.parametrize("case", ["read", "write"])
def test_every_arm_has_as_many_slices_in_every_round(run: Run, case: str) -> None:
    rounds = defaultdict(dict)
    for trial in of(run, case):
        assert trial.slices is not None, trial
        rounds[trial.round][trial.arm] = len(trial.slices.wall_ns)
    assert sorted(rounds) == [0, 1]
    for passes in rounds.values():
        assert len(passes) == 3
        assert len(set(passes.values())) == 1
        assert 3 <= min(passes.values()) <= 4


@pytest.mark.parametrize("case", ["read", "write"])
def test_a_slice_is_whole_cycles_and_the_same_in_every_round(run: Run, case: str) -> None:
    cycle = 3 if case == "read" else 1
    ops = defaultdict(set)
    for trial in of(run, case):
        assert trial.slices is not None
        ops[trial.arm.removesuffix(" (A/A)")].add((trial.slices.ops, trial.slices.lead))
    for (found,) in ops.values():
        assert found[0] % cycle == 0
        assert found[1] >= found[0] * 0.2


def test_what_is_measured_is_plausible(run: Run) -> None:
    for trial in of(run, "read"):
        slices = trial.slices
        assert slices is not None
        lists = (slices.cpu_ns, slices.voluntary_switches, slices.involuntary_switches)
        assert all(len(one) == len(slices.wall_ns) for one in lists)
        assert all(5_000 < wall / slices.ops < 50_000_000 for wall in slices.wall_ns)
        assert all(cpu > 0 for cpu in slices.cpu_ns)
        assert trial.rss_peak_bytes > 5_000_000


def test_the_servers_own_time_is_read_where_it_is_on_this_machine(
    run: Run, place: Venue
) -> None:
    if not place.server.pid:
        pytest.skip("the server is not on this machine")
    for trial in of(run, "read"):
        assert trial.slices is not None
        assert sum(trial.slices.server_cpu_ns) > 0
        assert len(trial.slices.server_cpu_ns) == len(trial.slices.wall_ns)


def test_single_ops_are_timed_for_reads_only(run: Run) -> None:
    assert all(one.latency_ns for one in of(run, "read"))
    assert not any(one.latency_ns for one in of(run, "write"))


def test_clients_share_one_slice_per_round(run: Run) -> None:
    (cell,) = [one for one in run.header.cells if one.case == "clients"]
    assert (cell.clients, cell.pool) == (4, 2)
    for trial in of(run, "clients", "asyncpg"):
        assert trial.slices is not None
        assert len(trial.slices.wall_ns) == 1


@pytest.mark.parametrize(
    ("case", "arm", "verdict", "words"),
    [
        ("pipeline", "psycopg2", "unsupported", "psycopg2 cannot send many statements"),
        ("clients", "psycopg2", "unsupported", "let a client wait"),
        ("invalid", "asyncpg", "invalid", "differs from one evaluation to the next"),
        ("skipped", "asyncpg", "skipped", "PostgreSQL 99 is needed"),
    ],
)
def test_what_cannot_be_timed_is_one_record_with_its_reason(
    run: Run, case: str, arm: str, verdict: str, words: str
) -> None:
    (trial,) = of(run, case, arm)
    assert trial.verdict == verdict
    assert words in trial.detail
    assert trial.slices is None


def test_a_write_is_undone_before_the_next_slice(
    run: Run, place: Venue, tmp_path: Path
) -> None:
    """What stands in a driver's table afterwards is the last verification's one row."""
    file = tmp_path / "short.toml"
    file.write_text(SCENARIO)
    (cell,) = [one for one in scenario.load(file).cells if one.case == "write"]
    for arm in ARMS:
        schema = place.stage.schema(place.control, cell, arm.id + arm.profile)
        assert place.control.value(f"select count(*) from {schema}.t") == "1", arm.id


def order(run: Run) -> list[tuple[str, int]]:
    """Which block came after which."""
    return list(dict.fromkeys((one.cell, one.round) for one in run.trials))


def test_a_seed_gives_the_same_order_of_blocks(place: Venue, tmp_path: Path) -> None:
    cases = ("read", "write", "pipeline")
    plan = Plan(50_000, 3, 2, 2, 0.5, 0, 0)
    arms = [plain("psycopg")]
    first, again, other = (
        order(bench(place, tmp_path, arms, cases, plan, seed)) for seed in (1, 1, 3)
    )
    assert first == again
    assert first != other
    assert Counter(first) == Counter(other)


# --- drivers that go wrong once they are timed --------------------------------------------

LONG = replace(PLAN, slice_ns=20_000_000)
"""Slices of more ops than it takes until the defects show, on a busy machine, too."""


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize(
    ("driver", "case", "verdict", "words"),
    [
        ("dies-when-timed", "read", Verdict.CRASHED, "SIGSEGV"),
        ("fails-when-timed", "read", Verdict.REJECTED, "out of breath"),
        ("wrong-when-timed", "read", Verdict.LOSSY, "after it was timed: "),
        ("loses-when-timed", "write", Verdict.LOSSY, "rows afterwards instead of"),
        ("no-reads", "read", Verdict.UNSUPPORTED, "no-reads has no fetch_all"),
        ("hangs", "write", Verdict.EXACT, ""),
    ],
)
def test_a_driver_that_goes_wrong_loses_its_own_number_only(
    place: Venue, tmp_path: Path, driver: str, case: str, verdict: Verdict, words: str
) -> None:
    run = bench(place, tmp_path, [plain(driver), plain("psycopg2")], [case], LONG)
    spoilt, *more = of(run, case, driver)
    assert spoilt.verdict == verdict, spoilt
    assert words in spoilt.detail
    assert (spoilt.slices is None) == (verdict is not Verdict.EXACT)
    assert spoilt.latency_ns == [] or verdict is Verdict.EXACT
    assert not more or verdict is Verdict.EXACT  # it is not tried again
    healthy = of(run, case, "psycopg2")
    assert [one.round for one in healthy] == [0, 1]
    assert all(one.slices and one.verdict == "exact" for one in healthy)
    assert run.footer is not None
    assert run.footer.reason == "complete"


@pytest.mark.usefixtures("late")
def test_what_turns_wrong_in_the_middle_for_one_input_is_found_and_its_number_withdrawn(
    place: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In between only one call is verified; after the last round all are."""
    monkeypatch.setenv("LATE_STARTS", str(tmp_path / "starts"))
    plan = replace(LONG, min_rounds=6, max_rounds=6)
    arms = [plain("turns-wrong"), plain("psycopg2")]
    run = bench(place, tmp_path, arms, ["read"], plan)
    trials = of(run, "read", "turns-wrong")
    assert [trial.verdict for trial in trials[:3]] == ["exact"] * 3
    assert trials[-1].verdict is Verdict.LOSSY
    assert "after it was timed: " in trials[-1].detail
    assert measured(run).worst["short#read", "turns-wrong"].verdict is Verdict.LOSSY
    (cell,) = view.build([run]).runs[0].cells
    numbers = {row.arm: row.time for row in cell.rows}
    assert numbers["turns-wrong"] is None
    assert numbers["psycopg2"] is not None


@pytest.mark.usefixtures("late")
def test_a_lock_that_a_driver_leaves_does_not_end_the_run(
    place: Venue, tmp_path: Path
) -> None:
    place.control.run("set lock_timeout = '300ms'")
    try:
        arms = [plain("forgets-when-timed"), plain("psycopg2")]
        run = bench(place, tmp_path, arms, ["write"], LONG)
    finally:
        place.control.run("reset lock_timeout")
    (spoilt,) = of(run, "write", "forgets-when-timed")
    assert not Verdict(spoilt.verdict).timeable
    assert spoilt.slices is None
    assert [one.verdict for one in of(run, "write", "psycopg2")] == ["exact", "exact"]


@pytest.mark.usefixtures("late")
def test_a_crash_in_one_cell_leaves_the_next_cell_alone(
    place: Venue, tmp_path: Path
) -> None:
    run = bench(place, tmp_path, [plain("dies-when-timed")], ["read", "write"], LONG)
    assert {one.verdict for one in of(run, "read")} == {"crashed"}
    assert [one.verdict for one in of(run, "write")] == ["exact", "exact"]


def test_an_arm_that_cannot_be_started_is_a_note(
    place: Venue, tmp_path: Path, late: None
) -> None:
    run = bench(place, tmp_path, [plain("crash-at-import"), plain("psycopg2")], ["read"])
    (note,) = run.notes
    assert (note.kind, note.arm) == ("arm-lost", "crash-at-import")
    assert "broken at import" in note.text
    assert len(of(run, "read", "psycopg2")) == 2


# --- the budget ---------------------------------------------------------------------------


def test_a_cell_that_the_budget_does_not_allow_is_a_note(
    place: Venue, tmp_path: Path
) -> None:
    plan = Plan(500_000, 3, 6, 6, 0.01, 0.001, 0)
    run = bench(place, tmp_path, [plain("psycopg2")], ["read", "write"], plan)
    dropped = {one.cell: one for one in run.notes}
    assert set(dropped) == {"short#read", "short#write"}
    assert all(isinstance(one, Note) and one.kind == "dropped" for one in run.notes)
    assert "quiet, and 6 are needed" in dropped["short#read"].text
    assert [one.round for one in of(run, "read")] == [0]


def test_a_narrow_cell_ends_before_the_cap(place: Venue, tmp_path: Path) -> None:
    plan = Plan(500_000, 3, 6, 30, 10.0, 0, 0)
    run = bench(place, tmp_path, [plain("psycopg2")], ["read"], plan)
    assert [one.round for one in of(run, "read")] == list(range(6))
    assert run.notes == []


# --- how it ended -------------------------------------------------------------------------


def rewritten(run: Run, folder: Path, disturbed: Sequence[str]) -> Path:
    """The same run with its timed trials disturbed or not, in turn."""
    path = folder / "rewritten.jsonl"
    reasons = list(disturbed)
    with store.Writer(path) as writer:
        writer.write(run.header)
        for trial in of(run, "read")[: len(reasons)]:
            record = {one: getattr(trial, one) for one in trial.__struct_fields__}
            writer.write(Trial(**record | {"disturbed": reasons.pop()}))
    return path


@pytest.mark.parametrize(
    ("disturbed", "code"),
    [
        (["", ""], EXIT_PASS),
        (["50 % went to others", ""], EXIT_PASS),
        (["50 % went to others"] * 2, EXIT_INCONCLUSIVE),
        ([], EXIT_INVALID),
    ],
)
def test_the_outcome(run: Run, tmp_path: Path, disturbed: list[str], code: int) -> None:
    assert outcome(store.read(rewritten(run, tmp_path, disturbed))) == code


# --- open loops, clients op by op, servers that are busy ---------------------------------


def test_an_open_loop_has_every_op_that_was_due(place: Venue, tmp_path: Path) -> None:
    run = bench(place, tmp_path, [plain("psycopg2"), plain("asyncpg")], ["arrivals"])
    loops = [one.open_loop for one in run.trials]
    assert [one.slices for one in run.trials] == [None] * 4
    assert all(one is not None and len(one.response_ns) == 50 for one in loops)
    assert all(
        0 <= lag < response
        for one in loops
        if one is not None
        for lag, response in zip(one.lag_ns, one.response_ns, strict=True)
    )
    assert (run.header.cells[0].arrivals, run.header.cells[0].rate) == ("poisson", 50)


def test_clients_are_timed_op_by_op_as_well(place: Venue, tmp_path: Path) -> None:
    run = bench(place, tmp_path, [plain("psycopg")], ["clients"])
    for trial in run.trials:
        assert trial.slices is not None
        assert len(trial.latency_ns) == 4 * trial.slices.ops
        assert trial.latency_wall_ns > 0
        # Little: no more than four were ever out at the same time.
        assert sum(trial.latency_ns) / trial.latency_wall_ns <= 4.01


def test_a_checkpoint_disturbs_a_block(
    place: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interleave = Measurer._interleave

    def beside_a_checkpoint(
        self: Measurer, block: Block, arms: Sequence[str], sides: dict[str, list[str]]
    ) -> None:
        interleave(self, block, arms, sides)
        place.control.run("checkpoint")
        time.sleep(0.3)  # the server counts it a moment after it is over

    monkeypatch.setattr(Measurer, "_interleave", beside_a_checkpoint)
    run = bench(place, tmp_path, [plain("psycopg2")], ["read"])
    assert {one.disturbed for one in run.trials} == {
        "the server was busy with a checkpoint"
    }
