"""The drivers over SQLSpec: their ops, errors, terms, and what a layer may leave behind."""

from __future__ import annotations

import asyncio
import decimal
import sys
import types
from typing import Any

import pytest
from clients import ROWS, STATEMENTS, Client, needs_server

pytest.importorskip("sqlspec")

from harness.core.calls import Op
from harness.core.capabilities import Capability
from harness.core.errors import DriverError, Unsupported
from harness.core.verdicts import Verdict
from harness.drivers.sqlspec import shared
from harness.judge import activity
from harness.plugin import act_modules, contract
from harness.plugin.op_source import op_source

pytestmark = needs_server

ON_PSYCOPG = ("sqlspec-psycopg", "sqlspec-psycopg-async")
ASYNC = ("sqlspec-psycopg-async", "sqlspec-asyncpg", "sqlspec-psqlpy")
DRIVERS = ("sqlspec-psycopg", *ASYNC)
DECODED = [
    None,
    [("one", 1)],
    [(2,)],
    None,
    [(2,)],
]

every_layer = pytest.mark.parametrize("client", DRIVERS, indirect=True)
every_async_layer = pytest.mark.parametrize("client", ASYNC, indirect=True)


def _decoded(session: Any, results: list[Any]) -> list[Any]:
    return [
        None if native is None else [tuple(row) for row in session.rows(native)]
        for native in results
    ]


# -- the contract ----------------------------------------------------------------------


@every_layer
def test_terms_of_both_layers_are_recorded(client):
    terms = contract.terms_of(client.driver)
    assert all(terms.values()), terms
    assert terms["library"] == "sqlspec"
    assert terms["wraps"] == client.arm.driver.removeprefix("sqlspec-")
    assert terms["wrapped_library"] == terms["wraps"].removesuffix("-async")
    assert terms["wrapped_version"] != terms["version"]
    assert "placeholders" in terms["rewrites"]


@every_layer
def test_the_acts_keep_to_the_vocabulary(client):
    acts, faults = act_modules.load(*client.driver.acts)
    assert not faults
    assert {"connect", "close", "begin", "block", "pool_open", "copy_arrow"} <= set(acts)
    assert ("pipeline" in acts) == (client.arm.driver in ON_PSYCOPG)


@every_layer
def test_only_psycopg_has_pipelines(client, session):
    wanted = client.arm.driver in ON_PSYCOPG
    assert contract.claims(session, Op.PIPELINE) == wanted
    assert (Capability.PIPELINE in client.driver.capabilities) == wanted


def test_a_moved_api_is_named_and_refused(monkeypatch):
    class Config:
        driver_type = type("Session", (), {"execute": 1, "select": 1})

        def __init__(self, connection_config: object) -> None: ...

    module = types.ModuleType("sqlspec.adapters.moved")
    module.Config = Config  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(DriverError) as raised:
        shared.config_class("moved", "Config")
    for lacking in ("Config(driver_features=…)", "Config.create_pool", "select_value"):
        assert lacking in str(raised.value)
    with pytest.raises(DriverError, match=r"no sqlspec\.adapters\.moved\.Gone"):
        shared.config_class("moved", "Gone")
    with pytest.raises(Unsupported, match="have no execute_stack"):
        shared.offered(Config.driver_type, "execute_stack")


# -- ops -------------------------------------------------------------------------------


@every_layer
def test_rows_make_the_round_trip(client, session, table):
    client.run(session, "execute_many", sql="insert into items values ($1, $2)", rows=ROWS)
    assert table() == list(ROWS)
    query = "select id, name from items where id >= $1 order by id"
    found = client.run(session, "fetch_all", sql=query, params=((2,),))
    assert session.rows(found) == [(2, "two"), (3, "three")]
    query = "select name from items where id = $1"
    row = client.run(session, "fetch_one", sql=query, params=((3,),))
    assert session.rows([row]) == [("three",)]
    assert client.run(session, "fetch_val", sql=query, params=((1,),)) == "one"
    assert client.run(session, "fetch_one", sql=query, params=((9,),)) is None
    client.run(session, "execute", sql="delete from items")
    assert table() == []


@every_layer
def test_an_op_is_printed_as_its_user_would_write_it(client, session):
    op = client.bind(session, "fetch_val", sql="select $1::int", params=((1,),))
    asynchronous = client.driver.kind == "async"
    source = op_source(op, session.connection, asynchronous=asynchronous)
    assert "connection.select_value(query, *params)" in source.text
    assert source.values == {"query": "select $1::int"}


@every_layer
def test_parameters_cycle_from_the_offset(client, session):
    op = client.bind(
        session, "fetch_val", sql="select $1::int", params=((1,), (2,), (3,)), offset=1
    )
    assert [client.wait(op()) for _ in range(4)] == [2, 3, 1, 2]


@every_layer
@pytest.mark.parametrize("op", ["sequential", "transaction", "savepoint"])
def test_statements_bring_their_rows(client, session, table, op):
    results = client.run(session, op, statements=STATEMENTS)
    assert _decoded(session, results) == DECODED
    assert table() == [(1, "one"), (2, "zwei")]


@pytest.mark.parametrize("client", ON_PSYCOPG, indirect=True)
def test_a_stack_brings_its_rows(client, session, table):
    results = client.run(session, "pipeline", statements=STATEMENTS)
    assert _decoded(session, results) == DECODED
    assert table() == [(1, "one"), (2, "zwei")]


@every_layer
def test_records_are_loaded(client, session, table):
    form = "text" if client.arm.driver in ON_PSYCOPG else "binary"
    where = {"table": "items", "columns": ("id", "name"), "types": ("int4", "text")}
    client.run(session, "copy_in", rows=ROWS, format=form, **where)
    assert table() == list(ROWS)
    with pytest.raises(Unsupported):
        client.bind(session, "copy_in", rows=ROWS, format="csv", **where)


@pytest.mark.parametrize("client", ON_PSYCOPG, indirect=True)
def test_bytes_are_copied_both_ways(client, session, table):
    client.run(session, "copy_in", table="items", data=b"1\tone\n", format="text")
    assert table() == [(1, "one")]
    query = "select * from items"
    assert client.run(session, "copy_out", sql=query, format="csv") == b"1,one\n"


@every_layer
def test_a_dict_is_jsonb_without_a_registration(client, session):
    document = {"a": [1, None, "ü"]}
    found = client.run(session, "fetch_val", sql="select $1::jsonb", params=((document,),))
    assert found == document


@pytest.mark.parametrize(("options", "told"), [("", None), ("+json", "NaN")])
def test_serializers_can_be_those_of_the_standard_library(target, options, told):
    client = Client(f"sqlspec-asyncpg{options}")
    session = client.open(target)
    value = {"a": float("nan")}
    call = {"sql": "select ($1::json)->>'a'", "params": ((value,),)}
    try:
        if told is None:
            assert client.run(session, "fetch_val", **call) is None
        else:
            assert told in client.error(session, "fetch_val", **call).message
    finally:
        client.close()


@every_layer
def test_a_pool_gives_sessions(client, target, table):
    pool = client.open_pool(target, 2)
    client.run(pool, "checkout")
    results = client.run(pool, "transaction", statements=STATEMENTS)
    assert _decoded(pool, results) == DECODED
    results = client.run(pool, "sequential", statements=STATEMENTS[1:2])
    assert _decoded(pool, results) == DECODED[1:2]
    client.run(pool, "execute", sql="delete from items where id = $1", params=((1,),))
    query = "select name from items where id = $1"
    assert pool.rows(client.run(pool, "fetch_all", sql=query, params=((2,),))) == [
        ("zwei",)
    ]
    assert client.run(pool, "fetch_one", sql=query, params=((1,),)) is None
    assert client.run(pool, "fetch_val", sql=query, params=((2,),)) == "zwei"
    assert table() == [(2, "zwei")]


@every_layer
def test_connections_are_opened_and_closed(client, target):
    arm = client.arm
    client.wait(client.driver.connect(target, arm.profile)())
    query = "select 41 + 1"
    bound = client.driver.connect_query(target, arm.profile, query)
    assert [client.wait(bound()) for _ in range(2)] == [42, 42]


# -- what goes wrong -------------------------------------------------------------------


@every_layer
def test_the_sqlstate_stands_on_the_cause(client, session, table):
    client.run(session, "execute_many", sql="insert into items values ($1, $2)", rows=ROWS)
    call = {"sql": "insert into items values ($1, $2)", "params": ((1, "again"),)}
    fields = client.error(session, "execute", **call)
    if client.arm.driver == "sqlspec-psqlpy":
        assert (fields.sqlstate, fields.on) == ("", "")
        return
    assert (fields.sqlstate, fields.on) == ("23505", "__cause__")
    assert (fields.constraint, fields.table) == ("items_pkey", "items")
    assert "items_pkey" in fields.message


@every_async_layer
def test_the_exception_of_a_cancelled_call_does_not_come_again(client, session, target):
    sleep = client.bind(session, "execute", sql="select pg_sleep(5)")

    async def cancelled() -> None:
        task = asyncio.ensure_future(sleep())
        await asyncio.sleep(0.1)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        client.wait(cancelled())
    fresh = client.open(target)
    values = ((decimal.Decimal("1.5"),), (decimal.Decimal(2),))
    op = client.bind(fresh, "fetch_val", sql="select $1::numeric", params=values)
    assert [client.wait(op()) for _ in range(3)] == [
        values[0][0],
        values[1][0],
        values[0][0],
    ]


@pytest.mark.parametrize("client", ["sqlspec-psqlpy"], indirect=True)
def test_a_panic_does_not_come_again(client, session, target):
    told = client.error(session, "fetch_val", sql="select 1e100::numeric")
    assert told.sqlstate == ""
    fresh = client.open(target)
    op = client.bind(fresh, "fetch_val", sql="select $1::int", params=((1,), (2,)))
    assert [client.wait(op()) for _ in range(3)] == [1, 2, 1]


@every_layer
def test_a_transaction_that_is_left_open_breaks_the_terms(client, session, control):
    client.wait(session.connection.begin())
    query = "select pg_backend_pid()"
    pid = client.run(session, "fetch_val", sql=query)
    found = control.execute(
        "select state, query from pg_stat_activity where pid = %s", [pid]
    ).fetchone()
    seen = activity.Activity(pid, *found)
    judged = activity.breach(seen, contract.terms_of(client.driver), query)
    assert (judged.verdict, judged.facts["term"]) == (Verdict.INVALID, "autocommit")
    client.wait(session.connection.rollback())


@pytest.mark.parametrize("client", ["sqlspec-psqlpy"], indirect=True)
def test_dml_that_is_rewritten_keeps_the_terms(client, session, table, control):
    pid = client.run(session, "fetch_val", sql="select pg_backend_pid()")
    statement = "insert into items values (1, 'one')"
    client.run(session, "execute", sql=statement)
    found = control.execute(
        "select state, query from pg_stat_activity where pid = %s", [pid]
    ).fetchone()
    seen = activity.Activity(pid, *found)
    assert "_sqlspec_affected" in seen.query
    terms = contract.terms_of(client.driver)
    assert activity.breach(seen, terms, statement).verdict is Verdict.EXACT
    del terms["rewrites"]
    assert activity.breach(seen, terms, statement).verdict is Verdict.INVALID
