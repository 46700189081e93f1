"""Mixes, and statements of several calls: what is right in each turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import plain

from harness import scenario
from harness.core.cells import Cell
from harness.core.errors import OracleError
from harness.core.verdicts import EXACT, Code, Judgement, Verdict
from harness.play.seat import Deadlines, Seat
from harness.venue.stage import Playable
from harness.venue.venue import Venue

FIXTURE = """
schema = 1
title = "T"
[fixture]
scope = "trial"
sql = "create table t (id serial, a int)"
"""
WRITES = """
[[case]]
name = "write"
op = "execute"
sql = "insert into t (a) select $1::int from generate_series(1, $1::int)"
params = "select 1 union all select 2 order by 1"
expect.state = "select a from t"
"""
READS = """
[[case]]
name = "count"
op = "fetch_val"
sql = "select count(*) from t"

[[case]]
name = "constant"
op = "fetch_all"
sql = "select $1::int * 2 as two"
params = "select i from generate_series(1, 3) i"
"""
MIX = """
[[mix]]
name = "mix"
weights = { write = 2, count = 2, constant = 1 }
turns = 5
seed = 2
bench.reset = "truncate t"
"""


def cells(folder: Path, text: str) -> dict[str, Cell]:
    file = folder / f"cycles-{len(list(folder.glob('*.toml')))}.toml"
    file.write_text(FIXTURE + text)
    return {cell.local_id: cell for cell in scenario.load(file).cells}


@pytest.fixture(scope="module")
def seats() -> Iterator[dict[str, Seat]]:
    """A worker of each driver judges all of this file."""
    found: dict[str, Seat] = {}
    yield found
    for seat in found.values():
        seat.dismiss()


@pytest.fixture
def judge(place: Venue, tmp_path: Path, seats: dict[str, Seat]):
    """The verdict of a real driver."""

    def judged(cell: Cell, driver: str = "psycopg") -> Judgement:
        play = place.stage.prepare(cell)
        seat = seat_of(driver)
        try:
            found = seat.open(play)
            return seat.verify(play) if found is EXACT or found == EXACT else found
        finally:
            seat.close()

    def seat_of(driver: str) -> Seat:
        if driver not in seats:
            folder = tmp_path / driver
            folder.mkdir()
            arguments = (place.stage, place.control, folder, [], Deadlines())
            seats[driver] = Seat(plain(driver), *arguments)
        return seats[driver]

    judged.seat_of = seat_of  # type: ignore[attr-defined]
    return judged


def order(cell: Cell) -> list[str]:
    return [cell.mix[turn].cell.case for turn in cell.turns]


# --- what is right ----------------------------------------------------------------------


def test_an_answer_is_that_of_its_turn(place: Venue, tmp_path: Path) -> None:
    cell = cells(tmp_path, WRITES + READS + MIX)["mix"]
    prepared = place.stage.prepare(cell).prepared
    rows, number, counts = 0, 0, []
    for case in order(cell):
        if case == "write":
            number += 1
            rows += number
        counts.append(str(rows) if case == "count" else None)
    calls = prepared.task.expected.calls
    found = [
        call[0].rows[0][0] if case == "count" and call[0] else None
        for case, call in zip(order(cell), calls, strict=True)
    ]
    assert found == counts
    assert [value for value in found if value] != ["0", "0"]
    assert (prepared.calls, sum(prepared.added)) == (5, 3)
    assert prepared.before is not None
    assert prepared.after is not None
    assert (prepared.before.rows, prepared.after.rows) == (0, 3)


def test_rows_are_counted_wherever_a_slice_ends(place: Venue, tmp_path: Path) -> None:
    prepared = place.stage.prepare(cells(tmp_path, WRITES + READS + MIX)["mix"]).prepared
    for ops in range(13):
        played = [prepared.added[turn % 5] for turn in range(ops)]
        assert prepared.rows_after(ops) == sum(played)


def test_a_task_takes_its_calls_one_after_another(place: Venue, tmp_path: Path) -> None:
    mix = '[[mix]]\nname = "mix"\nweights = { constant = 1 }\nturns = 7'
    cell = cells(tmp_path, READS + mix)["mix"]
    prepared = place.stage.prepare(cell).prepared
    answers = [call[0].rows[0][0] for call in prepared.task.expected.calls if call[0]]
    assert answers == ["2", "4", "6", "2", "4", "6", "2"]
    assert prepared.task.turns == (0, 1, 2, 0, 1, 2, 0)
    assert prepared.before is None


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg", "psqlpy"])
@pytest.mark.parametrize("more", ["", "clients = 3\npool = 3\n"])
def test_a_right_driver_is_exact(judge, tmp_path: Path, driver: str, more: str) -> None:
    weights = "{ write = 2, constant = 1 }" if more else "{ write = 2, count = 2 }"
    mix = f'[[mix]]\nname = "mix"\nweights = {weights}\nturns = 7\n{more}'
    text = WRITES + READS + mix + 'bench.reset = "truncate t"'
    assert judge(cells(tmp_path, text)["mix"], driver) == EXACT


def test_what_is_wrong_is_said_of_its_task(judge, tmp_path: Path) -> None:
    wrong = READS.replace(
        'name = "constant"', 'name = "constant"\nexpect.equals = "select 0"'
    )
    judged = judge(cells(tmp_path, WRITES + wrong + MIX)["mix"])
    assert (judged.verdict, judged.code) == (Verdict.LOSSY, Code.WRONG_VALUE)
    assert judged.detail.startswith("constant: row 1")
    assert judged.facts["task"] == "constant"
    assert judged.facts["tasks"] == {
        "write": "exact",
        "count": "exact",
        "constant": "lossy",
    }


def test_the_mildest_trouble_of_a_task_is_the_mix_s_too(judge, tmp_path: Path) -> None:
    text = READS.replace("$1::int * 2 as two", "jsonb_build_object('a', $1::int)")
    judged = judge(cells(tmp_path, WRITES + text + MIX)["mix"], "asyncpg")
    assert judged.verdict is Verdict.DIFFERS
    assert judged.detail.startswith("constant: ")


def test_what_a_task_needs_and_a_driver_lacks_is_said(judge, tmp_path: Path) -> None:
    case = (
        '[[case]]\nname = "ahead"\nop = "pipeline"\nstatements = [{ sql = "select 1" }]\n'
    )
    mix = '[[mix]]\nname = "mix"\nweights = { ahead = 1, count = 1 }'
    judged = judge(cells(tmp_path, READS + case + mix)["mix"], "psycopg2")
    assert judged.verdict is Verdict.UNSUPPORTED
    assert "has no pipeline, which cycles-0#ahead needs" in judged.detail


def test_a_slice_begins_with_the_first_turn_and_is_counted(
    place: Venue, judge, tmp_path: Path
) -> None:
    play = place.stage.prepare(cells(tmp_path, WRITES + READS + MIX)["mix"])
    seat = judge.seat_of("psycopg")
    assert seat.open(play) == EXACT
    try:
        assert seat.verify(play) == EXACT
        seat.ask("warm", 10, ops=2)
        for ops, lead in ((5, 1), (10, 2), (5, 0)):
            place.stage.renew(place.control, play.cell, seat.schema)
            assert seat.ask("measure", 10, ops=ops, lead=lead)["wall_ns"] > 0
            assert counted(place, play, seat, ops + lead) == EXACT
            # A cycle adds three rows; whoever was a cycle short would be found.
            assert counted(place, play, seat, ops + lead + 5) != EXACT
    finally:
        seat.close()


def counted(place: Venue, play: Playable, seat: Seat, ops: int) -> Judgement:
    """By rows, also where that is a whole cycle, and whatever the turn adds."""
    rows = place.control.value("select count(*) from t")
    wanted = play.prepared.rows_after(ops)
    if ops != play.prepared.calls:
        found = place.stage.check_state(place.control, play, seat.schema, ops)
        assert (found == EXACT) == (int(rows) == wanted)
    return EXACT if int(rows) == wanted else Judgement(Verdict.LOSSY, Code.WRONG_STATE)


# --- what nobody could count or know ------------------------------------------------------


def test_a_cycle_must_add_the_same_again(place: Venue, tmp_path: Path) -> None:
    values = "select $1::int from generate_series(1, $1::int)"
    assert values in WRITES
    once = "select $1::int where not exists (select from t where a = $1::int)"
    once = WRITES.replace(values, once)
    with pytest.raises(
        OracleError, match="in the first cycle write adds 1 rows, in the sec"
    ):
        place.stage.prepare(cells(tmp_path, once + READS + MIX)["mix"])


CLIENTS = "clients = 2\npool = 2\n"


def test_with_clients_no_answer_may_depend_on_who_is_first(
    place: Venue, tmp_path: Path
) -> None:
    cell = cells(tmp_path, WRITES + READS + MIX + CLIENTS)["mix"]
    with pytest.raises(OracleError, match="answer of count depends on which client writes"):
        place.stage.prepare(cell)


def test_with_clients_no_state_may_depend_on_who_is_first(
    place: Venue, tmp_path: Path
) -> None:
    serial = WRITES.replace("select a from t", "select id, a from t")
    mix = MIX.replace("count = 2, ", "").replace("turns = 5", "turns = 3")
    mix = mix.replace("truncate t", "truncate t restart identity")
    cell = cells(tmp_path, serial + READS + mix + CLIENTS)["mix"]
    with pytest.raises(OracleError, match="what the tables hold in the end depends on"):
        place.stage.prepare(cell)


def test_an_answer_that_changes_its_mind_is_none(place: Venue, tmp_path: Path) -> None:
    text = READS.replace("$1::int * 2 as two", "$1::int * random() as two")
    with pytest.raises(OracleError, match="differs from one evaluation to the next"):
        place.stage.prepare(cells(tmp_path, WRITES + text + MIX)["mix"])


def test_params_without_rows_are_no_calls(place: Venue, tmp_path: Path) -> None:
    text = READS.replace("select i from generate_series(1, 3) i", "select 1 where false")
    with pytest.raises(OracleError, match="the params of constant are no rows"):
        place.stage.prepare(cells(tmp_path, WRITES + text + MIX)["mix"])


# --- statements of several calls ----------------------------------------------------------

DEALT = """
[[case]]
name = "dealt"
op = "%s"
statements = [
  { sql = "select $1::int as a", params = "select generate_series(1, 3)", each = 1 },
  { sql = "select $1::int as b", params = "select generate_series(11, 16)", each = 2 },
  { sql = "select 99 as foot" },
]
"""


@pytest.mark.parametrize("driver", ["psycopg2", "asyncpg"])
@pytest.mark.parametrize("op", ["sequential", "transaction"])
def test_each_call_has_its_own_statements(
    place: Venue, judge, tmp_path: Path, op: str, driver: str
) -> None:
    cell = cells(tmp_path, DEALT % op)["dealt"]
    calls = place.stage.prepare(cell).prepared.task.expected.calls
    values = [[table.rows[0][0] for table in call if table] for call in calls]
    assert values == [
        ["1", "11", "99", "12"],
        ["2", "13", "99", "14"],
        ["3", "15", "99", "16"],
    ]
    assert judge(cell, driver) == EXACT


@pytest.mark.parametrize(
    ("each", "said"), [("4", "3 rows by 1, 6 rows by 4"), ("3", "3 rows by 1, 6 rows by 3")]
)
def test_statements_make_whole_calls(
    place: Venue, tmp_path: Path, each: str, said: str
) -> None:
    text = (DEALT % "sequential").replace("each = 2", f"each = {each}")
    with pytest.raises(OracleError, match=said):
        place.stage.prepare(cells(tmp_path, text)["dealt"])


def test_writes_of_several_calls_are_counted(place: Venue, judge, tmp_path: Path) -> None:
    text = """
[[case]]
name = "dealt"
op = "transaction"
expect.state = "select a from t"
bench.reset = "truncate t"
[[case.statements]]
sql = "insert into t (a) values ($1)"
params = "select generate_series(1, 6)"
each = 2
"""
    cell = cells(tmp_path, text)["dealt"]
    prepared = place.stage.prepare(cell).prepared
    assert (prepared.calls, prepared.added) == (3, (2, 2, 2))
    assert judge(cell) == EXACT
