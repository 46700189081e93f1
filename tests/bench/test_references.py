"""References: they show what a time is made of, and compete with nobody."""

from __future__ import annotations

import asyncio
import math
import os
import shlex
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import fake_runs
import pytest
from helpers import plain, timed
from msgspec import structs

from harness import scenario
from harness.analysis.compare import compare
from harness.bench.schedule import Plan
from harness.core.arms import Arm, Kind
from harness.core.calls import Call, Op, Target
from harness.core.errors import DriverError, ScenarioError, Unsupported
from harness.core.tables import PgType, Table
from harness.core.tasks import Expected, Task
from harness.core.verdicts import Verdict
from harness.drivers import null, pgbench
from harness.judge.answers import compare_texts
from harness.plugin import contract
from harness.plugin.contract import verify_plugin
from harness.report import floor, quality, view
from harness.report.cells import cell_views
from harness.results.records import Run, Trial
from harness.venue.venue import Venue

PLAN = Plan(500_000, 3, 2, 2, 0.5, 0, 300_000)
SCENARIO = """
schema = 1
title = "Floor"
why = "For tests."

[fixture]
sql = '''
create table f (id int primary key, name text);
insert into f values (1, 'a, "b"'), (2, null), (3, '');
'''

[[case]]
name = "floor"
op = "fetch_one"
sql = "select id, name, timestamptz '2024-01-01' + id * interval '1 h' from f where id = $1"
params = "select i from generate_series(1, 4) i"
[case.bench]
floor = true

[[case]]
name = "text"
op = "fetch_val"
sql = "select $1::text"
params = "select 'a'"
[case.bench]
floor = true

[[case]]
name = "without"
op = "fetch_val"
sql = "select 1"
[case.bench]
"""


# --- what is a reference --------------------------------------------------------------


def test_a_reference_is_no_driver():
    names = {arm.driver for arm in contract.references()}
    assert names == {"null", "null-async", "pgbench"}
    assert not names & set(contract.entry_points())
    assert all(arm.reference for arm in contract.references())
    with pytest.raises(DriverError, match="is a reference, not a driver"):
        contract.parse_arm("pgbench")


def test_only_a_reference_times_itself():
    class Program(null.Null):
        kind: Kind = "program"
        reference = ""

    with pytest.raises(DriverError, match="only a reference may be of the kind 'program'"):
        verify_plugin(Program, "here")


def test_a_reference_plays_in_cells_with_a_floor_only(tmp_path):
    cells = {cell.case: cell for cell in made(tmp_path).cells}
    reference = Arm("null", reference="the harness: …")
    assert [cells[name].played_by(reference) for name in cells] == [True, True, False]
    assert cells["without"].played_by(Arm("psycopg"))


def test_a_floor_is_no_other_work(tmp_path):
    cell = made(tmp_path).cells[0]
    assert cell.bench is not None
    without = replace(cell, bench=replace(cell.bench, floor=False))
    assert cell.floor
    assert not without.floor
    assert cell.digest == without.digest


@pytest.mark.parametrize(
    "more", ['op = "execute"', 'op = "fetch_val"\nclients = 2\npool = 2']
)
def test_a_floor_that_no_reference_knows_does_not_load(tmp_path, more):
    file = tmp_path / "wrong.toml"
    case = f'[[case]]\nname = "x"\n{more}\nsql = "select 1"\nexpect.sessions = 1\n'
    head = 'schema = 1\ntitle = "x"\nwhy = "x"\n'
    file.write_text(f"{head}{case}[case.bench]\nfloor = true\n")
    with pytest.raises(ScenarioError, match=r"bench\.floor for"):
        scenario.load(file)


def made(folder: Path) -> scenario.Scenario:
    file = folder / "floor.toml"
    file.write_text(SCENARIO)
    return scenario.load(file)


# --- the harness itself ---------------------------------------------------------------


def test_null_takes_the_parameters_in_their_order():
    call = Call(Op.FETCH_ONE, sql="select $1", params=((1,), (2,), (3,)), offset=1)
    op = null.NullSession().fetch_one(call)
    assert [op() for _ in range(4)] == [(2,), (3,), (1,), (2,)]
    awaited = null.NullAsyncSession().fetch_val(call)

    async def twice():
        return [await awaited(), await awaited()]

    assert asyncio.run(twice()) == [(2,), (3,)]


def test_null_without_parameters():
    op = null.NullSession().fetch_all(Call(Op.FETCH_ALL, sql="select 1"))
    assert [op(), op()] == [(), ()]


# --- pgbench's words ------------------------------------------------------------------

LOG = "".join(f"0 {n} 500 0 170000000{n} {n * 250}\n" for n in range(4))


def test_the_clock_begins_with_the_end_of_the_lead_in():
    assert pgbench.parse_log(LOG, lead=1, timed=3) == 3_000_750_000
    assert pgbench.parse_log(LOG, lead=3, timed=1) == 1_000_250_000


@pytest.mark.parametrize(
    ("log", "says"),
    [
        ("", "0 of 4 transactions"),
        (LOG + LOG[:20], "5 of 4 transactions"),
        (LOG.replace(" 500 ", " failed ", 1), "as failed"),
        (LOG[:-6], "4 of 4"),
    ],
)
def test_a_log_that_lacks_something_is_no_time(log, says):
    with pytest.raises(pgbench.ProgramError, match=says):
        pgbench.parse_log(log, lead=1, timed=3)


def test_the_summary_must_have_them_all():
    said = (
        "number of transactions actually processed: {}\nnumber of failed transactions: {} ("
    )
    pgbench.check_summary(said.format("8/8", 0), 8)
    pgbench.check_summary(said.format("8/8", 0).splitlines()[0], 8)  # before version 15
    for wrong in (said.format("7/8", 1), said.format("8/8", 1), said.format("9/9", 0), ""):
        with pytest.raises(pgbench.ProgramError):
            pgbench.check_summary(wrong, 8)


def test_rows_keep_what_csv_must_quote():
    mark = pgbench._MARK
    output = f'1,"a ""b"", c",{pgbench._NULL}\n2,"x\ny",\n{mark}\n{mark}\n'
    assert pgbench.parse_rows(output) == [[("1", 'a "b", c', None), ("2", "x\ny", "")], []]


def test_texts_are_compared_call_by_call():
    table = Table(("a",), (PgType("int4"),), (("1",),))
    task = Task("c", Op.FETCH_ALL, Expected(calls=((table,), (None,))))
    assert compare_texts(task, [[("1",)], []], "why").verdict is Verdict.EXACT
    assert compare_texts(task, [[("1",)], []], "why").detail == "why"
    for wrong in ([[("2",)], []], [[("1",)]], [[("1",)], [], []], []):
        assert compare_texts(task, wrong, "").verdict is Verdict.LOSSY


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("select $1", (("text",),)),
        ("select $1", ((None,),)),
        ("select $1", ((True,),)),
        ("select ':name', $1", ((1,),)),
        ("select 1; select $1", ((1,),)),
        ("select '\\', $1", ((1,),)),
    ],
)
def test_what_pgbench_cannot_do_is_said_while_binding(sql, params):
    session = pgbench.PgbenchSession(Path("pgbench"), 18, Target("h", 1, "u", "", "d"))
    with pytest.raises(Unsupported):
        session.fetch_one(Call(Op.FETCH_ONE, sql=sql, params=params))


def test_a_cast_is_no_variable():
    assert pgbench._statement("select $1::int, '$2'", 3) == "select :r3_1::int, '$2'\n;\n"


# --- a real server --------------------------------------------------------------------


@pytest.fixture
def programs(place: Venue) -> Path:
    folder = place.server.binaries
    if folder is None or not (folder / "pgbench").exists():
        pytest.skip("the test server has no pgbench here")
    return folder


def bench(
    place: Venue, folder: Path, cases: Sequence[str], beside: Sequence[Arm] = ()
) -> Run:
    """A short run of psycopg2 beside references: all, unless some are named."""
    arms = [plain("psycopg2"), *(beside or contract.references())]
    return timed(place, folder, made(folder), cases, arms, PLAN)


def of(run: Run, case: str, arm: str) -> list[Trial]:
    return [one for one in run.trials if one.cell.endswith(f"#{case}") and one.arm == arm]


def test_references_run_beside_drivers(place, programs, tmp_path):
    run = bench(place, tmp_path, ["floor", "text", "without"])
    assert [arm.competes for arm in run.header.arms] == [True, False, False, False]
    for name in ("null", "null-async", "pgbench"):
        trials = of(run, "floor", name)
        assert [one.verdict for one in trials] == ["exact"] * PLAN.max_rounds
        assert all(one.detail.startswith("a reference: ") for one in trials)
        assert all(one.slices and min(one.slices.wall_ns) > 0 for one in trials)
        assert not any(one.latency_ns for one in trials)
        assert not of(run, "without", name)
    (first, *_) = of(run, "floor", "pgbench")
    assert first.slices is not None
    assert (first.slices.cpu_ns, first.slices.ops % 4) == ([], 0)
    (unsupported,) = of(run, "text", "pgbench")
    assert (unsupported.verdict, unsupported.slices) == ("unsupported", None)
    assert "integers" in unsupported.detail
    assert len(of(run, "text", "psycopg2")) == PLAN.max_rounds


@pytest.mark.usefixtures("quiet")
def test_the_clock_of_pgbench_fits_into_ours(place, programs, monkeypatch):
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    (arm,) = (one for one in contract.references() if one.driver == "pgbench")
    session = contract.load(arm).open(place.server.target, "configured")
    op = session.fetch_val(Call(Op.FETCH_VAL, sql="select $1::int", params=((1,), (2,))))
    begun = time.perf_counter_ns()
    inside = op(0, 4_000)
    whole = time.perf_counter_ns() - begun
    assert whole / 4 < inside < whole


def test_no_worker_of_a_reference_where_no_cell_has_a_floor(place, programs, tmp_path):
    run = bench(place, tmp_path, ["without"])
    assert {one.arm for one in run.trials} == {"psycopg2"}
    assert not list(tmp_path.glob("pgbench*.log"))


def stand_in(folder: Path, name: str, body: str) -> None:
    """A program of a server that is not what it seems."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("pgbench_does", "psql_does", "verdict", "says"),
    [
        (
            'exec {} "$@"',
            '{} "$@" | sed s/2024/2025/',
            "lossy",
            "call 0 returned other rows",
        ),
        ('exec {} "$@"', "echo oh no >&2; exit 2", "rejected", "psql ended with code 2"),
        ("echo oh no >&2; exit 1", 'exec {} "$@"', "rejected", "said: oh no"),
        ('{} "$@" --transactions=1', 'exec {} "$@"', "rejected", "was asked for"),
    ],
)
def test_a_pgbench_that_fails_or_errs_gets_no_number(
    place, programs, tmp_path, monkeypatch, pgbench_does, psql_does, verdict, says
):
    folder = tmp_path / "bin"
    folder.mkdir()
    real = shlex.quote(str(programs / "pgbench"))
    version = f'[ "$1" = --version ] && exec {real} --version\n'
    stand_in(folder, "pgbench", version + pgbench_does.format(real))
    stand_in(folder, "psql", psql_does.format(shlex.quote(str(programs / "psql"))))
    server = replace(place.server, binaries=folder)
    monkeypatch.setattr(place.stage, "server", server)
    (reference,) = (arm for arm in contract.references() if arm.driver == "pgbench")
    run = bench(place, tmp_path, ["floor"], [reference])
    (trial,) = of(run, "floor", "pgbench")
    assert (trial.verdict, trial.slices) == (verdict, None)
    assert says in trial.detail
    assert len(of(run, "floor", "psycopg2")) == PLAN.max_rounds
    (cell,) = floor.laid(run, cell_views(run))
    assert cell.floor is None
    assert "pgbench" in [one.row.arm for one in cell.references]


# --- what reports and comparisons make of them ----------------------------------------


@pytest.fixture(scope="module")
def run() -> Run:
    return fake_runs.with_references(fake_runs.bench(rows=fake_runs.CELLS[:3]))


def test_references_are_never_ranked_nor_averaged(run):
    without = fake_runs.bench(rows=fake_runs.CELLS[:3])
    cells = floor.laid(run, cell_views(run))
    bare = [replace(cell, references=()) for cell in cells]
    for cell, other in zip(bare, cell_views(without), strict=True):
        assert [(row.arm, row.mark, row.ratio) for row in cell.rows] == [
            (row.arm, row.mark, row.ratio) for row in other.rows
        ]
    assert quality.means(cells) == quality.means(cell_views(without))
    assert quality.self_tests(run) == quality.self_tests(without)
    shown = view.build([run]).runs[0]
    assert "6 drivers" in shown.answer
    assert not {"pgbench", "null", "null-async"} & {arm.id for arm in shown.competitors}
    assert "pgbench" in [arm.id for arm in shown.arms]


def test_each_driver_has_its_ratio_to_the_floor(run):
    first, *others = floor.laid(run, cell_views(run))
    assert [one.label for one in first.references] == [
        "floor: pgbench", "harness: null", "harness: null-async",
    ]  # fmt: skip
    assert first.floor is not None
    for row in first.rows:
        assert row.over_floor is not None
        assert row.over_floor.low is not None
        direct = row.time.point / first.floor.row.time.point
        assert row.over_floor.point == pytest.approx(direct, rel=0.01)
    assert "of each op called (0." in first.harness_sentence
    assert "of each op awaited (0." in first.harness_sentence
    assert all(cell.floor is None and not cell.references for cell in others)
    assert all(row.over_floor is None for cell in others for row in cell.rows)


def test_a_comparison_leaves_references_out_unless_one_is_named(run):
    slower = structs.replace(run, header=structs.replace(run.header, run="another"))
    found = compare(run, slower)
    assert not {"pgbench", "null"} & {one.arm for one in found.changes}
    assert not any("pgbench" in one for one in found.warnings)
    two = compare(run, run, base_arm="pgbench", candidate_arm="psycopg")
    (change,) = two.changes
    assert change.arm == "pgbench → psycopg"
    assert change.shift is not None
    assert math.exp(change.shift.point) > 1.1


def test_a_file_without_references_says_nothing_of_them():
    other = fake_runs.bench(rows=fake_runs.CELLS[:3])
    both = compare(other, fake_runs.with_references(fake_runs.bench(run="b", seed=2,
                   rows=fake_runs.CELLS[:3])))  # fmt: skip
    assert not [one for one in both.warnings if "pgbench" in one]
