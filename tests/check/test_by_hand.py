"""Forty cells, drawn at random, each asked again by hand in plain code of its library.

Nothing of pgdyno plays here but the address of the tests' server. Each function below asks
the driver what the cell asks, on a plain connection, as the library's documentation shows.
It states the facts (value and type, or the exception's class and SQLSTATE, what a second
plain connection sees afterwards), and from them a verdict follows by the rules of
docs/results-format.md. It must be the one that a check of the whole catalogue gave.

Of the registrations of `configured` those are made that the cell's types could notice.

The draw: all checks of one run (PostgreSQL 18.4) that are not skipped, unsupported or
invalid, in the order of its file; one `random.Random(20261121)`; first a `sample` of 40 of
those that are exact, then one of those that are not. Of each the first 20 that need no rig;
none took 5 seconds. Left out are pool/pgbouncer#reconnected (psqlpy), which was exact, and
pool/pgbouncer#moved (psycopg-async), which was rejected.

    exact     psycopg configured    types/network#inet-write@value=192.168.1.5/24
    exact     psqlpy default        execution/concurrent#two-selects
    exact     psycopg2 default      transactions/failed#commit-sql
    exact     asyncpg configured    query/parameters#echo
    exact     psycopg-async default parameters/strictness#int-to-text-column
    exact     psycopg2 configured   pgvector/operators#l1
    exact     asyncpg default       adk/reads#state-path
    exact     psycopg configured    types/network#macaddr-read@value=08:00:2b:01:02:03
    exact     psycopg2 configured   types/numbers#int8-read@value=0
    exact     asyncpg default       transactions/isolation#level@level=read_uncommitted
    exact     psycopg-async default connections/options#options
    exact     psycopg configured    types/json#json-object-write@value=object
    exact     psycopg2 default      types/dates#time-write@value=23:59:59.999999
    exact     psycopg2 default      types/text#text-write@value=empty
    exact     asyncpg default       transactions/isolation#default-level-of-session
    exact     psqlpy default        pool/broken#out
    exact     psycopg2 configured   types/composites#domain-text-read@value=unicode
    exact     psycopg configured    types/ranges#daterange-read@value=closed-open
    exact     asyncpg default       types/other#regclass-read@value=pg_class
    exact     psycopg2 default      connections/terminated#idle-closed-before
    lossy     psycopg default       parameters/styles#identifier-nul
    rejected  asyncpg default       types/arrays#list-of-tuples
    rejected  psycopg default       types/vectors#numpy
    rejected  psqlpy default        types/network#cidr-copy@value=10.0.0.0/8
    rejected  psycopg2 default      types/json#jsonb-object-write@value=integer-2-to-70
    rejected  asyncpg default       transactions/timeouts#transaction-timeout
    differs   psycopg configured    types/other#int2vector-read@value=1_2
    rejected  psycopg2 default      types/vectors#vector-array-write@value=small
    rejected  psycopg default       adk/writes#create-session-cast@form=dict
    rejected  psqlpy configured     types/numbers#float8-array-null@value=NaN
    rejected  psqlpy default        transactions/failed#commit-sql
    rejected  psqlpy default        types/other#tsvector-write@value=two
    rejected  psqlpy configured     types/ranges#int8range-text-write@value=closed-open
    differs   psycopg2 default      types/network#inet-read@value=2001:db8::5/64
    lossy     psqlpy default        types/timezones#naive-into-timestamptz
    rejected  psycopg2 default      types/network#inet-write@value=2001:db8::5/64
    rejected  psycopg default       pgvector/operators#inner-product-numpy
    rejected  psycopg2 default      types/numbers#int2-write@value=-32768
    differs   psycopg2 default      types/network#uuid-read@value=00000000-0000-0000-0000-000000000000
    rejected  psqlpy configured     types/dates#date-read@value=0044-03-15_BC
"""  # noqa: E501

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import re
import time
import tomllib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any, cast

import pgvector.asyncpg
import pgvector.psycopg
import pgvector.psycopg2
import psycopg
import psycopg2
import psycopg2.errors
import psycopg2.extensions
import psycopg2.extras
import pytest
from psycopg import sql
from psycopg.types.json import JsonbDumper
from psycopg.types.range import Range

asyncpg = pytest.importorskip("asyncpg")
numpy = pytest.importorskip("numpy")
psqlpy = pytest.importorskip("psqlpy")

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SCHEMA = "pgdyno_by_hand"


@pytest.fixture(autouse=True)
def plain_psycopg2(monkeypatch: pytest.MonkeyPatch) -> None:
    """psycopg2's adapters are global to the process: what other tests made of them goes."""
    here = psycopg2.extensions.adapters
    for kind, protocol in list(here):
        if kind.__module__ in ("uuid", "ipaddress") or kind is dict:
            monkeypatch.delitem(here, (kind, protocol))


def libpq(target: Any, options: str = "") -> dict[str, Any]:
    """The arguments of `connect` of psycopg and psycopg2."""
    return {
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "password": target.password,
        "dbname": target.dbname,
        "options": f"-c search_path={SCHEMA},public -c TimeZone=UTC {options}",
    }


class Here:
    """The server, a schema of the test's own, and a second plain connection to both."""

    def __init__(self, target: Any, second: psycopg.Connection[Any]) -> None:
        self.target = target
        self.second = second

    def told(self, query: str) -> Any:
        """What the server itself says: the first value of a query without parameters."""
        row = self.second.execute(cast("Any", query)).fetchone()
        return row[0] if row else None

    def fixture(self, scenario: str) -> None:
        """The tables of a scenario's file."""
        text = (SCENARIOS / f"{scenario}.toml").read_text(encoding="utf-8")
        self.second.execute(tomllib.loads(text)["fixture"]["sql"])

    def until(self, query: str) -> None:
        """Wait until the server says yes."""
        end = time.monotonic() + 60
        while not self.told(query):
            assert time.monotonic() < end, query
            time.sleep(0.01)

    def terminate(self, pid: int) -> None:
        """End a session, and wait until it is gone."""
        assert self.told(f"select pg_terminate_backend({pid})") is True
        self.until(f"select count(*) = 0 from pg_stat_activity where pid = {pid}")
        time.sleep(0.1)

    def libpq(self, options: str = "") -> dict[str, Any]:
        return libpq(self.target, options)

    @contextlib.contextmanager
    def psycopg(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(**self.libpq(), autocommit=True) as connection:
            yield connection

    @contextlib.contextmanager
    def psycopg2(self) -> Iterator[Any]:
        """A cursor; its `connection` is in autocommit."""
        with contextlib.closing(psycopg2.connect(**self.libpq())) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor

    @contextlib.asynccontextmanager
    async def asyncpg(self, **settings: str) -> AsyncIterator[Any]:
        target = self.target
        connection = await asyncpg.connect(
            host=target.host,
            port=target.port,
            user=target.user,
            password=target.password,
            database=target.dbname,
            server_settings={
                "search_path": f"{SCHEMA},public",
                "TimeZone": "UTC",
                **settings,
            },
        )
        try:
            yield connection
        finally:
            await connection.close(timeout=60)

    def psqlpy_arguments(self, options: str = "") -> dict[str, Any]:
        target = self.target
        return {
            "host": target.host,
            "port": target.port,
            "username": target.user,
            "password": target.password,
            "db_name": target.dbname,
            "options": f"-c search_path={SCHEMA},public {options or '-c TimeZone=UTC'}",
        }

    @contextlib.asynccontextmanager
    async def psqlpy(self, options: str = "") -> AsyncIterator[Any]:
        connection = await psqlpy.connect(**self.psqlpy_arguments(options))
        try:
            yield connection
        finally:
            connection.close()


@pytest.fixture
def here(place: Any) -> Iterator[Here]:
    target = place.server.target
    with psycopg.connect(**libpq(target), autocommit=True) as second:
        second.execute(f"drop schema if exists {SCHEMA} cascade")
        second.execute(f"create schema {SCHEMA}")
        yield Here(target, second)
        second.execute(f"drop schema {SCHEMA} cascade")


Ask = Callable[[Here], str | Awaitable[str]]
CELLS: list[Any] = []


def cell(driver: str, profile: str, verdict: str, name: str) -> Callable[[Ask], Ask]:
    """Enter a function into the table, with the verdict of the run."""

    def enter(ask: Ask) -> Ask:
        CELLS.append(pytest.param(name, verdict, ask, id=f"{driver}-{profile}-{name}"))
        return ask

    return enter


def judged(came: object, right: object, *, usual: bool = True) -> str:
    """The verdict on something that came, beside what the server says."""
    if came != right:
        return "lossy"
    return "exact" if usual else "differs"


def refused(
    error: BaseException, kind: type[BaseException], sqlstate: str | None, says: str
) -> str:
    """The verdict on an error where none should be, or another one."""
    assert type(error) is kind
    assert getattr(error, "sqlstate", None) == sqlstate
    assert says in str(error)
    return "rejected"


async def caught(work: Awaitable[object]) -> BaseException:
    """What an awaited call raises; a panic of a Rust extension is no Exception."""
    try:
        value = await work
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        return error
    raise AssertionError(f"no error, but {value!r}")


# ------------------------------------------------------------------------- exact


@cell("psycopg", "configured", "exact", "types/network#inet-write@value=192.168.1.5/24")
def inet_write_psycopg(here: Here) -> str:
    with here.psycopg() as connection:
        value = ipaddress.ip_interface("192.168.1.5/24")
        row = connection.execute("select %s::inet::text", [value]).fetchone()
    assert row == ("192.168.1.5/24",)
    return judged(row[0], here.told("select '192.168.1.5/24'::inet::text"))


@cell("psqlpy", "default", "exact", "execution/concurrent#two-selects")
async def two_selects_psqlpy(here: Here) -> str:
    async with here.psqlpy() as connection:
        slow, fast = await asyncio.gather(
            connection.fetch("select 'slow' as a, pg_sleep(0.3)::text as b"),
            connection.fetch("select 'fast' as a"),
        )
        after = await connection.fetch_val("select 42")
    assert fast.result() == [{"a": "fast"}]  # the fact that is recorded
    assert after == 42
    void = here.told("select pg_sleep(0)::text")
    return judged(slow.result(), [{"a": "slow", "b": void}])


@cell("psycopg2", "default", "exact", "transactions/failed#commit-sql")
def commit_sql_psycopg2(here: Here) -> str:
    here.fixture("transactions/failed")
    with here.psycopg2() as cursor:
        cursor.connection.autocommit = False  # the next statement begins a transaction
        cursor.execute("insert into items values (1, 'a')")
        with pytest.raises(psycopg2.errors.DivisionByZero) as division:
            cursor.execute("select 1/0")
        assert division.value.pgcode == "22012"
        came = cursor.execute("commit")  # the fact that is recorded: no error
        assert cursor.statusmessage == "ROLLBACK"
        kept = here.told("select count(*) from items")
        cursor.execute("select 42")
        assert cursor.fetchone() == (42,)
    assert came is None
    return judged(kept, 0)


@cell("asyncpg", "configured", "exact", "query/parameters#echo")
async def echo_asyncpg(here: Here) -> str:
    columns = ("int8", "text", "float8", "bool", "date", "timestamptz") * 3
    text = ", ".join(f"${n}::{name} c{n}" for n, name in enumerate(columns, 1))
    async with here.asyncpg() as connection:
        if here.told("select count(*) from pg_extension where extname = 'vector'"):
            await pgvector.asyncpg.register_vector(connection)
        for i in range(1, 13):
            sent = eighteen(i)
            came = tuple(await connection.fetchrow("select " + text, *sent))
            assert came == sent
            assert [type(a) for a in came] == [type(b) for b in sent]
            assert came == read_from_text(here, i)
    return "exact"


def eighteen(i: int) -> tuple[object, ...]:
    """The parameters, as the scenario's query makes them."""
    return (
        *(i, f"text {i}", i + 0.5, i % 2 == 0, date(2024, 1, 1) + timedelta(i)),
        datetime(2024, 1, 1, 12, tzinfo=UTC) + timedelta(hours=i),
        *(-i, "x" * i, i / 4, i % 3 == 0, date(1999, 12, 31) - timedelta(i)),
        datetime(1969, 12, 31, 23, 59, 59, 123456, UTC) - timedelta(i),
        *(i * 10**10, f"é 漢 🙂 {i}", i * 1e10, True, date(2100, 2, 28) + timedelta(i)),
        datetime(2100, 1, 1, 0, 0, 0, 1, UTC) + timedelta(seconds=i),
    )


def read_from_text(here: Here, i: int) -> tuple[object, ...]:
    """The same from the server's own text of the scenario's query."""
    text = (SCENARIOS / "query/parameters.toml").read_text(encoding="utf-8")
    case = next(c for c in tomllib.loads(text)["case"] if c["name"] == "echo")
    names = ", ".join(f"p{n}" for n in range(1, 19))
    row = here.second.execute(
        f"with p({names}) as ({case['params']}) select "
        + ", ".join(f"p{n}::text" for n in range(1, 19))
        + f" from p where p1 = {i}"
    ).fetchone()
    assert row is not None
    readers: tuple[Callable[[str], object], ...] = (
        *(int, str, float, "true".__eq__, date.fromisoformat, datetime.fromisoformat),
    )
    return tuple(read(value) for read, value in zip(readers * 3, row, strict=True))


@cell("psycopg-async", "default", "exact", "parameters/strictness#int-to-text-column")
async def int_to_text_psycopg_async(here: Here) -> str:
    connection = await psycopg.AsyncConnection.connect(**here.libpq(), autocommit=True)
    async with connection:
        cursor = await connection.execute("select 'a' || %s as v", [7])
        row = await cursor.fetchone()
    assert row == ("a7",)  # the fact that is recorded
    assert type(row[0]) is str
    return "exact"


@cell("psycopg2", "configured", "exact", "pgvector/operators#l1")
def l1_psycopg2(here: Here) -> str:
    needs_vector(here)
    here.fixture("pgvector/operators")
    with here.psycopg2() as cursor:
        pgvector.psycopg2.register_vector(cursor.connection)
        for text in ("[1,0.5,-2]", "[0.25,0,1]"):
            cursor.execute(
                "select id, embedding <+> %(p)s::text::vector as distance from item"
                " order by embedding <+> %(p)s::text::vector, id limit 4",
                {"p": text},
            )
            came = cursor.fetchall()
            assert {tuple(map(type, row)) for row in came} == {(int, float)}
            right = here.second.execute(
                "select id::text, (embedding <+> v)::text from item,"
                f" (select '{text}'::vector v) p order by embedding <+> v, id limit 4"
            ).fetchall()
            assert len(right) == 4
            assert came == [(int(id), float(distance)) for id, distance in right]
    return "exact"


def needs_vector(here: Here) -> None:
    if not here.told("select count(*) from pg_extension where extname = 'vector'"):
        pytest.skip("the server has no pgvector")


@cell("asyncpg", "default", "exact", "adk/reads#state-path")
async def state_path_asyncpg(here: Here) -> str:
    here.fixture("adk/reads")
    query = "select id from adk_sessions where state #>> '{preferences,theme}' = "
    async with here.asyncpg() as connection:
        rows = await connection.fetch(query + "$1 order by id", "dark")
    came = [tuple(row) for row in rows]
    assert came
    assert {type(row[0]) for row in came} == {str}
    return judged(came, here.second.execute(query + "'dark' order by id").fetchall())


@cell(
    "psycopg",
    "configured",
    "exact",
    "types/network#macaddr-read@value=08:00:2b:01:02:03",
)
def macaddr_read_psycopg(here: Here) -> str:
    with here.psycopg() as connection:
        row = connection.execute("select '08:00:2b:01:02:03'::macaddr").fetchone()
    assert row == ("08:00:2b:01:02:03",)
    assert type(row[0]) is str
    return judged(row[0], here.told("select '08:00:2b:01:02:03'::macaddr::text"))


@cell("psycopg2", "configured", "exact", "types/numbers#int8-read@value=0")
def int8_read_psycopg2(here: Here) -> str:
    with here.psycopg2() as cursor:
        cursor.execute("select '0'::int8")
        (value,) = cursor.fetchone()
    assert type(value) is int
    return judged(str(value), here.told("select '0'::int8::text"))


@cell(
    "asyncpg",
    "default",
    "exact",
    "transactions/isolation#level@level=read_uncommitted",
)
async def level_asyncpg(here: Here) -> str:
    query = "select replace(current_setting('transaction_isolation'), ' ', '_')"
    async with here.asyncpg() as connection:
        async with connection.transaction(isolation="read_uncommitted"):
            inside = await connection.fetchval(query)
        outside = await connection.fetchval(query)
    assert outside == "read_committed"
    return judged(inside, "read_uncommitted")


@cell("psycopg-async", "default", "exact", "connections/options#options")
async def options_psycopg_async(here: Here) -> str:
    arguments = here.libpq("-c work_mem=5MB -c TimeZone=America/New_York")
    connection = await psycopg.AsyncConnection.connect(**arguments, autocommit=True)
    came = []
    async with connection:
        for name in ("work_mem", "timezone"):
            row = await (await connection.execute(f"show {name}")).fetchone()
            assert row is not None
            came.append(row[0])
        # What the server does with it, beside what it says.
        at = await connection.execute("select timestamptz '2024-07-01 12:00+00' || ''")
        assert await at.fetchone() == ("2024-07-01 08:00:00-04",)
    return judged(came, ["5MB", "America/New_York"])


@cell("psycopg", "configured", "exact", "types/json#json-object-write@value=object")
def json_object_write_psycopg(here: Here) -> str:
    with here.psycopg() as connection:
        connection.adapters.register_dumper(dict, JsonbDumper)
        value = {"a": [1, None], "é": 'x"\\y'}
        row = connection.execute("select %s::json::text", [value]).fetchone()
    assert row is not None
    right = here.told(r"""select $${"a": [1, null], "é": "x\"\\y"}$$::json::text""")
    assert json.loads(right) == value
    return judged(row[0], right)


@cell("psycopg2", "default", "exact", "types/dates#time-write@value=23:59:59.999999")
def time_write_psycopg2(here: Here) -> str:
    with here.psycopg2() as cursor:
        cursor.execute("select %s::time::text", [time_of_day(23, 59, 59, 999999)])
        (came,) = cursor.fetchone()
    assert came == "23:59:59.999999"
    return judged(came, here.told("select '23:59:59.999999'::time::text"))


@cell("psycopg2", "default", "exact", "types/text#text-write@value=empty")
def text_write_psycopg2(here: Here) -> str:
    with here.psycopg2() as cursor:
        cursor.execute("select %s::text::text", [""])
        (came,) = cursor.fetchone()
    assert came == ""  # and not NULL
    return judged(came, here.told("select ''::text::text"))


@cell("asyncpg", "default", "exact", "transactions/isolation#default-level-of-session")
async def default_level_asyncpg(here: Here) -> str:
    setting = {"default_transaction_isolation": "repeatable read"}
    async with here.asyncpg(**setting) as connection:
        transaction = connection.transaction()
        await transaction.start()
        level = await connection.fetchval("show transaction_isolation")
        await transaction.rollback()
    assert here.told("show default_transaction_isolation") == "read committed"
    return judged(level, "repeatable read")


@cell("psqlpy", "default", "exact", "pool/broken#out")
async def pool_out_psqlpy(here: Here) -> str:
    pool = psqlpy.ConnectionPool(**here.psqlpy_arguments(), max_db_pool_size=2)
    held = await pool.connection()
    ended = await pool.connection()
    here.terminate(await ended.fetch_val("select pg_backend_pid()"))
    error = await caught(asyncio.wait_for(ended.fetch_val("select 1"), 1))
    assert isinstance(error, psqlpy.Error)  # a clear error, and no TimeoutError
    ended.close()

    async def next_user() -> Any:
        async with pool.acquire() as connection:
            return await connection.fetch_val("select 42")

    value = await asyncio.wait_for(next_user(), 1.5)
    assert await held.fetch_val("select 43") == 43
    held.close()
    pool.close()
    return judged(value, 42)


@cell("psycopg2", "configured", "exact", "types/composites#domain-text-read@value=unicode")
def domain_text_read_psycopg2(here: Here) -> str:
    here.fixture("types/composites")
    with here.psycopg2() as cursor:
        cursor.execute("select 'é@example.org'::email")
        (value,) = cursor.fetchone()
    assert type(value) is str
    return judged(value, here.told("select 'é@example.org'::email::text"))


@cell("psycopg", "configured", "exact", "types/ranges#daterange-read@value=closed-open")
def daterange_read_psycopg(here: Here) -> str:
    with here.psycopg() as connection:
        row = connection.execute("select '[2024-02-29,2024-03-01)'::daterange").fetchone()
    assert row is not None
    value = row[0]
    assert type(value) is Range
    assert (value.lower, value.upper) == (date(2024, 2, 29), date(2024, 3, 1))
    assert (value.lower_inc, value.upper_inc) == (True, False)
    text = f"[{value.lower},{value.upper})"
    return judged(text, here.told("select '[2024-02-29,2024-03-01)'::daterange::text"))


@cell("asyncpg", "default", "exact", "types/other#regclass-read@value=pg_class")
async def regclass_read_asyncpg(here: Here) -> str:
    async with here.asyncpg() as connection:
        value = await connection.fetchval("select 'pg_class'::regclass")
    assert type(value) is str
    return judged(value, here.told("select 'pg_class'::regclass::text"))


@cell("psycopg2", "default", "exact", "connections/terminated#idle-closed-before")
def idle_closed_before_psycopg2(here: Here) -> str:
    with here.psycopg2() as cursor:
        cursor.execute("select pg_backend_pid()")
        here.terminate(cursor.fetchone()[0])
        assert cursor.connection.closed == 0  # the fact that is recorded: it does not know
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("select 1")
        assert cursor.connection.closed != 0
    return "exact"


# --------------------------------------------------------------------- not exact


@cell("psycopg", "default", "lossy", "parameters/styles#identifier-nul")
def identifier_nul_psycopg(here: Here) -> str:
    with here.psycopg() as connection:
        name = "before\0after"
        query = sql.SQL("select 1 as {}").format(sql.Identifier(name))
        cursor = connection.execute(query)
        assert cursor.description is not None
        came = cursor.description[0].name
        assert connection.execute("select 42").fetchone() == (42,)
    assert came == "before"
    # The server has no names with a NUL in it, nor any text: it says so.
    with pytest.raises(psycopg.errors.ProgramLimitExceeded):
        here.told("select 'before' || chr(0) || 'after'")
    return "lossy"  # cut in silence, where an error had to come


@cell("asyncpg", "default", "rejected", "types/arrays#list-of-tuples")
async def list_of_tuples_asyncpg(here: Here) -> str:
    query = "select ($1::int4[])::text as v"
    async with here.asyncpg() as connection:
        error = await caught(connection.fetchval(query, [(1, 2), (3, 4)]))
        lists = await connection.fetchval(query, [[1, 2], [3, 4]])
    assert lists == here.told("select '{{1,2},{3,4}}'::int4[]::text")
    return refused(error, asyncpg.DataError, "22000", "invalid array element at index 0")


@cell("psycopg", "default", "rejected", "types/vectors#numpy")
def numpy_vector_psycopg(here: Here) -> str:
    needs_vector(here)
    assert here.told("select '[1.5,-2,0.25]'::vector(3)::text") == "[1.5,-2,0.25]"
    value = numpy.array([1.5, -2.0, 0.25], dtype=numpy.float32)
    with here.psycopg() as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute("select (%s::vector(3))::text as v", [value])
    return refused(
        caught.value, psycopg.ProgrammingError, None, "cannot adapt type 'ndarray'"
    )


@cell("psqlpy", "default", "rejected", "types/network#cidr-copy@value=10.0.0.0/8")
async def cidr_copy_psqlpy(here: Here) -> str:
    here.second.execute("create table copied (v cidr)")
    async with here.psqlpy() as connection:
        network = ipaddress.ip_network("10.0.0.0/8")
        error = await caught(
            connection.copy_records_to_table(
                "copied", [(network,)], columns=["v"], schema_name=SCHEMA
            )
        )
    assert here.told("select count(*) from copied") == 0
    here.second.execute("insert into copied values ('10.0.0.0/8')")
    assert here.told("select v::text from copied") == "10.0.0.0/8"
    kind = psqlpy.exceptions.PyToRustValueMappingError
    return refused(error, kind, None, "10.0.0.0/8 into cidr")


@cell(
    "psycopg2",
    "default",
    "rejected",
    "types/json#jsonb-object-write@value=integer-2-to-70",
)
def jsonb_object_write_psycopg2(here: Here) -> str:
    right = here.told("""select '{"a": 1180591620717411303424}'::jsonb::text""")
    assert json.loads(right) == {"a": 2**70}
    with here.psycopg2() as cursor, pytest.raises(psycopg2.Error) as caught:
        cursor.execute("select %s::jsonb::text", [{"a": 2**70}])
    assert caught.value.pgcode is None
    return refused(caught.value, psycopg2.ProgrammingError, None, "can't adapt type 'dict'")


@cell("asyncpg", "default", "rejected", "transactions/timeouts#transaction-timeout")
async def transaction_timeout_asyncpg(here: Here) -> str:
    if here.second.info.server_version < 170000:
        pytest.skip("transaction_timeout is of PostgreSQL 17")
    here.fixture("transactions/timeouts")
    async with here.asyncpg(transaction_timeout="150ms") as connection:
        await connection.transaction().start()
        await connection.execute("insert into items values (1, 'a')")
        sleep = connection.execute("select pg_sleep(5)")
        error = await caught(asyncio.wait_for(sleep, 2))
    assert here.told("select count(*) from items") == 0
    assert timeout_as_libpq_tells_it(here) == "25P04"
    return refused(
        error,
        asyncpg.ConnectionDoesNotExistError,
        "08003",
        "terminating connection due to transaction timeout",
    )


def timeout_as_libpq_tells_it(here: Here) -> str | None:
    """The SQLSTATE that the server sends when a transaction takes too long."""
    arguments = here.libpq("-c transaction_timeout=150ms")
    with contextlib.closing(psycopg.connect(**arguments)) as connection:
        with pytest.raises(psycopg.Error) as caught:
            connection.execute("select pg_sleep(5)")
        return caught.value.sqlstate


@cell("psycopg", "configured", "differs", "types/other#int2vector-read@value=1_2")
def int2vector_read_psycopg(here: Here) -> str:
    with here.psycopg() as connection:
        row = connection.execute("select '1 2'::int2vector").fetchone()
    assert row is not None
    assert type(row[0]) is str
    right = here.told("select '1 2'::int2vector::text")
    return judged(row[0], right, usual=isinstance(row[0], list))


@cell("psycopg2", "default", "rejected", "types/vectors#vector-array-write@value=small")
def vector_array_write_psycopg2(here: Here) -> str:
    needs_vector(here)
    right = here.told("select array['[1.5,-2,0.25]'::vector(3)]::text")
    assert right == '{"[1.5,-2,0.25]"}'
    with here.psycopg2() as cursor, pytest.raises(psycopg2.Error) as caught:
        cursor.execute("select %s::vector(3)[]::text", [[[1.5, -2.0, 0.25]]])
    assert caught.value.pgcode == "42846"
    return refused(
        caught.value,
        psycopg2.errors.CannotCoerce,
        None,
        "cannot cast type numeric to vector",
    )


@cell("psycopg", "default", "rejected", "adk/writes#create-session-cast@form=dict")
def create_session_cast_psycopg(here: Here) -> str:
    here.fixture("adk/writes")
    insert = (
        "insert into adk_sessions (id, app_name, user_id, state)"
        " values (%s, %s, %s, %s::jsonb)"
    )
    with here.psycopg() as connection:
        row = ["session-3", "my_agent", "user_123", {"context": "active"}]
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(cast("Any", insert), row)
        assert here.told("select count(*) from adk_sessions") == 2
        row[3] = json.dumps(row[3])
        connection.execute(cast("Any", insert), row)
        state = here.told("select state::text from adk_sessions where id = 'session-3'")
    assert state == '{"context": "active"}'
    return refused(caught.value, psycopg.ProgrammingError, None, "cannot adapt type 'dict'")


@cell("psqlpy", "configured", "rejected", "types/numbers#float8-array-null@value=NaN")
async def float8_array_null_psqlpy(here: Here) -> str:
    async with here.psqlpy() as connection:
        error = await caught(connection.fetch_val("select array['NaN'::float8, null]"))
    assert here.told("select array['NaN'::float8, null]::text") == "{NaN,NULL}"
    kind = psqlpy.exceptions.RustToPyValueMappingError
    return refused(error, kind, None, "a Postgres value was `NULL`")


@cell("psqlpy", "default", "rejected", "transactions/failed#commit-sql")
async def commit_sql_psqlpy(here: Here) -> str:
    here.fixture("transactions/failed")
    async with here.psqlpy() as connection:
        transaction = connection.transaction()
        await transaction.begin()
        await transaction.execute("insert into items values (1, 'a')")
        error = await caught(transaction.execute("select 1/0"))
        await transaction.execute("commit")
        assert here.told("select count(*) from items") == 0
        assert await connection.fetch_val("select 42") == 42
    # It is the right error; what is missing is the SQLSTATE that the server sent.
    told = [str(getattr(error, name)) for name in dir(error) if not name.startswith("__")]
    assert not re.search("22012", " ".join([*told, str(error), repr(error.args)]))
    with here.psycopg() as plain, pytest.raises(psycopg.errors.DivisionByZero) as right:
        plain.execute("select 1/0")
    assert right.value.sqlstate == "22012"
    kind = psqlpy.exceptions.ConnectionExecuteError
    return refused(error, kind, None, "division by zero")


@cell("psqlpy", "default", "rejected", "types/other#tsvector-write@value=two")
async def tsvector_write_psqlpy(here: Here) -> str:
    text = "'fat':2 'rat':3A"
    async with here.psqlpy() as connection:
        error = await caught(connection.fetch_val("select $1::tsvector::text", [text]))
    assert here.told("select '''fat'':2 ''rat'':3A'::tsvector::text") == text
    kind = psqlpy.exceptions.ConnectionExecuteError
    return refused(error, kind, None, "invalid size of tsvector")


@cell(
    "psqlpy",
    "configured",
    "rejected",
    "types/ranges#int8range-text-write@value=closed-open",
)
async def int8range_text_write_psqlpy(here: Here) -> str:
    async with here.psqlpy() as connection:
        error = await caught(connection.fetch_val("select $1::int8range::text", ["[1,10)"]))
    assert here.told("select '[1,10)'::int8range::text") == "[1,10)"
    kind = psqlpy.exceptions.ConnectionExecuteError
    return refused(error, kind, None, "invalid message format")


@cell("psycopg2", "default", "differs", "types/network#inet-read@value=2001:db8::5/64")
def inet_read_psycopg2(here: Here) -> str:
    with here.psycopg2() as cursor:
        cursor.execute("select '2001:db8::5/64'::inet")
        (value,) = cursor.fetchone()
    assert type(value) is str
    right = here.told("select '2001:db8::5/64'::inet::text")
    return judged(value, right, usual=isinstance(value, ipaddress.IPv6Interface))


@cell("psqlpy", "default", "lossy", "types/timezones#naive-into-timestamptz")
async def naive_into_timestamptz_psqlpy(here: Here) -> str:
    query = "select ($1::timestamptz at time zone 'UTC')::text as v"
    async with here.psqlpy("-c TimeZone=Pacific/Chatham") as connection:
        assert await connection.fetch_val("show timezone") == "Pacific/Chatham"
        came = await connection.fetch_val(query, [datetime(2024, 7, 1, 12)])
    assert came == "2024-07-01 12:00:00"  # taken for UTC
    here.second.execute("set timezone = 'Pacific/Chatham'")
    right = here.told(query.replace("$1", "'2024-07-01 12:00:00'"))
    assert right == "2024-06-30 23:15:00"
    return judged(came, right)


@cell("psycopg2", "default", "rejected", "types/network#inet-write@value=2001:db8::5/64")
def inet_write_psycopg2(here: Here) -> str:
    assert here.told("select '2001:db8::5/64'::inet::text") == "2001:db8::5/64"
    value = ipaddress.ip_interface("2001:db8::5/64")
    with here.psycopg2() as cursor, pytest.raises(psycopg2.Error) as caught:
        cursor.execute("select %s::inet::text", [value])
    return refused(
        caught.value, psycopg2.ProgrammingError, None, "can't adapt type 'IPv6Interface'"
    )


@cell("psycopg", "default", "rejected", "pgvector/operators#inner-product-numpy")
def inner_product_numpy_psycopg(here: Here) -> str:
    needs_vector(here)
    here.fixture("pgvector/operators")
    value = numpy.array([1, 0.5, -2], dtype=numpy.float32)
    with here.psycopg() as connection:
        query = (
            "select id, embedding <#> %(v)s as distance from item"
            " order by embedding <#> %(v)s, id limit 4"
        )
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(cast("Any", query), {"v": value})
        # The same object, once the library has been told of it.
        pgvector.psycopg.register_vector(connection)
        rows = connection.execute(cast("Any", query), {"v": value}).fetchall()
    right = query.replace("%(v)s", "'[1,0.5,-2]'")
    assert rows == here.second.execute(cast("Any", right)).fetchall()
    return refused(
        caught.value, psycopg.ProgrammingError, None, "cannot adapt type 'ndarray'"
    )


@cell("psycopg2", "default", "rejected", "types/numbers#int2-write@value=-32768")
def int2_write_psycopg2(here: Here) -> str:
    assert here.told("select '-32768'::int2::text") == "-32768"
    with here.psycopg2() as cursor:
        with pytest.raises(psycopg2.Error) as caught:
            cursor.execute("select (%s::int2)::text", [-32768])
        # The library writes the digits into the text, and `::` binds before the minus:
        # the cast is of 32768, and in a chain of casts the minus is of a text.
        assert cursor.query == b"select ( -32768::int2)::text"
        with pytest.raises(psycopg2.errors.UndefinedFunction):
            cursor.execute("select %s::int2::text", [-32768])
        cursor.execute("select (%s)::int2::text", [-32768])
        assert cursor.fetchone() == ("-32768",)
    assert caught.value.pgcode == "22003"
    return refused(
        caught.value,
        psycopg2.errors.NumericValueOutOfRange,
        None,
        "smallint out of range",
    )


@cell(
    "psycopg2",
    "default",
    "differs",
    "types/network#uuid-read@value=00000000-0000-0000-0000-000000000000",
)
def uuid_read_psycopg2(here: Here) -> str:
    query = "select '00000000-0000-0000-0000-000000000000'::uuid"
    with here.psycopg2() as cursor:
        cursor.execute(query)
        (value,) = cursor.fetchone()
    assert type(value) is str
    right = here.told(query + "::text")
    return judged(value, right, usual=isinstance(value, uuid.UUID))


@cell("psqlpy", "configured", "rejected", "types/dates#date-read@value=0044-03-15_BC")
async def date_read_psqlpy(here: Here) -> str:
    async with here.psqlpy() as connection:
        error = await caught(connection.fetch_val("select '0044-03-15 BC'::date"))
    assert here.told("select '0044-03-15 BC'::date::text") == "0044-03-15 BC"
    return refused(error, ValueError, None, "year -43 is out of range")


@pytest.mark.parametrize(("name", "verdict", "ask"), CELLS)
def test_by_hand(name: str, verdict: str, ask: Ask, here: Here) -> None:
    found = ask(here)
    if not isinstance(found, str):
        found = asyncio.run(cast("Any", found))
    assert found == verdict, name


def test_the_table_is_whole() -> None:
    assert len(CELLS) == 40
    line = re.compile(r"^    (\w+) +(\S+) (\S+) +(\S+#\S+)$", re.MULTILINE)
    listed = [
        (f"{driver}-{profile}-{name}", verdict)
        for verdict, driver, profile, name in line.findall(__doc__ or "")
    ]
    assert listed == [(parameters.id, parameters.values[1]) for parameters in CELLS]
    assert sum(verdict == "exact" for _, verdict in listed) == 20
