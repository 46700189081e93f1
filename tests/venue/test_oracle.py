"""The oracle: what the server says is right, and when it cannot say."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import plain

from harness import scenario
from harness.core.cells import Cell
from harness.core.errors import OracleError
from harness.core.verdicts import Judgement, Verdict
from harness.play.seat import Deadlines, Seat
from harness.venue.bulk import MAX_PARAMETERS
from harness.venue.control import Control
from harness.venue.oracle import read_state
from harness.venue.venue import Venue

HEAD = """
schema = 1
title = "T"
why = "W"
"""
NASTY = r"""
select i, case i % 7
    when 0 then null
    when 1 then 'NULL'
    when 2 then 'say "hi", {you}'
    when 3 then E'back\\slash and tab\t'
    when 4 then ''
    when 5 then E'line\nbreak, Grüße 😀'
    else '%s $1 :p1 '' ?' end, i * 1.10
from generate_series(1, 21) i
"""


def cells(folder: Path, text: str) -> dict[str, Cell]:
    """The cells of a scenario file, by case."""
    number = len(list(folder.glob("*.toml")))
    file = folder / f"oracle-{number}.toml"
    file.write_text(HEAD + text)
    return {one.id.partition("#")[2]: one for one in scenario.load(file).cells}


def one_case(folder: Path, text: str, fixture: str = "", scope: str = "trial") -> Cell:
    made = f"[fixture]\nscope = '{scope}'\nsql = '''{fixture}'''\n" if fixture else ""
    return cells(folder, f"{made}\n[[case]]\nname = 'case'\n{text}")["case"]


SEATS: dict[str, Seat] = {}
"""By driver: a worker that has judged one cell judges the next."""


@pytest.fixture(scope="module", autouse=True)
def dismissed() -> Iterator[None]:
    """No worker outlives the tests of this file."""
    yield
    while SEATS:
        SEATS.popitem()[1].dismiss()


def judge(place: Venue, folder: Path, cell: Cell, driver: str = "psycopg") -> Judgement:
    """The verdict of a real driver."""
    play = place.stage.prepare(cell)
    if driver not in SEATS:
        arm = plain(driver)
        SEATS[driver] = Seat(arm, place.stage, place.control, folder, [], Deadlines())
    seat = SEATS[driver]
    try:
        judged = seat.open(play)
        return seat.verify(play) if judged.verdict is Verdict.EXACT else judged
    finally:
        seat.close()


# --- state ---------------------------------------------------------------------------

WRITE = """
op = "execute"
sql = "insert into t values ($1::int, 'x')"
params = "select i from generate_series(10, 12) i"
expect.state = "select * from t"
"""
TWO_ROWS = "create table t (a int, b text); insert into t values (1, 'a'), (2, 'b')"


def test_the_oracle_works_in_a_twin_schema(place: Venue, tmp_path: Path) -> None:
    cell = one_case(tmp_path, WRITE, TWO_ROWS)
    prepared = place.stage.prepare(cell).prepared
    assert prepared.before is not None
    assert prepared.after is not None
    assert (prepared.before.rows, prepared.after.rows) == (2, 5)
    assert (prepared.calls, prepared.added) == (3, (1, 1, 1))
    assert prepared.before.digest != prepared.after.digest
    twin = place.stage.schema(place.control, cell, "the oracle")
    driver = place.stage.schema(place.control, cell, "some driver")
    assert twin != driver
    place.stage.use(place.control, driver)
    assert read_state(place.control, cell.expect.state) == prepared.before


def test_preparing_again_begins_with_the_fixture_again(
    place: Venue, tmp_path: Path
) -> None:
    cell = one_case(tmp_path, WRITE, TWO_ROWS)
    first, again = (place.stage.prepare(cell).prepared for _ in range(2))
    assert (first.before, first.after) == (again.before, again.after)


@pytest.mark.parametrize(
    "change",
    [
        "update t set b = 'A' where a = 1",
        "update t set b = null where a = 1",
        "update t set a = 3 - a",
        "update t set b = b || ' '",
    ],
)
def test_the_digest_sees_a_changed_value(place: Venue, tmp_path: Path, change: str) -> None:
    cell = one_case(tmp_path, WRITE, TWO_ROWS)
    schema = place.stage.schema(place.control, cell, change)
    place.stage.use(place.control, schema)
    before = read_state(place.control, "select * from t")
    place.control.run(change)
    after = read_state(place.control, "select * from t")
    assert before is not None
    assert after is not None
    assert before.rows == after.rows
    assert before.digest != after.digest


def test_the_digest_does_not_see_the_order_of_rows(place: Venue) -> None:
    up, down = (
        read_state(place.control, f"select i from generate_series(1, 9) i order by i {how}")
        for how in ("asc", "desc")
    )
    assert up is not None
    assert down is not None
    assert (up.rows, up.digest) == (down.rows, down.digest)


def test_a_state_without_rows(place: Venue) -> None:
    state = read_state(place.control, "select 1 where false;")
    assert state is not None
    assert (state.rows, state.digest, state.sample) == (0, "0", "")


def test_another_value_in_the_drivers_schema_is_lossy(place: Venue, tmp_path: Path) -> None:
    cell = one_case(tmp_path, WRITE, TWO_ROWS)
    play = place.stage.prepare(cell)
    schema = place.stage.schema(place.control, cell, "a liar")
    place.stage.use(place.control, schema)
    place.control.run("insert into t values (10, 'x'), (11, 'x'), (12, 'X')")
    judged = place.stage.check_state(place.control, play, schema, 3)
    assert judged.verdict is Verdict.LOSSY
    assert "differs from what was sent" in judged.detail
    place.control.run("update t set b = lower(b)")
    judged = place.stage.check_state(place.control, play, schema, 3)
    assert judged.verdict is Verdict.EXACT


def test_after_ops_that_are_no_cycle_only_rows_are_counted(
    place: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = one_case(tmp_path, WRITE, TWO_ROWS)
    play = place.stage.prepare(cell)
    schema = place.stage.schema(place.control, cell, "in the middle of a cycle")
    place.stage.use(place.control, schema)
    place.control.run("insert into t values (10, 'x'), (11, 'y')")
    asked: list[str] = []
    table = place.control.table

    def noted(sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return table(sql, *rest)

    monkeypatch.setattr(place.control, "table", noted)
    assert place.stage.check_state(place.control, play, schema, 2).verdict is Verdict.EXACT
    assert not [sql for sql in asked if "hash" in sql]
    judged = place.stage.check_state(place.control, play, schema, 4)
    assert judged.verdict is Verdict.LOSSY
    assert judged.facts["rows"] == judged.facts["expected_rows"] - 2


# --- bulk -----------------------------------------------------------------------------

BULK = f"""
[fixture]
scope = "trial"
sql = "create table t (a int, b text, c numeric)"

[[case]]
name = "bulk"
op = "bulk_insert"
strategy = "${{strategy}}"
table = "t"
columns = ["a", "b", "c"]
rows = '''{NASTY}'''
expect.state = "select * from t"
[case.axes]
strategy = ["loop", "execute_many", "helper", "pipeline", "values", "unnest"]
"""


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_every_strategy_inserts_the_same_rows(
    place: Venue, tmp_path: Path, driver: str
) -> None:
    """NULL, 'NULL', quotes, braces, backslashes, placeholders and line breaks."""
    found = {}
    digests = set()
    for cell in cells(tmp_path, BULK).values():
        prepared = place.stage.prepare(cell).prepared
        assert prepared.after is not None
        assert (prepared.after.rows,) == prepared.added == (21,)
        digests.add(prepared.after.digest)
        found[cell.strategy] = judge(place, tmp_path, cell, driver)
    assert len(digests) == 1
    unsupported = {k for k, one in found.items() if one.verdict is Verdict.UNSUPPORTED}
    assert unsupported <= {"helper", "pipeline"}
    assert {one.verdict for k, one in found.items() if k not in unsupported} == {
        Verdict.EXACT
    }, found


def test_unnest_says_the_types_as_they_are_called(place: Venue, tmp_path: Path) -> None:
    cell = one_case(
        tmp_path,
        """
op = "bulk_insert"
strategy = "unnest"
table = "t"
columns = ["a", "b"]
rows = '''select 'so la la'::"Mood", 'x'::"char"'''
expect.state = "select * from t"
""",
        """create type "Mood" as enum ('so la la'); create table t (a "Mood", b "char")""",
    )
    judged = judge(place, tmp_path, cell)
    assert judged.verdict is Verdict.EXACT, judged


VALUES = """
op = "bulk_insert"
strategy = "values"
table = "t"
columns = ["a", "b", "c", "d", "e"]
rows = "select 1, 2, 3, 4, 5 from generate_series(1, {rows})"
expect.state = "select * from t"
"""
FIVE = "create table t (a int, b int, c int, d int, e int)"


def test_values_takes_as_many_parameters_as_the_protocol(
    place: Venue, tmp_path: Path
) -> None:
    cell = one_case(tmp_path, VALUES.format(rows=MAX_PARAMETERS // 5), FIVE)
    task = place.stage.prepare(cell).prepared.task
    assert task.sql.endswith(f"${MAX_PARAMETERS})")
    assert task.params is not None
    assert len(task.params.rows[0]) == MAX_PARAMETERS


def test_values_refuses_one_row_more(place: Venue, tmp_path: Path) -> None:
    cell = one_case(tmp_path, VALUES.format(rows=MAX_PARAMETERS // 5 + 1), FIVE)
    with pytest.raises(OracleError, match="13108 rows × 5 columns are more than 65535"):
        place.stage.prepare(cell)


# --- statements -----------------------------------------------------------------------


def test_statements_take_turns(place: Venue, tmp_path: Path) -> None:
    cell = one_case(
        tmp_path,
        """
op = "sequential"
statements = [
    { sql = "select 'a', $1::int", params = "select generate_series(1, 3)" },
    { sql = "select 'b'" },
    { sql = "select 'c', $1::int", params = "select generate_series(7, 8)" },
]
""",
    )
    prepared = place.stage.prepare(cell).prepared
    (answers,) = prepared.task.expected.calls
    assert [one.rows[0] for one in answers if one] == [
        ("a", "1"), ("b",), ("c", "7"), ("a", "2"), ("c", "8"), ("a", "3"),
    ]  # fmt: skip
    assert prepared.calls == 1
    assert judge(place, tmp_path, cell).verdict is Verdict.EXACT


def test_a_statement_that_fails_leaves_no_open_transaction(
    place: Venue, tmp_path: Path
) -> None:
    cell = one_case(
        tmp_path,
        'op = "transaction"\nstatements = [{ sql = "select 1" }, { sql = "select 1/0" }]',
    )
    with pytest.raises(OracleError, match="division by zero"):
        place.stage.prepare(cell)
    assert place.control.value("select 1") == "1"


# --- when the oracle cannot say ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('op = "fetch_val"\nsql = "select random()"', "differs from one evaluation"),
        (
            'op = "fetch_val"\nsql = "select $1::float8"\nparams = "select random()"',
            "differs from one evaluation",
        ),
        (
            'op = "transaction"\nstatements = [{ sql = "select random()" }]',
            "differs from one evaluation",
        ),
        (
            'op = "pipeline"\nstatements = [{ sql = "select clock_timestamp()" }]',
            "differs from one evaluation",
        ),
        (
            'op = "fetch_val"\nsql = "select 1"\nparams = "set work_mem = 1000"',
            "returns no rows",
        ),
        (
            "op = 'fetch_val'\nsql = '''\nselect 1,\n  nothing\n'''",
            'column "nothing" does not exist (SQLSTATE 42703) at line 2: nothing',
        ),
        (
            'op = "execute"\nsql = "select 1"\nexpect.error = { sqlstate = "23505" }',
            "the case expects SQLSTATE 23505, the server gives no error",
        ),
        (
            'op = "execute"\nsql = "select 1/0"\nexpect.error = { sqlstate = "23505" }',
            "the case expects SQLSTATE 23505, the server gives 22012",
        ),
        (
            'op = "fetch_all"\nsql = "select 1"\nexpect.plan = "Index Scan"',
            "the plan has no 'Index Scan': Result",
        ),
    ],
)
def test_no_answer_is_an_oracle_error(
    place: Venue, tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(OracleError) as caught:
        place.stage.prepare(one_case(tmp_path, text))
    assert words in str(caught.value)


def test_rows_without_an_order_that_holds_are_no_answer(
    place: Venue, tmp_path: Path
) -> None:
    text = (
        'op = "fetch_all"\nsql = "select i from generate_series(1, 9) i order by random()"'
    )
    with pytest.raises(OracleError, match="differs from one evaluation") as caught:
        place.stage.prepare(one_case(tmp_path, text))
    assert "order by" in caught.value.hint


def test_a_fixture_that_fails_names_the_scenario_and_the_line(
    place: Venue, tmp_path: Path
) -> None:
    cell = one_case(
        tmp_path, 'op = "fetch_val"\nsql = "select 1"', "select 1;\nselect nothing", "run"
    )
    with pytest.raises(OracleError, match=r"the fixture of oracle-0 fails.*at line 2"):
        place.stage.prepare(cell)


def test_settings_of_an_expected_error_are_put_back(place: Venue, tmp_path: Path) -> None:
    before = place.control.value("show statement_timeout")
    cell = one_case(
        tmp_path,
        """
op = "execute"
sql = "select pg_sleep(5)"
settings = { statement_timeout = "20ms" }
expect.error = { sqlstate = "57014" }
""",
    )
    assert place.stage.prepare(cell).prepared.task.expected.error is not None
    assert place.control.value("show statement_timeout") == before


# --- approximate search -----------------------------------------------------------------

SEARCH = """
op = "fetch_all"
sql = "select i from t where i % 2 = 0 order by i limit $1::int"
params = "select 4"
expect.plan = "Seq Scan"
expect.recall = {{ exact = "select i from t order by i limit $1::int", at_least = {least} }}
"""
EIGHT = "create table t as select i from generate_series(1, 8) i"


def test_enough_recall_is_an_answer(place: Venue, tmp_path: Path) -> None:
    cell = one_case(tmp_path, SEARCH.format(least=0.5), EIGHT, "run")
    assert place.stage.prepare(cell).prepared.calls == 1
    assert place.control.value("show enable_indexscan") == "on"


def test_too_little_recall_is_none(place: Venue, tmp_path: Path) -> None:
    cell = one_case(tmp_path, SEARCH.format(least=0.6), EIGHT, "run")
    with pytest.raises(OracleError, match=r"recall is 0\.500, not the 0\.6"):
        place.stage.prepare(cell)


# --- writes that are not all alike --------------------------------------------------------

SKIPS = """
op = "execute"
sql = "insert into t values ($1::int) on conflict do nothing"
params = "select v from (values (1), (1), (2)) t(v)"
expect.state = "select * from t"
"""


def test_a_write_that_adds_rows_now_and_then_can_be_checked(
    place: Venue, tmp_path: Path
) -> None:
    cell = one_case(tmp_path, SKIPS, "create table t (a int primary key)")
    judged = judge(place, tmp_path, cell)
    assert judged.verdict is Verdict.EXACT, judged


def test_but_not_timed(place: Venue, tmp_path: Path) -> None:
    text = SKIPS + "[case.bench]\nreset = 'truncate t'"
    cell = one_case(tmp_path, text, "create table t (a int primary key)")
    with pytest.raises(OracleError, match="3 ops add 2 rows") as caught:
        place.stage.prepare(cell)
    assert "leave bench out" in caught.value.hint


def test_a_write_that_cannot_be_repeated_is_not_timed(place: Venue, tmp_path: Path) -> None:
    text = """
op = "execute"
sql = "insert into t values ($1::int) on conflict (a) do update set a = excluded.a"
params = "select generate_series(1, 5)"
expect.state = "select * from t"
[case.bench]
reset = "truncate t"
"""
    empty = one_case(tmp_path, text, "create table t (a int primary key)")
    with pytest.raises(OracleError, match="first cycle of ops adds 5 rows, the second 0"):
        place.stage.prepare(empty)
    filled = (
        "create table t (a int primary key); insert into t select generate_series(1, 9)"
    )
    ready = one_case(tmp_path, text.replace("truncate t", "select 1"), filled)
    assert set(place.stage.prepare(ready).prepared.added) == {0}


def test_control_answers_are_the_servers_own_text(place: Venue) -> None:
    with Control(place.server.target) as control:
        table = control.table("select 1.10, '-0'::float8, null, true, '1 day'::interval")
    assert table is not None
    assert table.rows == (("1.10", "-0", None, "t", "P1D"),)


# --- what is the scenario's fault -----------------------------------------------------

SELECT = 'op = "fetch_val"\nsql = "select 1 as v"\n'


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ('{ timezon = "UTC" }', "no setting `timezon`; did you mean `TimeZone`?"),
        ('{ no_such_thing_at_all = "1" }', "no setting `no_such_thing_at_all`"),
        ('{ TimeZone = "Mars/Olympus" }', 'invalid value for parameter "TimeZone"'),
        ('{ work_mem = "much" }', 'invalid value for parameter "work_mem"'),
    ],
)
def test_a_setting_that_cannot_be_is_no_drivers_fault(
    place: Venue, tmp_path: Path, settings: str, told: str
) -> None:
    judged = place.stage.playable(one_case(tmp_path, f"{SELECT}settings = {settings}"))
    assert isinstance(judged, Judgement)
    assert judged.verdict is Verdict.INVALID
    assert judged.detail.startswith("settings: ")
    assert told in judged.detail


@pytest.mark.parametrize(
    "settings",
    [
        '{ timezone = "Europe/Rome" }',
        '{ "my.own" = "x" }',
        '{ "a.b.c" = "1" }',
        '{ role = "none" }',
    ],
)
def test_a_setting_that_can_be_is_set(place: Venue, tmp_path: Path, settings: str) -> None:
    judged = judge(place, tmp_path, one_case(tmp_path, f"{SELECT}settings = {settings}"))
    assert judged.verdict is Verdict.EXACT, judged


def test_a_setting_that_must_be_refused_is_a_question(place: Venue, tmp_path: Path) -> None:
    text = """settings = { no_such_setting = "1" }
[[case.step]]
op = "connect"
expect.rejected = true
"""
    place.stage.prepare(one_case(tmp_path, text))
    other = text.replace('op = "connect"', 'op = "execute"\nsql = "selec"')
    with pytest.raises(OracleError, match="no setting `no_such_setting`"):
        place.stage.prepare(one_case(tmp_path, other))


def test_a_key_that_a_second_run_violates_is_said(place: Venue, tmp_path: Path) -> None:
    text = """
op = "execute_many"
sql = "insert into item values ($1)"
rows = "select i from generate_series(1, 10) i"
expect.state = "select * from item"
"""
    fixture = "create table item (id int primary key)"
    assert (
        judge(place, tmp_path, one_case(tmp_path, text, fixture)).verdict is Verdict.EXACT
    )
    timed = one_case(tmp_path, text + '[case.bench]\nreset = "truncate item"', fixture)
    with pytest.raises(OracleError) as caught:
        place.stage.prepare(timed)
    told = str(caught.value)
    assert told.startswith("a timed op runs more than once between two resets")
    assert "duplicate key" in told
    assert "leave bench out" in told
    keyless = text + '[case.bench]\nreset = "truncate item"'
    assert place.stage.prepare(
        one_case(tmp_path, keyless, fixture.replace("primary key", ""))
    )


# --- Python values beside SQL ---------------------------------------------------------

WEI = 340282366920938463463374607431768211456


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_args_beside_params_can_be_written(
    place: Venue, tmp_path: Path, driver: str
) -> None:
    text = f"""
op = "execute"
sql = "insert into wei (v) values ($1)"
args = [{{ py = "decimal", value = "{WEI}" }}]
params = "select {WEI}::numeric"
expect.state = "select v from wei"
"""
    cell = one_case(tmp_path, text, "create table wei (v numeric)")
    assert judge(place, tmp_path, cell, driver).verdict is Verdict.EXACT
    wrong = one_case(
        tmp_path, text.replace(f'"{WEI}"', '"7"'), "create table wei (v numeric)"
    )
    judged = judge(place, tmp_path, wrong, driver)
    assert judged.verdict is Verdict.LOSSY
    assert judged.observed == "(7)"


def test_args_are_one_call(place: Venue, tmp_path: Path) -> None:
    text = """
op = "execute"
sql = "insert into wei (v) values ($1)"
args = [{ py = "int", value = 1 }]
params = "select i::numeric from generate_series(1, 3) i"
expect.state = "select v from wei"
"""
    with pytest.raises(OracleError, match="params beside args are one call's: one row"):
        place.stage.prepare(one_case(tmp_path, text, "create table wei (v numeric)"))


ROWS_OF_PYTHON = """
table = "t"
columns = ["a", "b"]
sql = "insert into t (a, b) values ($1, $2)"
rows = "select 1::int8, 'x'::text union all select 2, null"
args_rows = [
  [{ py = "int", value = 1 }, { py = "str", value = "x" }],
  [{ py = "int", value = 2 }, { py = "none" }],
]
expect.state = "select * from t"
"""


@pytest.mark.parametrize("driver", ["psycopg", "psycopg-async", "psycopg2", "asyncpg"])
@pytest.mark.parametrize("op", ["execute_many", "copy_in"])
def test_rows_of_python_values_reach_the_table(
    place: Venue, tmp_path: Path, op: str, driver: str
) -> None:
    text = ROWS_OF_PYTHON + 'format = "binary"\n'
    cell = one_case(tmp_path, f'op = "{op}"{text}', "create table t (a int8, b text)")
    assert [len(row) for row in cell.args_rows] == [2, 2]
    judged = judge(place, tmp_path, cell, driver)
    missing = driver == "psycopg2" and op == "copy_in"
    assert judged.verdict is (Verdict.UNSUPPORTED if missing else Verdict.EXACT), judged


def test_rows_of_python_values_are_what_is_sent(place: Venue, tmp_path: Path) -> None:
    text = ROWS_OF_PYTHON.replace('py = "int", value = 2', 'py = "int", value = 3')
    cell = one_case(tmp_path, f'op = "copy_in"{text}', "create table t (a int8, b text)")
    judged = judge(place, tmp_path, cell)
    assert (judged.verdict, judged.observed) == (Verdict.LOSSY, "(1,x); (3,)")
    short = text.partition('  [{ py = "int", value = 3')[0] + "]\nexpect.state = 'select 1'"
    with pytest.raises(OracleError, match="args_rows has 1 rows, rows has 2"):
        place.stage.prepare(
            one_case(tmp_path, f'op = "copy_in"{short}', "create table t (a int8, b text)")
        )


# --- limits ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'op = "fetch_val"\nsql = "select $1::int"\n'
            'params = "select generate_series(1, 1000000)"',
            "more than 10,000 rows come of: select generate_series(1, 1000000)",
        ),
        (
            'op = "execute_many"\nsql = "insert into t values ($1)"\n'
            'rows = "select generate_series(1, 100000000)"\n'
            'expect.state = "select * from t"',
            "more than 200,000 rows",
        ),
        (
            'op = "fetch_all"\nsql = "select generate_series(1, 100000000)"',
            "more than 200,000 rows",
        ),
        (
            'op = "pipeline"\nstatements = [{ sql = "select 1" }, '
            '{ sql = "select generate_series(1, 100000000) as i" }]',
            "more than 200,000 rows",
        ),
        (
            'op = "fetch_all"\nsql = "select i from generate_series(1, $1) i"\n'
            'params = "select 150000::int8 from generate_series(1, 2)"',
            "more than 50,000 rows",
        ),
        (
            'op = "fetch_all"\nsql = "select repeat(\'x\', 1000000) '
            'from generate_series(1, 1000)"',
            "more than 256 MB of text",
        ),
    ],
)  # fmt: skip
def test_too_many_rows_are_cut_off(
    place: Venue, tmp_path: Path, text: str, told: str
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(OracleError, match=told.replace("(", r"\(").replace(")", r"\)")):
        place.stage.prepare(one_case(tmp_path, text, "create table t (a int)"))
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mb < 800
    assert place.control.value("select 'still there'") == "still there"


@pytest.mark.parametrize(
    "sql",
    [
        "select 1.10, '-0'::float8, null, true, '1 day'::interval, 'infinity'::date",
        "select array[1, null], '{}'::jsonb, E'a\\\\tb', ''::text, '\\x00ff'::bytea",
        "select i, i::text from generate_series(1, 2500) i",
        "select 1 as a, 'x' as b where false",
        "values (1, 'a'), (2, null)",
        "with t as (select 1 as i) select * from t;",
        "set work_mem = '5MB'",
    ],
)
def test_rows_that_stream_are_the_same_rows(place: Venue, sql: str) -> None:
    assert place.control.table(sql, (), 10_000) == place.control.table(sql)


# --- where the server points ----------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select (1\n", "at line 1: select (1"),
        ("select (1\n\n", "at line 1: select (1"),
        ("\nselect (\n  1\n\n", "at line 3: 1"),
        ("select (1", "at line 1: select (1"),
        ("select 1,\n  nothing\n", "at line 2: nothing"),
        ("select 1\x0b,\n nothing", "at line 2: nothing"),
        ("select '\u2028', \n nothing", "at line 2: nothing"),
    ],
)
def test_an_error_names_the_line(place: Venue, sql: str, told: str) -> None:
    for ask in (place.control.run, place.control.table):
        with pytest.raises(OracleError) as caught:
            ask(sql)
        assert str(caught.value).endswith(told)


def test_an_array_of_a_domain_asks_about_the_domain(place: Venue, tmp_path: Path) -> None:
    found = cells(
        tmp_path,
        """
[fixture]
sql = "create domain prices as numeric[]; create domain positive as int check (value > 0)"
[[value]]
type = "prices"
name = "prices"
literals = ["{1,2}"]
[[value]]
type = "positive"
name = "positive"
literals = ["7"]
""",
    )
    for name in ("prices", "positive"):
        (cell,) = (cell for cell in found.values() if cell.case == f"{name}-array-null")
        prepared = place.stage.prepare(cell).prepared
        answer = prepared.task.expected.calls[0][0]
        assert answer is not None
        assert (answer.types[0].name, answer.types[0].kind) == (f"_{name}", "array")
        assert answer.types[0].element is not None
        assert answer.types[0].element.kind == "domain"
