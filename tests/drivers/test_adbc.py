"""adbc: rows and Arrow tables, what it copies, its transactions and errors."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from clients import ROWS, STATEMENTS, needs_server

from harness.core.calls import ErrorFields, Op
from harness.core.errors import Unsupported
from harness.plugin import contract as drivers

pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("adbc_driver_postgresql")
pytestmark = [needs_server, pytest.mark.parametrize("client", ["adbc"], indirect=True)]

OPS = {
    Op.EXECUTE,
    Op.FETCH_ALL,
    Op.FETCH_ONE,
    Op.FETCH_VAL,
    Op.FETCH_ARROW,
    Op.EXECUTE_MANY,
    Op.SEQUENTIAL,
    Op.TRANSACTION,
    Op.SAVEPOINT,
    Op.COPY_IN,
}


def test_ops_and_terms(client, session):
    assert {op for op in Op if drivers.claims(session, op)} == OPS
    terms = drivers.terms_of(client.driver)
    assert all(terms.values())
    assert "COPY" in terms["rewrites"]


def test_it_is_asked_only_when_it_is_named(client):
    assert "adbc" not in drivers.usual()
    assert "adbc" in drivers.entry_points()


def test_settings_travel_as_startup_options(client, target):
    settings = (("search_path", "pg_catalog, public"), ("TimeZone", "Asia/Tokyo"))
    session = client.open(dataclasses.replace(target, settings=settings))
    for name, value in (*settings, ("application_name", "test-drivers")):
        query = f"select reset_val from pg_settings where name = '{name}'"
        assert client.run(session, "fetch_val", sql=query) == value


def test_reads(client, session):
    query, params = "select $2::text as t, $1::int as i", ((1, "x"), (2, None))
    fetch = client.bind(session, "fetch_all", sql=query, params=params)
    assert [session.rows(fetch()) for _ in range(3)] == [
        [("x", 1)],
        [(None, 2)],
        [("x", 1)],
    ]
    assert client.run(session, "fetch_one", sql="select 1 where false") is None
    assert client.run(session, "fetch_one", sql="select 1, 'a'") == (1, "a")
    assert client.run(session, "fetch_val", sql="select 7") == 7
    assert client.run(session, "execute", sql="select 7") is None


def test_an_arrow_table(client, session):
    query = "select i::int4 as id, $1::float4 as share from generate_series(1, 3) i"
    table = client.run(session, "fetch_arrow", sql=query, params=((0.5,),))
    assert table.schema.names == ["id", "share"]
    assert table.schema.types == [pyarrow.int32(), pyarrow.float32()]
    assert table.to_pydict() == {"id": [1, 2, 3], "share": [0.5] * 3}
    empty = client.run(session, "fetch_arrow", sql="select 1::int2 as v where false")
    assert (empty.schema.types, empty.num_rows) == ([pyarrow.int16()], 0)


def test_writes(client, session, table):
    insert = "insert into items values ($1, $2)"
    client.run(session, "execute_many", sql=insert, rows=ROWS)
    assert table() == list(ROWS)
    assert client.error(
        session, "execute", sql=insert, params=((1, "again"),)
    ) == ErrorFields(
        sqlstate="23505",
        message='duplicate key value violates unique constraint "items_pkey"',
        constraint="items_pkey",
        table="items",
    )


@pytest.mark.parametrize("op", ["sequential", "transaction", "savepoint"])
def test_statements(client, session, table, op):
    results = client.run(session, op, statements=STATEMENTS)
    shown = [None if one is None else session.rows(one) for one in results]
    assert shown == [None, [("one", 1)], [(2,)], None, [(2,)]]
    assert table() == [(1, "one"), (2, "zwei")]


@pytest.mark.parametrize("op", ["transaction", "savepoint"])
def test_a_transaction_that_fails_leaves_nothing(client, session, table, op):
    fields = client.error(session, op, statements=(*STATEMENTS, STATEMENTS[0]))
    assert fields.sqlstate == "23505"
    assert table() == []
    client.run(session, "execute", sql="insert into items values (9, 'in autocommit')")
    assert table() == [(9, "in autocommit")]


@pytest.mark.parametrize("name", ["items", "public.items"])
def test_copy_in_of_rows(client, session, table, name):
    fields = {"table": name, "columns": ("id", "name"), "types": ("int4", "text")}
    copy = client.bind(session, "copy_in", rows=ROWS, format="binary", **fields)
    copy()
    assert table() == list(ROWS)
    client.run(session, "copy_in", rows=(), format="binary", **fields)
    assert table() == list(ROWS)


def test_copy_in_of_types(client, session, control):
    control.execute("drop table if exists typed")
    control.execute(
        "create table typed (a int2, b int4[], c float4, d timestamptz, e int8)"
    )
    at = datetime(2024, 2, 29, 12, 0, 0, 123456, UTC)
    client.run(
        session,
        "copy_in",
        table="typed",
        columns=("a", "b", "c", "d", "e"),
        types=("int2", "_int4", "float4", "timestamptz", "int8"),
        rows=((1, [1, None], 0.5, at, None), (None, None, None, None, None)),
        format="binary",
    )
    rows = control.execute("select * from typed order by a").fetchall()
    assert rows == [(1, [1, None], 0.5, at, None), (None,) * 5]


@pytest.mark.parametrize(
    "fields",
    [
        {"data": b"1\tone\n"},
        {"rows": ROWS, "format": "text"},
        {"rows": ROWS, "format": "csv"},
    ],
)
def test_what_it_cannot_copy(client, session, fields):
    with pytest.raises(Unsupported):
        client.bind(session, "copy_in", table="items", columns=("id", "name"), **fields)


def test_connecting(client, target):
    client.driver.connect(target, "default")()
    assert client.driver.connect_query(target, "default", "select 42")() == 42
    wrong = dataclasses.replace(target, password="w:r?o&n g/")
    with pytest.raises(Exception, match="password authentication failed") as raised:
        client.driver.connect(wrong, "default")()
    assert "w:r?o&n g/" not in str(raised.value)


def test_a_parameter_with_a_time_zone_leaves_a_transaction_open(client, session, table):
    """Why `insert-value-timestamptz` is lossy: the library's own, so that we hear of its
    end."""
    query = "insert into items values (1, $1::timestamptz::text) returning id"
    fields = {"sql": query, "params": ((datetime(2024, 2, 29, tzinfo=UTC),),)}
    assert client.run(session, "fetch_val", **fields) == 1
    assert table() == []
    client.run(session, "execute", sql="commit")
    assert len(table()) == 1


# --- acts -----------------------------------------------------------------------------


def test_transactions_by_acts(client, session, table):
    from harness.drivers.adbc.acts import statements, transactions

    connection = session.connection
    transactions.begin(connection)
    statements.execute(connection, "insert into items values (1, 'one')")
    assert transactions.transaction_status(connection) == "in transaction"
    transactions.rollback(connection)
    statements.execute(connection, "insert into items values (2, 'two')")
    transactions.commit(connection)
    assert transactions.transaction_status(connection) == "idle"
    transactions.set_autocommit(connection, True)
    assert table() == [(2, "two")]
    with pytest.raises(NotImplementedError):
        transactions.begin(connection, isolation="serializable")


def test_an_error_that_comes_with_the_rows_is_diagnosed(client, session):
    from harness.drivers.adbc.acts import statements

    told = statements.diagnose(
        session.connection, "select 1 / (5 - i) from generate_series(1, 9) i"
    )
    assert told["sqlstate"] == "22012"
    assert told["pep249"] == "DataError"
    assert told["message"] == "division by zero"
    assert statements.diagnose(session.connection, "select 1") == {}


def test_arrow_into_a_table_by_acts(client, session, table):
    from harness.drivers.adbc.acts import arrow

    arrow.copy_arrow(session.connection, "items", 3)
    assert table() == [(0, "name 0"), (1, "name 1"), (2, "name 2")]
    arrow.copy_in_rows(session.connection, "items", [(7, "seven")])
    assert table()[-1] == (7, "seven")
    with pytest.raises(Exception, match="in the middle"):
        arrow.copy_abandoned(session.connection, "items")
    assert len(table()) == 4
