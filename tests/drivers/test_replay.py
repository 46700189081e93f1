"""Connections that answer from memory, on real drivers: the same answers, and no server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg
import psqlpy
import psycopg
import psycopg2
import pytest
from helpers import uri

from harness.plugin import replay, replay_native
from harness.plugin.replay import key_of

SQL = "select n, n::text as t from generate_series(1, {}) n order by n"


@pytest.fixture
def calls(place, control) -> Callable[[], int]:
    """How often a statement of these tests was answered by the server so far."""
    control.execute("drop sequence if exists replayed")
    control.execute("create sequence replayed")
    return lambda: control.execute(
        "select case when is_called then last_value else 0 end from replayed"
    ).fetchone()[0]


COUNTED = "select nextval('replayed')::int, {}::int"


@pytest.fixture(params=["psycopg", "psycopg2"])
def connection(request, place):
    library = {"psycopg": psycopg, "psycopg2": psycopg2}[request.param]
    real = library.connect(uri(place))
    real.autocommit = True
    yield replay.Connection(real)
    real.close()


def test_a_cursor_answers_the_same_again_and_asks_nobody(connection, calls):
    for _ in range(3):
        cursor = connection.cursor()
        cursor.execute(COUNTED.format("%s"), (7,))
        assert cursor.fetchall() == [(1, 7)]
        assert [column[0] for column in cursor.description] == ["nextval", "int4"]
        assert (cursor.rowcount, cursor.fetchone()) == (1, None)
        cursor.close()
    assert calls() == 1
    cursor = connection.cursor()
    cursor.execute(COUNTED.format("%s"), (8,))
    assert cursor.fetchall() == [(2, 8)]


def test_a_cursor_is_read_as_cursors_are(connection):
    cursor = connection.cursor()
    cursor.execute(SQL.format(5))
    assert cursor.fetchone() == (1, "1")
    assert cursor.fetchmany(2) == [(2, "2"), (3, "3")]
    assert list(cursor) == [(4, "4"), (5, "5")]
    assert cursor.fetchall() == []
    cursor.execute(SQL.format(5))
    rows = cursor.fetchall()
    rows.clear()  # what a user does to a list is not what comes next
    cursor.execute(SQL.format(5))
    assert len(cursor.fetchall()) == 5


def test_many_rows_are_written_once(connection, control):
    control.execute("drop table if exists replayed_rows")
    control.execute("create table replayed_rows (n int)")
    for _ in range(3):
        connection.cursor().executemany(
            "insert into replayed_rows values (%s)", [(1,), (2,)]
        )
    assert control.execute("select count(*) from replayed_rows").fetchone() == (2,)


def test_what_was_asked_is_committed_and_no_more(connection, control):
    connection.autocommit = False
    assert connection._real.autocommit is False
    control.execute("drop table if exists replayed_rows")
    control.execute("create table replayed_rows (n int)")
    for _ in range(3):
        connection.cursor().execute("insert into replayed_rows values (1)")
        connection.commit()
    assert control.execute("select count(*) from replayed_rows").fetchone() == (1,)


def test_an_error_is_the_drivers_own(connection):
    for _ in range(2):
        with pytest.raises((psycopg.Error, psycopg2.Error)):
            connection.cursor().execute("select 1/0")


def test_what_is_unknown_is_left_to_the_real_cursor(connection):
    cursor = connection.cursor()
    cursor.execute("select 1 as a")
    assert cursor.connection is connection
    told = getattr(cursor, "statusmessage", None) or cursor.statusmessage
    assert told == "SELECT 1"


def test_an_awaited_cursor(place, calls):
    async def play():
        real = await psycopg.AsyncConnection.connect(uri(place), autocommit=True)
        connection = replay.AsyncConnection(real)
        found = []
        for _ in range(3):
            async with connection.transaction(), connection.cursor() as cursor:
                await cursor.execute(COUNTED.format("%s"), (7,))
                found.append(await cursor.fetchall())
        cursor = await connection.execute(COUNTED.format("%s"), (7,))
        found.append([await cursor.fetchone()])
        await connection.close()
        return found, real.closed

    assert asyncio.run(play()) == ([[(1, 7)]] * 4, True)
    assert calls() == 1


def test_asyncpg_answers_from_memory(place, calls):
    async def play():
        real = await asyncpg.connect(uri(place))
        connection = replay_native.AsyncpgConnection(real)
        found = []
        for _ in range(3):
            async with connection.transaction():
                found += await connection.fetch(COUNTED.format("$1"), 7)
            prepared = await connection.prepare(COUNTED.format("$1"))
            found += await prepared.fetch(8)
            found.append(await connection.fetchval(COUNTED.format("$1"), 9))
            assert [a.name for a in prepared.get_attributes()] == ["nextval", "int4"]
            assert await connection.execute("select 1") == "SELECT 1"
        await connection.close()
        return found

    assert asyncio.run(play()) == [(1, 7), (2, 8), 3] * 3
    assert calls() == 3


def test_psqlpy_answers_from_memory(place, calls):
    async def play():
        pool = psqlpy.ConnectionPool(dsn=uri(place), max_db_pool_size=2)
        real = await pool.connection()
        connection = replay_native.PsqlpyConnection(real)
        found = []
        for _ in range(3):
            result = await connection.fetch(COUNTED.format("$1"), [7])
            found.append(result.result())
            found.append(await connection.fetch_val(COUNTED.format("$1"), [8]))
        real.close()
        pool.close()
        return found

    assert asyncio.run(play()) == [[{"nextval": 1, "int4": 7}], 2] * 3
    assert calls() == 2


class Jsonb:
    """As libraries' wrappers are: no two of them are equal."""

    def __init__(self, value: object) -> None:
        self.value = value


@pytest.mark.parametrize(
    "params",
    [(), None, (1, "a", None), {"a": 1}, ([1, 2],), ({"a": [1]},), (Jsonb({"a": 1}),)],
)
def test_the_same_parameters_are_found_again(params):
    import copy

    assert key_of("x", "s", params) == key_of("x", "s", copy.deepcopy(params))
    assert hash(key_of("x", "s", params))


@pytest.mark.parametrize(
    ("one", "other"),
    [((1,), (2,)), (([1],), ([2],)), ((Jsonb(1),), (Jsonb(2),)), (("1",), (1,))],
)
def test_other_parameters_are_not(one, other):
    assert key_of("x", "s", one) != key_of("x", "s", other)
