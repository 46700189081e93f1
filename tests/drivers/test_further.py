"""Drivers that are asked when they are named play ops as the others do.

Django over psycopg2 has a process of its own (test_django.py): it and Django over psycopg
cannot be in one.
"""

from __future__ import annotations

import dataclasses

import pytest
from clients import ROWS, SESSION_OPS, STATEMENTS, needs_server

from harness.core.calls import ErrorFields, Op, Statement
from harness.plugin import contract

pytestmark = needs_server

PLAIN = {Op.EXECUTE, Op.FETCH_ALL, Op.FETCH_ONE, Op.FETCH_VAL, Op.SEQUENTIAL,
         Op.TRANSACTION, Op.SAVEPOINT}  # fmt: skip
OPS = {
    "pg8000": PLAIN | {Op.COPY_IN, Op.COPY_OUT},
    "django-psycopg": PLAIN | {Op.EXECUTE_MANY, Op.BATCH_HELPER},
    "pyro": PLAIN | {Op.EXECUTE_MANY, Op.PIPELINE},
    "pyro-async": PLAIN | {Op.EXECUTE_MANY, Op.PIPELINE},
    "aiopg": PLAIN,
}
POOLED = ("django-psycopg", "aiopg")
ARMS = [
    "pg8000",
    "pg8000+prepared",
    "django-psycopg",
    "django-psycopg+server-binding",
    "pyro",
    "pyro-async+uvloop",
    "aiopg",
]

further = pytest.mark.parametrize("client", ARMS, indirect=True)
pooled = pytest.mark.parametrize("client", POOLED, indirect=True)


def skip_without(client, op):
    if op not in OPS[client.arm.driver]:
        pytest.skip(f"{client.arm.driver} has no {op}")


# -- the contract ----------------------------------------------------------------------


@further
def test_terms_are_complete(client):
    terms = dataclasses.asdict(client.driver.terms())
    assert {name for name, text in terms.items() if not text} == {"rewrites"}


@further
def test_ops_are_claimed_by_methods(client, session):
    claimed = {op for op in SESSION_OPS if contract.claims(session, op)}
    assert claimed == OPS[client.arm.driver]
    assert hasattr(client.driver, "open_pool") == (client.arm.driver in POOLED)


@further
def test_settings_reach_the_session(client, target):
    settings = (("work_mem", "77MB"), ("search_path", "pg_catalog, public"))
    name = "a name; of two"
    there = dataclasses.replace(target, settings=settings, application_name=name)
    query = "select concat_ws('/', current_setting('work_mem'), " \
        "current_setting('search_path'), current_setting('application_name'))"  # fmt: skip
    told = client.run(client.open(there), "fetch_val", sql=query)
    assert told == f"77MB/pg_catalog, public/{name}"


@further
def test_binds_is_what_the_server_sees(client, session, control):
    query = "select $1::int as v, 'this one'::text as t"
    client.run(session, "fetch_all", sql=query, params=((4711,),))
    (seen,) = control.execute(
        "select query from pg_stat_activity "
        "where application_name = 'test-drivers' and query like '%%this one%%'"
    ).fetchone()
    binds = "client" if "4711" in seen else "server"
    assert binds == client.driver.terms().binds, seen


# -- statements ------------------------------------------------------------------------


@further
def test_fetching(client, session):
    query = "select $2::text as b, $1::int as a, $1::int + 1 as c, '5%' as d"
    native = client.run(session, "fetch_all", sql=query, params=((1, "x"),))
    assert list(session.rows(native)) == [("x", 1, 2, "5%")]
    plain = client.run(session, "fetch_all", sql="select '$1 %s %' as t -- $1")
    assert list(session.rows(plain)) == [("$1 %s %",)]
    row = client.run(session, "fetch_one", sql="select $1::int as a", params=((7,),))
    assert list(session.rows([row])) == [(7,)]
    assert client.run(session, "fetch_one", sql="select 1 where false") is None


@further
def test_calls_cycle_through_the_parameters(client, session):
    params = ((1,), (2,), (3,))
    op = client.bind(session, "fetch_val", sql="select $1::int", params=params, offset=1)
    assert [client.wait(op()) for _ in range(5)] == [2, 3, 1, 2, 3]


@further
def test_execute_is_committed(client, session, table):
    query = "insert into items (name, id) values ($2, $1)"
    op = client.bind(session, "execute", sql=query, params=ROWS)
    for _ in ROWS:
        client.wait(op())
    assert table() == list(ROWS)


@further
@pytest.mark.parametrize("op", ["execute_many", "batch_helper"])
def test_many_rows(client, session, table, op):
    skip_without(client, Op(op))
    query = "insert into items (name, id) values ($2, $1)"
    fields = {"sql": query, "table": "items", "columns": ("id", "name"), "rows": ROWS}
    client.run(session, op, **fields)
    assert table() == list(ROWS)


@further
@pytest.mark.parametrize("op", ["sequential", "pipeline", "transaction", "savepoint"])
def test_many_statements(client, session, table, op):
    skip_without(client, Op(op))
    results = client.run(session, op, statements=STATEMENTS)
    tables = [None if rows is None else list(session.rows(rows)) for rows in results]
    assert tables == [None, [("one", 1)], [(2,)], None, [(2,)]]
    assert table() == [(1, "one"), (2, "zwei")]


@further
@pytest.mark.parametrize("op", ["transaction", "savepoint"])
def test_a_failed_transaction_leaves_nothing(client, session, table, op):
    insert = Statement("insert into items values ($1, $2)", (1, "one"))
    fields = client.error(session, op, statements=(insert, insert))
    assert (fields.sqlstate, fields.constraint) == ("23505", "items_pkey")
    assert table() == []


# -- errors ----------------------------------------------------------------------------


PLACES = {"django-psycopg": "__cause__", "pyro": "str(error)", "pyro-async": "str(error)"}


@further
def test_a_unique_violation(client, session, table):
    op = {"sql": "insert into items values ($1, $2)", "params": ((1, "one"),)}
    client.run(session, "execute", **op)
    fields = client.error(session, "execute", **op)
    assert (fields.sqlstate, fields.constraint) == ("23505", "items_pkey")
    assert "duplicate key value" in fields.message
    assert fields.on == PLACES.get(client.arm.driver, "")


@further
def test_an_error_that_is_not_the_servers(client):
    assert client.driver.describe_error(KeyError("no")) == ErrorFields(message="'no'")


@further
def test_a_wrong_statement_fails_in_the_op(client, target):
    for op in ("execute", "fetch_all", "fetch_one", "fetch_val"):
        bound = client.bind(client.open(target), op, sql="select nothing from nowhere")
        with pytest.raises(Exception, match="nowhere"):
            client.wait(bound())


# -- pools -----------------------------------------------------------------------------


@pooled
def test_a_pool(client, target, table):
    pool = client.open_pool(target, 2)
    insert = "insert into items values ($1, $2)"
    client.run(pool, "execute", sql=insert, params=((9, "nine"),))
    client.run(pool, "transaction", statements=STATEMENTS)
    assert table() == [(1, "one"), (2, "zwei"), (9, "nine")]
    native = client.run(pool, "fetch_all", sql="select $1::int as a", params=((1,),))
    assert list(pool.rows(native)) == [(1,)]
    native = client.run(pool, "fetch_one", sql="select 1 as a")
    assert list(pool.rows([native])) == [(1,)]
    assert client.run(pool, "fetch_val", sql="select 5") == 5
    client.run(pool, "checkout")


@pooled
def test_statements_of_a_pool_one_after_another(client, target, table):
    pool = client.open_pool(target, 2)
    results = client.run(pool, "sequential", statements=STATEMENTS)
    tables = [None if rows is None else list(pool.rows(rows)) for rows in results]
    assert tables == [None, [("one", 1)], [(2,)], None, [(2,)]]
    wrong = (STATEMENTS[3], STATEMENTS[0])  # the first is kept: there is no transaction
    client.run(pool, "execute", sql="update items set name = 'two' where id = 2")
    assert client.error(pool, "sequential", statements=wrong).sqlstate == "23505"
    assert table() == [(1, "one"), (2, "zwei")]
