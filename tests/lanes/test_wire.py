"""The wire lane: what its records mean and show, and one real run of it."""

from __future__ import annotations

import threading

import pytest
from fake_runs import CELLS, bench, cell_facts, counted
from helpers import Silent
from msgspec.structs import replace
from pages import everything

from harness import scenario
from harness.analysis.changes import Answer
from harness.bench import orders, schedule
from harness.cli.bench import outcome
from harness.cli.main import main
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import EXIT_INVALID, EXIT_PASS, EXIT_USAGE
from harness.core.verdicts import EXACT, Change, Code, Judgement, Verdict
from harness.lanes.wire import comparison, meaning
from harness.lanes.wire.record import Exchange, Wire, folded, unfolded
from harness.render import html, json, markdown, measured, text
from harness.report import measured as ending
from harness.report import view
from harness.report.numbers import numbers
from harness.results import store
from harness.results.records import Run
from harness.validity import trials
from harness.venue.venue import Venue

CELL = cell_facts(CELLS[0]).id
POINT = "query/point#fetch-one"


def exchange(turns: int = 1, sent: int = 50, **rest: object) -> Exchange:
    fields = {
        "sent": {"Bind": turns, "Sync": turns}, "received": {"ReadyForQuery": turns},
        "sent_bytes": sent, "received_bytes": 80,
    }  # fmt: skip
    return Exchange(turns=turns, **{**fields, **rest})  # type: ignore[arg-type]


def wires(arm: str, *uses: Exchange, repeats: int = 2, cell: str = CELL) -> list[Wire]:
    return [
        Wire(
            cell=cell,
            arm=arm,
            repeat=repeat,
            judgement=EXACT,
            opening=exchange(4),
            uses=folded(list(uses)),
            closing=exchange(0, 5),
        )
        for repeat in range(repeats)
    ]


def run_of(name: str, *found: list[Wire]) -> Run:
    run = counted(name, *found)  # type: ignore[arg-type]
    return replace(run, header=replace(run.header, lane="wire"))


# --- what records mean ------------------------------------------------------------------


def test_equal_uses_are_told_once_and_read_as_many() -> None:
    uses = [exchange(2), exchange(1), exchange(1), exchange(1, 51)]
    assert [each.times for each in folded(uses)] == [1, 2, 1]
    assert unfolded(folded(uses)) == uses


def test_a_number_is_one_or_a_range_with_its_reason() -> None:
    prepares = [exchange(), exchange(2), *[exchange(1, 50 + at) for at in range(7)]]
    held = meaning.arm_wires(run_of("run", wires("asyncpg", *prepares)))[CELL, "asyncpg"]
    assert held.later is not None
    assert held.turns is not None
    assert (held.turns.exact, held.turns.typical, held.changes) == (True, 1, (2, 3))
    sent = held.later.number("sent_bytes")
    assert (sent.low, sent.high) == (54, 56)
    assert "calls differ" in sent.reason
    flickering = [*wires("asyncpg", exchange(1)), *wires("asyncpg", exchange(2))]
    turns = meaning.turns_of(run_of("run", flickering))[CELL, "asyncpg"]
    assert (turns.low, turns.high, turns.reason) == (1, 2, "repeats differ")
    unsure = [*wires("asyncpg", exchange(1)), *wires("asyncpg", exchange(2, unsettled=1))]
    assert "waiting" in meaning.turns_of(run_of("run", unsure))[CELL, "asyncpg"].reason


def test_a_difference_of_counts_is_a_change() -> None:
    base = run_of("base", wires("asyncpg", exchange(1)), wires("psycopg", exchange(3)))
    more = wires("asyncpg", exchange(2))
    cases = (
        (more, Change.REGRESSED, "turns 1 → 2"),
        (wires("asyncpg", exchange(1, 40)), Change.IMPROVED, "bytes sent 50 → 40"),
        (wires("asyncpg", exchange(1)), Change.SAME, "the same on the wire"),
    )
    for found, change, reason in cases:
        candidate = run_of("new", found, wires("psycopg", exchange(3)))
        rows = comparison.compare(base, candidate).changes
        (row,) = [row for row in rows if row.arm == "asyncpg"]
        assert row.change is change
        assert row.reason.startswith(reason)
    regressed = comparison.compare(base, run_of("new", more, wires("psycopg", exchange(3))))
    assert regressed.answer is Answer.REGRESSION


def test_problems_of_a_record_are_told() -> None:
    (good, _) = wires("asyncpg", exchange())
    assert list(good.problems()) == []
    assert len(list(replace(good, uses=[exchange(-1), exchange(ops=0)]).problems())) == 2


def test_what_clients_send_stands_flush_left_and_reasons_are_told_once() -> None:
    refused = [
        replace(
            each,
            judgement=Judgement(Verdict.UNSUPPORTED, Code.NOT_OFFERED, "no pipeline"),
            uses=[],
        )
        for each in wires("psycopg2", exchange())
    ]
    run = run_of(
        "run", wires("asyncpg", exchange(12)), wires("psycopg", exchange()), refused
    )
    told = text.render(view.build([run]))
    starts = {line.index("Bind") for line in told.splitlines() if "Bind" in line}
    assert len(starts) == 1
    assert told.count("no pipeline") == 1


# --- beside times -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def beside() -> Run:
    """A run of times in which psycopg2 waits a thousand times where psycopg waits twice."""
    run = bench()
    cell = run.header.cells[0].id
    found = wires("psycopg", exchange(2), cell=cell, repeats=1)
    found += wires("psycopg2", exchange(1_000), cell=cell, repeats=1)
    return replace(run, lane_records=found)


def test_turns_stand_beside_times_in_every_format(beside: Run) -> None:
    report = view.build([beside])
    cell = report.runs[0].cells[0]
    assert {row.arm: row.turns.text for row in cell.rows if row.turns} == {
        "psycopg": "2",
        "psycopg2": "1,000",
    }
    told = text.render(report)
    assert "turns" in told
    assert max(map(len, told.splitlines())) <= 80
    assert "| turns |" in markdown.render(report)
    assert '"turns": "1,000"' in everything(html.render(report))
    found = [each for each in numbers(report.runs[0]) if each.metric == "turns"]
    assert {each.arm: each.estimate for each in found} == {"psycopg": 2, "psycopg2": 1_000}
    assert '"turns"' in json.render(found)
    end = measured.render(ending.build(beside, report.runs[0], EXIT_PASS))
    assert "where drivers differ" in end
    assert max(map(len, end.splitlines())) <= 80


def test_without_counts_a_report_of_times_has_no_turns(beside: Run) -> None:
    report = view.build([replace(beside, lane_records=[])])
    page = everything(html.render(report))
    for told in (text.render(report), markdown.render(report), page):
        assert "1,000</td>" not in told
        assert '"turns": "' not in told
        assert "| turns |" not in told


def test_counts_beside_no_time_are_no_answer(beside: Run) -> None:
    assert outcome(replace(beside, trials=[])) == EXIT_INVALID


# --- for real ---------------------------------------------------------------------------

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
name = "durable"
needs = ["owned"]
op = "fetch_val"
sql = "select 2"
[case.bench]
server_settings = { fsync = "on" }

[[case]]
name = "pool"
op = "fetch_val"
sql = "select 1"
clients = 4
pool = 4
requires = ["pool-waits"]
[case.bench]
"""
ALONE = {"short#connect", "short#durable"}
ARMS = [Arm("psycopg2"), Arm("asyncpg"), Arm("wrong-value")]


class Witness(Silent):
    """Which threads played a cell."""

    def __init__(self) -> None:
        self.threads: dict[str, set[str]] = {}

    def block(self, number: object, cell: Cell, *rest: object) -> None:  # type: ignore[override]
        name = threading.current_thread().name
        self.threads.setdefault(cell.id, set()).add(name)


@pytest.fixture(scope="module")
def witness() -> Witness:
    return Witness()


@pytest.fixture(scope="module")
def real(
    miniatures: None,
    place: Venue,
    witness: Witness,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    folder = tmp_path_factory.mktemp("wire")
    file, out = folder / "short.toml", folder / "run.jsonl"
    file.write_text(SCENARIO)
    made = scenario.load(file)
    plan = schedule.PLANS["quick"]
    order = orders.Order([made], made.cells, ARMS, plan, "quick", seed=1, lane="wire")
    with trials.findable():
        orders.measure(place, order, out, witness, trials.fail)
    return store.read(out)


def of(run: Run, case: str, arm: str) -> meaning.ArmWire:
    return meaning.arm_wires(run)[f"short#{case}", arm]


def test_both_repeats_are_equal(real: Run) -> None:
    assert outcome(real) == EXIT_PASS
    for arm in ("psycopg2", "asyncpg"):
        for case in ("read", "write", "list"):
            first, second = [
                record
                for record in real.of(Wire)
                if (record.cell, record.arm) == (f"short#{case}", arm)
            ]
            assert first.measured
            assert replace(second, repeat=0) == first
            turns = of(real, case, arm).turns
            assert turns is not None
            assert (turns.exact, turns.typical) == (True, 1)


def test_arms_are_played_side_by_side_but_alone_with_what_counts_sessions(
    real: Run, witness: Witness
) -> None:
    """And with what changes the server: other arms would count, or have it, too."""
    main = {"MainThread"}
    assert {cell for cell, told in witness.threads.items() if told & main} == ALONE
    for cell, told in witness.threads.items():
        assert told == main if cell in ALONE else len(told) == len(ARMS)
    for case in ("connect", "durable"):
        turns = of(real, case, "asyncpg").turns
        assert turns is not None
        assert turns.exact


def test_nothing_wrong_has_counts(real: Run) -> None:
    held = of(real, "list", "wrong-value")
    assert held.verdict == "lossy"
    assert held.turns is None


def test_a_pools_release_is_seen(real: Run) -> None:
    """asyncpg resets a connection that it gets back: one more turn for each op."""
    held = of(real, "pool", "asyncpg")
    assert held.turns is not None
    assert held.later is not None
    assert held.turns.typical == 2
    assert held.later.kinds["Query"] == held.later.ops == 4


def test_its_report_fits_a_terminal_and_names_messages(real: Run) -> None:
    report = view.build([real])
    told = text.render(report)
    assert max(map(len, told.splitlines())) <= 80
    assert "Bind Execute Sync" in told
    for render in (markdown.render, html.render):
        assert "Bind Execute Sync" in render(report)


# --- show --wire ------------------------------------------------------------------------


def test_a_conversation_hides_values_unless_asked(
    dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["show", POINT, "--driver", "psycopg2", "--server", dsn, "--wire"]
    assert main(command) == EXIT_PASS
    told = capsys.readouterr().out
    assert "Password (never shown)" in told
    assert "first use: 1 turn," in told
    assert "where id =" in told
    assert "customer" not in told
    assert max(map(len, told.splitlines())) <= 80
    assert main([*command, "--values"]) == EXIT_PASS
    asked = capsys.readouterr().out
    assert "'customer" in asked
    assert "Password (never shown)" in asked


def test_values_go_with_the_wire(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["show", POINT, "--driver", "psycopg2", "--server", dsn, "--values"]
    assert main(command) == EXIT_USAGE
    assert "--wire" in capsys.readouterr().err
