"""Acts of SQLAlchemy: what the steps of cases ask of Core and of the ORM."""

from __future__ import annotations

import pytest
from clients import ROWS, needs_server, sessions_of

pytest.importorskip("sqlalchemy", reason="the extra `sqlalchemy` is not installed")

from harness.plugin import act_modules
from harness.worker.actor import dsn_of

BELOW = ("psycopg", "psycopg-async", "psycopg2", "asyncpg")
STACKS = [f"sqlalchemy-{kind}-{name}" for kind in ("core", "orm") for name in BELOW]

pytestmark = needs_server
every_stack = pytest.mark.parametrize("client", STACKS, indirect=True)
two_phase = pytest.mark.parametrize("client", [STACKS[0], STACKS[2]], indirect=True)


class Played:
    """The acts of a client, awaited where they have to be."""

    def __init__(self, client, target):
        self.client, self.dsn = client, dsn_of({"main": target})
        self.acts, _ = act_modules.load(*client.driver.acts)

    def __getattr__(self, name):
        act = self.acts[name]
        return lambda *given, **named: self.client.wait(act(*given, **named))


@pytest.fixture
def acts(client, target):
    return Played(client, target)


@pytest.fixture
def connection(acts):
    opened = acts.connect(acts.dsn)
    yield opened
    acts.close(opened)


@every_stack
def test_a_transaction_of_a_level(acts, connection, table):
    acts.begin(connection, isolation="repeatable_read", read_only=False)
    assert acts.fetch_val(connection, "show transaction_isolation") == "repeatable read"
    acts.execute(connection, "insert into items values (1, ':b')")
    assert table() == []
    acts.rollback(connection)
    acts.begin(connection)
    acts.execute(connection, "insert into items values (1, ':b')")
    acts.commit(connection)
    assert table() == [(1, ":b")]


@every_stack
def test_blocks_are_transactions_in_autocommit_too(acts, connection, table):
    outer, inner = "insert into items values (1, 'a')", "insert into items values (2, 'b')"
    with pytest.raises(ValueError, match="the block fails"):
        acts.block(connection, [outer], fails=True)
    assert table() == []
    acts.nested_block(connection, outer, inner, fails=True)
    assert table() == [(1, "a")]
    acts.execute(connection, inner)
    assert table() == [(1, "a"), (2, "b")]


@every_stack
def test_many_rows(acts, connection, table):
    acts.insert_many(connection, list(ROWS[:2]))
    assert table() == list(ROWS[:2])
    assert acts.insert_returning(connection, [(7, "x"), (5, "y")]) == [[(7,)], [(5,)]]


@every_stack
def test_a_stream_is_a_cursor_of_the_server(acts, connection):
    query = "select i from generate_series(1, 1000) i"
    acts.begin(connection)
    assert acts.cursor_count(connection, query, 100) == 1000
    cursor = acts.cursor_open(connection, query)
    assert acts.cursor_fetch(cursor, 2) == [(1,), (2,)]
    acts.cursor_close(cursor)
    with pytest.raises(NotImplementedError, match="only go forward"):
        acts.cursor_open(connection, query, scrollable=True)
    acts.rollback(connection)


@every_stack
def test_what_an_error_tells(acts, connection, table):
    told = acts.diagnose(connection, "insert into items values (1, 'a'), (1, 'b')")
    assert told["class"] == "sqlalchemy.exc.IntegrityError"
    assert (told["pep249"], told["sqlstate"], told["constraint"]) == (
        "IntegrityError",
        "23505",
        "items_pkey",
    )
    assert "already exists" in told["detail"]


@every_stack
def test_scripts_and_notices(client, acts, connection, table):
    acts.execute_script(
        connection, "insert into items values (1, 'a'); delete from items where id = 2"
    )
    assert table() == [(1, "a")]
    if "asyncpg" in client.arm.driver:
        assert "notices" not in acts.acts
        return
    query = "do $$ begin raise notice 'a: b'; end $$"
    assert acts.notices(connection, query) == ["NOTICE: a: b"]


@every_stack
def test_a_pool(acts, control):
    pool = acts.pool_open(acts.dsn, min_size=1, max_size=2, timeout=0.2)
    first, second = acts.pool_acquire(pool), acts.pool_acquire(pool)
    assert (acts.pool_size(pool), acts.pool_idle(pool)) == (2, 0)
    with pytest.raises(Exception, match="QueuePool limit"):
        acts.pool_acquire(pool)
    acts.pool_release(pool, first)
    acts.pool_release(pool, second)
    assert acts.pool_block(pool, "select 42") == 42
    assert acts.pool_idle(pool) == 1
    acts.pool_close(pool)
    with pytest.raises(NotImplementedError, match="has no max_idle"):
        acts.pool_open(acts.dsn, min_size=1, max_size=2, max_idle=1)


@every_stack
def test_close_ends_the_session(acts, target, control):
    opened = acts.connect(acts.dsn.replace("test-drivers", "acts-closing"))
    assert sessions_of(control, "acts-closing", 1) == 1
    acts.close(opened)
    assert sessions_of(control, "acts-closing", 0) == 0


@two_phase
def test_two_phases_of_one_connection(acts, connection, table, control):
    if control.execute("show max_prepared_transactions").fetchone() == ("0",):
        pytest.skip("max_prepared_transactions is 0 on this server")
    acts.tpc_begin(connection, "pgdyno-test")
    acts.execute(connection, "insert into items values (1, 'a')")
    acts.tpc_prepare(connection)
    acts.tpc_commit(connection)
    assert table() == [(1, "a")]
