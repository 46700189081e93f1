"""Every driver plays one statement and many, and tells errors."""

from __future__ import annotations

import pytest
from clients import ROWS, STATEMENTS, every_driver, needs_server, skip_without

from harness.core.calls import ErrorFields, Op, Statement

pytestmark = needs_server


# -- one statement ---------------------------------------------------------------------


@every_driver
def test_fetch_all(client, session):
    query = "select $2::text as b, $1::int as a, $1::int + 1 as c, '5%' as d"
    native = client.run(session, "fetch_all", sql=query, params=((1, "x"),))
    assert list(session.rows(native)) == [("x", 1, 2, "5%")]


@every_driver
def test_fetch_all_without_parameters(client, session):
    query = "select i, '$1 %s %' as t from generate_series(1, 3) i -- $1"
    native = client.run(session, "fetch_all", sql=query)
    assert list(session.rows(native)) == [(i, "$1 %s %") for i in (1, 2, 3)]


@every_driver
def test_fetch_all_of_nothing(client, session):
    native = client.run(session, "fetch_all", sql="select 1 as a where false")
    assert list(session.rows(native)) == []


@every_driver
def test_fetch_one(client, session):
    native = client.run(session, "fetch_one", sql="select $1::int as a", params=((7,),))
    assert list(session.rows([native])) == [(7,)]


@every_driver
def test_fetch_one_without_a_row(client, session):
    query = "select 1 where false"
    if client.arm.driver == "psqlpy":
        fields = client.error(session, "fetch_one", sql=query)
        assert "unexpected number of rows" in fields.message
    else:
        assert client.run(session, "fetch_one", sql=query) is None


@every_driver
def test_calls_cycle_through_the_parameters(client, session):
    params = ((1,), (2,), (3,))
    query = "select $1::int"
    op = client.bind(session, "fetch_val", sql=query, params=params, offset=1)
    assert [client.wait(op()) for _ in range(5)] == [2, 3, 1, 2, 3]


@every_driver
def test_execute_is_committed(client, session, table):
    query = "insert into items (name, id) values ($2, $1)"
    op = client.bind(session, "execute", sql=query, params=ROWS)
    for _ in ROWS:
        client.wait(op())
    assert table() == list(ROWS)
    client.run(session, "execute", sql="delete from items where id > 1")
    assert table() == [(1, "one")]


@every_driver
def test_execute_many(client, session, table):
    query = "insert into items (name, id) values ($2, $1)"
    op = client.bind(session, "execute_many", sql=query, rows=ROWS)
    client.wait(op())
    assert table() == list(ROWS)
    client.run(session, "execute", sql="truncate items")
    client.wait(op())
    assert table() == list(ROWS)


@every_driver
def test_batch_helper(client, session, table):
    skip_without(client, Op.BATCH_HELPER)
    rows = tuple((i, f"{i}%") for i in range(250))
    client.run(session, "batch_helper", table="items", columns=("id", "name"), rows=rows)
    assert table() == list(rows)


# -- many statements -------------------------------------------------------------------

MANY = ["sequential", "pipeline", "transaction", "savepoint"]


@every_driver
@pytest.mark.parametrize("op", MANY)
def test_many_statements(client, session, table, op):
    skip_without(client, Op(op))
    results = client.run(session, op, statements=STATEMENTS)
    tables = [None if one is None else list(session.rows(one)) for one in results]
    assert tables == [None, [("one", 1)], [(2,)], None, [(2,)]]
    assert table() == [(1, "one"), (2, "zwei")]


@every_driver
@pytest.mark.parametrize("op", ["transaction", "savepoint"])
def test_a_failed_transaction_leaves_nothing(client, session, table, op):
    insert = Statement("insert into items values ($1, $2)", (1, "one"))
    fields = client.error(session, op, statements=(insert, insert))
    assert fields.constraint == "items_pkey"
    assert table() == []
    assert client.run(session, "fetch_val", sql="select 1") == 1


# -- errors ----------------------------------------------------------------------------


@every_driver
def test_a_unique_violation(client, session, table):
    query = "insert into items values ($1, $2)"
    op = {"sql": query, "params": ((1, "one"),)}
    client.run(session, "execute", **op)
    fields = client.error(session, "execute", **op)
    assert "duplicate key value" in fields.message
    assert "\n" not in fields.message
    assert fields.constraint == "items_pkey"
    if client.arm.driver == "psqlpy":  # it exposes no more than the message
        assert (fields.sqlstate, fields.table) == ("", "")
    else:
        assert (fields.sqlstate, fields.table) == ("23505", "items")
    assert client.run(session, "fetch_val", sql="select 1") == 1


@every_driver
def test_a_null_where_none_may_be(client, session, table):
    query = "insert into items values ($1, $2)"
    fields = client.error(session, "execute", sql=query, params=((1, None),))
    assert (fields.table, fields.column) == ("items", "name")


@every_driver
def test_an_error_that_is_not_the_servers(client):
    fields = client.driver.describe_error(KeyError("oops"))
    assert fields == ErrorFields(message="'oops'")


@every_driver
def test_a_wrong_statement_fails_in_the_op(client, session):
    for op in ("execute", "fetch_all", "fetch_one", "fetch_val"):
        fields = client.error(session, op, sql="select nothing from nowhere")
        assert "nowhere" in fields.message
        assert fields.sqlstate == ("" if client.arm.driver == "psqlpy" else "42P01")
