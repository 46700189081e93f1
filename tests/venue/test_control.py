"""The control connection: it says little twice, and forgets what it cannot know."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from harness.core.errors import OracleError, ServerError
from harness.core.limits import ROWS
from harness.venue.control import Control, connected
from harness.venue.venue import Venue

PATH = "select current_setting('search_path')"


@pytest.fixture
def control(place: Venue) -> Iterator[Control]:
    with connected(place.server.target) as opened:
        yield opened
    with connected(place.server.target) as opened:
        for name in ("pgdyno_fffffff_1", "pgdyno_fffffff_2"):
            opened.drop_schema(name)


# --- where names are looked up ----------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "set search_path to pg_catalog",
        "SET Search_Path = ''",
        "reset all",
        "reset  all",
        "discard all",
        "select set_config('search_path', '', false)",
        "do $$ begin perform set_config('search_path', '', false); end $$",
    ],
)
def test_a_path_that_a_statement_changed_is_set_again(control: Control, sql: str) -> None:
    control.use("a", "b")
    control.run(sql)
    control.use("a", "b")
    assert control.value(PATH) == "a, b"
    control.table(sql)
    control.use("a", "b")
    assert control.value(PATH) == "a, b"


def test_a_path_of_a_transaction_that_is_undone_is_set_again(control: Control) -> None:
    control.use("a")
    control.run("begin")
    control.use("b")
    control.run("rollback")
    control.use("b")
    assert control.value(PATH) == "b"


def test_a_path_that_a_session_of_a_case_had_is_set_again(control: Control) -> None:
    control.use("a")
    assert control.sqlstate([("select 1", None)], [("search_path", "b")]) == ""
    control.use("a")
    assert control.value(PATH) == "a"


def test_what_is_set_already_costs_no_message(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    control.use("a", "b")
    monkeypatch.setattr(control, "_compose", pytest.fail)
    control.use("a", "b")


# --- schemas ----------------------------------------------------------------------------


def test_a_schema_is_made_anew_and_looked_at(control: Control) -> None:
    for _ in range(2):
        control.remake_schema("pgdyno_fffffff_1", ["pgdyno_fffffff_1"], 77)
        assert control.value("select to_regclass('t') is null") == "t"
        assert control.value("show statement_timeout") == "77s"
        control.run("create table t (a int)")
    with control.taking(77):
        assert control.value(PATH) == "pgdyno_fffffff_1"
    assert control.value("show statement_timeout") == "30s"


def test_a_schema_that_cannot_be_dropped_stays_as_it_was(
    control: Control, place: Venue
) -> None:
    control.remake_schema("pgdyno_fffffff_2", ["pgdyno_fffffff_2"], 30)
    control.run("create table t (a int)")
    control.run("set lock_timeout = 50")
    with connected(place.server.target) as holder:
        holder.run("begin; lock table pgdyno_fffffff_2.t")
        with pytest.raises(OracleError, match="lock timeout") as caught:
            control.remake_schema("pgdyno_fffffff_2", [], 30)
        holder.run("rollback")
    assert caught.value.sqlstate == "55P03"
    control.use("pgdyno_fffffff_2")
    assert control.value("select count(*) from t") == "0"


def test_who_may_make_no_schema_is_told_what_to_grant(control: Control) -> None:
    control.run("set role pg_monitor")
    with pytest.raises(ServerError, match="no schema can be made") as caught:
        control.remake_schema("pgdyno_fffffff_1", [], 30)
    assert "grant CREATE" in caught.value.hint


# --- many statements --------------------------------------------------------------------


def test_many_statements_answer_as_one_by_one(control: Control) -> None:
    control.run("create temp table t (a int, b text)")
    statements: list[tuple[str, tuple[str | None, ...]]] = [
        ("insert into t values ($1, $2)", ("1", "x")),
        ("insert into t values ($1, $2)", ("2", None)),
        ("select a, b from t order by a", ()),
        ("select $1::numeric as n", ("1.10",)),
        ("delete from t returning a", ()),
    ]
    control.run("begin")
    together = control.tables(statements, ROWS)
    control.run("rollback; begin")
    single = tuple(control.table(sql, params) for sql, params in statements)
    control.run("rollback")
    assert together == single
    assert together[2] is not None
    assert together[2].rows == (("1", "x"), ("2", None))


def test_of_many_statements_the_wrong_one_is_named(control: Control) -> None:
    control.run("begin")
    with pytest.raises(OracleError, match="no_such_table"):
        control.tables([("select 1", ()), ("select * from no_such_table", ())], ROWS)
    control.run("rollback")
    assert control.value("select 1") == "1"


def test_many_statements_have_bounded_answers(control: Control) -> None:
    control.run("begin")
    with pytest.raises(OracleError, match="more than 2 rows"):
        control.tables([("select 1", ()), ("select generate_series(1, 3)", ())], 2)
    control.run("rollback")


def test_a_connection_lost_meanwhile_is_the_servers_fault(
    control: Control, place: Venue
) -> None:
    control.run("begin")
    with psycopg.connect(
        host=place.server.target.host,
        port=place.server.target.port,
        user=place.server.target.user,
        password=place.server.target.password,
        dbname=place.server.target.dbname,
        autocommit=True,
    ) as killer:
        killer.execute("select pg_terminate_backend(%s)", [control.backend_pid])
    with pytest.raises(ServerError, match="went away"):
        control.tables([("select 1", ())] * 3, ROWS)


WRITING_WITH = "with made as (insert into w select 1 returning a) "


@pytest.mark.parametrize(
    "statement",
    [
        WRITING_WITH + "insert into w select a + 1 from made",
        WRITING_WITH + "select a from made where a > 5",
        WRITING_WITH + "select a from made",
    ],
)
def test_a_with_that_writes_is_played_once(control, statement):
    control.run("create temp table w (a int)")
    try:
        control.table(statement, at_most=10)
        assert control.value("select count(*) from w where a = 1") == "1"
    finally:
        control.run("drop table w")


def test_a_with_that_reads_is_cut_off_all_the_same(control):
    reads = "with n as (select generate_series(1, 50) i) select i from n"
    with pytest.raises(OracleError, match="more than 10 rows"):
        control.table(reads, at_most=10)
