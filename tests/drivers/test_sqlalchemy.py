"""SQLAlchemy over psycopg, psycopg-async, psycopg2 and asyncpg: Core and the ORM."""

from __future__ import annotations

import dataclasses

import pytest
from clients import ROWS, STATEMENTS, Client, needs_server, sessions_of

pytest.importorskip("sqlalchemy", reason="the extra `sqlalchemy` is not installed")

from harness.core.calls import Statement
from harness.core.errors import Unsupported
from harness.drivers.sqlalchemy import models
from harness.drivers.sqlalchemy.statements import Typed, translated, type_of
from harness.plugin import act_modules
from harness.plugin import contract as drivers

BELOW = ("psycopg", "psycopg-async", "psycopg2", "asyncpg")
CORE = [f"sqlalchemy-core-{name}" for name in BELOW]
ORM = [f"sqlalchemy-orm-{name}" for name in BELOW]

pytestmark = needs_server
every_stack = pytest.mark.parametrize("client", CORE + ORM, indirect=True)
every_orm = pytest.mark.parametrize("client", ORM, indirect=True)


# -- what a stack says of itself -------------------------------------------------------


@every_stack
def test_the_terms_of_both_layers(client):
    terms = drivers.terms_of(client.driver)
    below = client.arm.driver.split("-", 2)[2]
    assert (terms["library"], terms["wraps"]) == ("sqlalchemy", below)
    assert terms["wrapped_library"] == below.removesuffix("-async")
    assert all(dataclasses.asdict(client.driver.terms()).values())
    assert terms["binds"] == terms["wrapped_binds"]


@every_stack
def test_its_acts_keep_the_vocabulary(client):
    acts, faults = act_modules.load(*client.driver.acts)
    assert faults == []
    assert {"connect", "close", "fetch_val", "begin", "block", "pool_open"} <= acts.keys()
    assert ("tpc_begin" in acts) == (client.arm.driver in (CORE[0], CORE[2]))


# -- statements ------------------------------------------------------------------------

COLONS = r"""select $1::int as a, ':b' as "c:d", '12:30'::time::text as e, E'\\:f' as g,
(array[1, 2, 3])[1:2] as h, '\:i' as j, 7 % 4 as k, '%s %(l)s' as m"""


@every_stack
def test_colons_and_percents_mean_what_they_say(client, session):
    (row,) = session.rows(client.run(session, "fetch_all", sql=COLONS, params=((5,),)))
    assert row == (5, ":b", "12:30:00", r"\:f", [1, 2], r"\:i", 3, "%s %(l)s")


@every_stack
def test_colons_without_parameters(client, session):
    query = "select ':b', '%', '1'::text"
    assert session.rows([client.run(session, "fetch_one", sql=query)]) == [(":b", "%", "1")]


@every_stack
def test_parameters_out_of_order_and_twice(client, session):
    query = "select $2::int, $1::int, $2::int"
    native = client.run(session, "fetch_one", sql=query, params=((1, 2),))
    assert session.rows([native]) == [(2, 1, 2)]


def test_what_text_would_leave_alone_is_escaped():
    assert translated("select $1::int, ':b'") == r"select :p1\:\:int, '\:b'"


@every_stack
def test_a_dict_is_typed_where_that_is_configured(client, session, target):
    query, documents = "select $1::jsonb as a", (({"b": [1, None]},), (None,))
    op = client.bind(session, "fetch_all", sql=query, params=documents)
    found = [session.rows(client.wait(op())) for _ in documents]
    assert found == [[({"b": [1, None]},)], [(None,)]]
    query_null = query.replace("$1::jsonb", "$1::jsonb is null")
    op = client.bind(session, "fetch_all", sql=query_null, params=documents)
    assert [session.rows(client.wait(op())) for _ in documents] == [[(False,)], [(True,)]]
    if client.arm.driver.endswith("-psycopg2"):
        return  # it registers its adapters for a whole process, in which others were before
    plain = client.wait(client.driver.open(target, "default"))
    op = client.bind(plain, "fetch_all", sql=query, params=documents)
    with pytest.raises(Exception, match=r"dict"):
        client.wait(op())
    client.wait(plain.close())


@every_stack
def test_an_explicit_type_is_the_wrapper(client, target):
    session = client.wait(client.driver.open(target, "default"))
    given = session.wrapper("jsonb", [1, "two"])
    assert given == Typed("jsonb", [1, "two"])
    query = "select $1::jsonb as a"
    native = client.run(session, "fetch_all", sql=query, params=((given,),))
    assert session.rows(native) == [([1, "two"],)]
    null = session.wrapper("jsonb", None)
    query = "select $1::jsonb is null, $1::text"
    native = client.run(session, "fetch_all", sql=query, params=((null,),))
    assert session.rows(native) == [(False, "null")]
    with pytest.raises(Unsupported, match="no type for 'nosuch'"):
        session.wrapper("nosuch", 1)
    client.wait(session.close())


def test_the_types_of_names():
    assert str(type_of("_int4").item_type) == "INTEGER"
    assert type_of("timestamptz").timezone
    assert type_of("nosuch") is None


# -- ops -------------------------------------------------------------------------------


@every_stack
def test_many_rows(client, session, table):
    insert = "insert into items values ($1, $2)"
    client.run(session, "execute_many", sql=insert, rows=ROWS)
    assert table() == list(ROWS)


@every_stack
def test_bulk_insert_by_the_table(client, session, table):
    fields = {"table": "public.items", "columns": ("id", "name"), "types": ("int4", "text")}
    client.run(session, "batch_helper", rows=ROWS, **fields)
    assert table() == list(ROWS)


@every_stack
def test_several_statements(client, session, table):
    for op in ("sequential", "transaction", "savepoint"):
        client.run(session, "execute", sql="delete from items")
        results = client.run(session, op, statements=STATEMENTS)
        rows = [None if one is None else session.rows(one) for one in results]
        assert rows == [None, [("one", 1)], [(2,)], None, [(2,)]], op
        assert table() == [(1, "one"), (2, "zwei")], op


@every_stack
def test_a_transaction_is_one(client, session, table):
    wrong = (*STATEMENTS, dataclasses.replace(STATEMENTS[0]))
    for op in ("transaction", "savepoint"):
        assert client.error(session, op, statements=wrong).sqlstate == "23505"
        assert table() == []


@every_stack
def test_its_sqlstate_is_on_orig(client, session, table):
    insert = "insert into items values (1, null)"
    fields = client.error(session, "execute", sql=insert)
    assert (fields.sqlstate, fields.on.partition(".")[0]) == ("23502", "orig")
    assert client.run(session, "fetch_val", sql="select 1") == 1


@pytest.mark.parametrize("client", [CORE[3], ORM[3]], indirect=True)
def test_constraint_and_table_of_an_error_of_asyncpg(client, session, table):
    insert = "insert into items values (1, 'a'), (1, 'b')"
    fields = client.error(session, "execute", sql=insert)
    assert (fields.sqlstate, fields.constraint, fields.table) == (
        "23505",
        "items_pkey",
        "items",
    )


@pytest.mark.parametrize("client", [CORE[3], ORM[3]], indirect=True)
def test_an_error_that_the_dialect_makes_itself(client, session, table, control):
    op = client.bind(session, "fetch_all", sql="select * from items")
    client.wait(op())
    control.execute("alter table items add column more int")
    with pytest.raises(Exception, match="cached statement plan") as raised:
        client.wait(op())
    assert client.driver.describe_error(raised.value).sqlstate == "0A000"


@every_stack
def test_rows_without_columns(client, session):
    if client.arm.driver == CORE[3] or client.arm.driver == ORM[3]:
        with pytest.raises(Exception, match="does not return rows"):
            client.run(session, "fetch_all", sql="select")
        return
    assert session.rows(client.run(session, "fetch_all", sql="select")) == [()]


@every_stack
def test_it_is_idle_after_an_op(client, target, control):
    name = f"stack {client.arm.id}"  # sessions of other stacks may be ending
    session = client.open(dataclasses.replace(target, application_name=name))
    for op in ("fetch_all", "fetch_one", "fetch_val", "execute"):
        client.run(session, op, sql="select 1 as id")
        query = "select state, query from pg_stat_activity where application_name = %s"
        (seen,) = control.execute(query, [name]).fetchall()
        assert seen == ("idle", "select 1 as id"), op


@every_stack
def test_close_ends_all_its_sessions(client, target, control):
    session = client.wait(
        client.driver.open(dataclasses.replace(target, application_name="gone"), "default")
    )
    client.run(session, "transaction", statements=STATEMENTS[4:])
    client.wait(session.close())
    assert sessions_of(control, "gone", 0) == 0


@every_stack
def test_a_pool_is_full_and_shared_by_transactions(client, target, control, table):
    pool = client.open_pool(dataclasses.replace(target, application_name="full"), 2)
    assert sessions_of(control, "full", 2) == 2
    client.run(pool, "checkout")
    for op in ("transaction", "sequential"):
        client.run(pool, "execute", sql="delete from items")
        results = client.run(pool, op, statements=STATEMENTS)
        rows = [None if native is None else pool.rows(native) for native in results]
        assert rows == [None, [("one", 1)], [(2,)], None, [(2,)]], op
        assert table() == [(1, "one"), (2, "zwei")], op
    query = "select 1 as id, $1::text as name"
    native = client.run(pool, "fetch_all", sql=query, params=(("a",),))
    assert pool.rows(native) == [(1, "a")]
    assert client.run(pool, "fetch_val", sql="select $1::int", params=((3,),)) == 3
    assert sessions_of(control, "full", 2) == 2


@pytest.fixture(scope="module")
def plain(control):
    """A database in which no extension was made."""
    control.execute("create database plain template template0")
    yield "plain"
    control.execute("drop database plain with (force)")


@every_stack
def test_a_database_without_pgvector_can_be_used(client, target, plain):
    there = dataclasses.replace(target, dbname=plain)
    session, pool = client.open(there), client.open_pool(there, 2)
    for opened in (session, pool):
        client.run(opened, "transaction", statements=(Statement("select 1 as n", ()),))
        assert client.run(opened, "fetch_val", sql="select 7") == 7
        assert not opened.unregistered


# -- the ORM ---------------------------------------------------------------------------


@every_orm
def test_rows_with_a_key_are_entities(client, session, table, control):
    control.execute("insert into items values (1, 'one'), (2, 'two')")
    query = "select id, name from items where id <= $1 order by id"
    op = client.bind(session, "fetch_all", sql=query, params=((2,),))
    first = client.wait(op())
    assert all(isinstance(row[0], models.Entity) for row in first)
    assert session.rows(first) == [(1, "one"), (2, "two")]
    control.execute("update items set name = 'eins' where id = 1")
    again = client.wait(op())
    assert session.rows(again) == [(1, "eins"), (2, "two")]
    assert again[0][0] is not first[0][0]


@every_orm
def test_other_rows_are_rows(client, session):
    for query in ("select 1 as a, 2 as b", "select 1 as id, 2 as id", "show port"):
        native = client.run(session, "fetch_all", sql=query)
        assert not isinstance(native[0][0], models.Entity)


@every_orm
def test_asking_for_columns_runs_nothing(client, session, control):
    control.execute("drop sequence if exists counted")
    control.execute("create sequence counted")
    query = "select 1 as id, nextval('counted') as n"
    assert session.rows(client.run(session, "fetch_all", sql=query)) == [(1, 1)]


@every_orm
def test_an_entity_has_typed_columns(client, session):
    query = "select 1 as id, $1::jsonb as a, '[1,3)'::int4range as b, '\\x00'::bytea as c"
    native = client.run(session, "fetch_one", sql=query, params=(({"d": 1},),))
    (row,) = session.rows([native])
    assert row[1] == {"d": 1}
    assert (row[2].lower, row[2].upper, type(row[2]).__module__.partition(".")[0]) == (
        1,
        3,
        "sqlalchemy",
    )
    assert row[3] == b"\0"


def test_what_writes_is_not_described():
    for query, wanted in [
        ("select 1", True),
        ("-- why\nwith a as (select 1) select * from a", True),
        ("with a as (insert into b values (1) returning c) select * from a", False),
        ("update a set b = 1 returning c", False),
        ("show port", False),
        ("", False),
    ]:
        assert models.can_be_described(models.text(query)) == wanted, query


# -- another library below -------------------------------------------------------------


@pytest.mark.parametrize("name", [CORE[2], ORM[2]])
def test_an_engine_can_be_made_in_another_way(name, target):
    import psycopg2
    from sqlalchemy import create_engine

    plugin = type(Client(name).driver)
    calls = []

    class Other(plugin):
        def engine(self, target, **options):
            def creator():
                calls.append(1)
                return psycopg2.connect(
                    host=target.host, port=target.port, user=target.user,
                    password=target.password, dbname=target.dbname,
                )  # fmt: skip

            return create_engine(
                "postgresql+psycopg2://", module=psycopg2, creator=creator, **options
            )

    client = Client(name)
    client.driver = Other(frozenset())
    session = client.open(target)
    assert client.run(session, "fetch_val", sql="select 41 + 1") == 42
    assert calls == [1]
    client.close()
