"""Every driver does what its methods claim, on a real server."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from helpers import no_wheel

from harness.core.calls import Call, ErrorFields, Op, Statement, Target
from harness.core.capabilities import Capability
from harness.core.errors import DriverError, Unsupported
from harness.plugin import contract as drivers
from harness.servers import open_server, parse

ROOT = Path(__file__).parents[2]

ARMS = [
    "psycopg",
    "psycopg+binary",
    "psycopg-async",
    "psycopg-async+binary+uvloop",
    "psycopg2",
    "asyncpg",
    "asyncpg+noprepare",
    "asyncpg+uvloop",
    "psqlpy",
    "psqlpy+uvloop",
]

SESSION_OPS = frozenset(Op) - {Op.CONNECT, Op.CONNECT_QUERY, Op.CHECKOUT, Op.STEPS}
POOL_OPS = {
    Op.CHECKOUT,
    Op.EXECUTE,
    Op.FETCH_ALL,
    Op.FETCH_ONE,
    Op.FETCH_VAL,
    Op.TRANSACTION,
}

NO_METHOD = {
    "psycopg": {Op.BATCH_HELPER},
    "psycopg-async": {Op.BATCH_HELPER},
    "psycopg2": {Op.PIPELINE},
    "asyncpg": {Op.BATCH_HELPER, Op.PIPELINE},
    "psqlpy": {Op.BATCH_HELPER, Op.COPY_OUT},
}

# (source, format) → the drivers that cannot
NO_COPY_IN = {
    ("rows", "text"): {"psycopg2", "asyncpg", "psqlpy"},
    ("rows", "csv"): {"psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy"},
    ("rows", "binary"): {"psycopg2"},
    ("bytes", "text"): {"psqlpy"},
    ("bytes", "csv"): {"psqlpy"},
    ("bytes", "binary"): set(),
}

ROWS = ((1, "one"), (2, "two"), (3, "three"))


needs_server = pytest.mark.skipif(bool(no_wheel()), reason=no_wheel())


@pytest.fixture(scope="module")
def target():
    with open_server(parse("wheel")) as server:
        yield dataclasses.replace(server.target, application_name="test-drivers")


@pytest.fixture(scope="module")
def control(target):
    """Another library's eyes: what it sees has been committed."""
    with connect(target, application_name="control") as connection:
        yield connection


def connect(target: Target, **changes: Any) -> psycopg.Connection[Any]:
    target = dataclasses.replace(target, **changes)
    return psycopg.connect(
        host=target.host,
        port=target.port,
        user=target.user,
        password=target.password,
        dbname=target.dbname,
        application_name=target.application_name,
        autocommit=True,
    )


@pytest.fixture
def table(control):
    control.execute("drop table if exists items")
    control.execute("create table items (id int primary key, name text not null)")
    return lambda: control.execute("select id, name from items order by id").fetchall()


class Client:
    """A driver with its loop: tests read the same for sync and async."""

    def __init__(self, spec: str, profile: Any = "configured") -> None:
        self.arm = drivers.parse_arm(spec, profile)
        self.driver: Any = drivers.load(self.arm)
        self.loop = self.driver.run_loop() if self.driver.kind == "async" else None
        self.opened: list[Any] = []

    def wait(self, value: Any) -> Any:
        return self.loop.run_until_complete(value) if self.loop else value

    def open(self, target: Target) -> Any:
        return self._keep(self.wait(self.driver.open(target, self.arm.profile)))

    def open_pool(self, target: Target, size: int) -> Any:
        return self._keep(self.wait(self.driver.open_pool(target, self.arm.profile, size)))

    def _keep(self, session: Any) -> Any:
        self.opened.append(session)
        return session

    def bind(self, session: Any, op: str, **fields: Any) -> Any:
        return getattr(session, op)(Call(Op(op), **fields))

    def run(self, session: Any, op: str, **fields: Any) -> Any:
        return self.wait(self.bind(session, op, **fields)())

    def error(self, session: Any, op: str, **fields: Any) -> ErrorFields:
        bound = self.bind(session, op, **fields)
        try:
            self.wait(bound())
        except BaseException as error:
            return self.driver.describe_error(error)
        raise AssertionError("no error came")

    def close(self) -> None:
        for session in self.opened:
            self.wait(session.close())
        if self.loop:
            self.loop.close()


@pytest.fixture
def client(request) -> Iterator[Client]:
    client = Client(request.param)
    yield client
    client.close()


@pytest.fixture
def session(client, target):
    return client.open(target)


every_driver = pytest.mark.parametrize("client", ARMS, indirect=True)
pytestmark = needs_server


def skip_without(client: Client, op: Op) -> None:
    if op in NO_METHOD[client.arm.driver]:
        pytest.skip(f"{client.arm.driver} has no {op}")


# -- the contract ----------------------------------------------------------------------


@every_driver
def test_terms_are_complete(client):
    terms = dataclasses.asdict(client.driver.terms())
    assert all(terms.values()), terms


@every_driver
def test_ops_are_claimed_by_methods(client, session, target):
    missing = {op for op in SESSION_OPS if not drivers.claims(session, op)}
    assert missing == NO_METHOD[client.arm.driver]
    pool = client.open_pool(target, 2)
    assert {op for op in Op if drivers.claims(pool, op)} == POOL_OPS


@every_driver
def test_capabilities_agree_with_the_methods(client, session):
    capabilities = client.driver.capabilities
    assert (Capability.PIPELINE in capabilities) == drivers.claims(session, Op.PIPELINE)
    able = {
        (source, form)
        for (source, form), without in NO_COPY_IN.items()
        if client.arm.driver not in without
    }
    for form in ("text", "csv", "binary"):
        claimed = Capability(f"copy-{form}") in capabilities
        assert claimed == any((source, form) in able for source in ("rows", "bytes"))
    for source in ("rows", "bytes"):
        claimed = Capability(f"copy-{source}") in capabilities
        assert claimed == any((source, form) in able for form in ("text", "csv", "binary"))


def test_noprepare_gives_up_the_capability():
    assert Capability.PREPARED in drivers.load(drivers.parse_arm("asyncpg")).capabilities
    arm = drivers.parse_arm("asyncpg+noprepare")
    assert Capability.PREPARED not in drivers.load(arm).capabilities


def test_unknown_option():
    with pytest.raises(DriverError, match="no option 'turbo'"):
        drivers.load(drivers.parse_arm("psycopg+turbo"))


def test_the_python_implementation_needs_a_fresh_process():
    if psycopg.pq.__impl__ == "python":
        pytest.skip("this process runs the Python implementation already")
    with pytest.raises(DriverError, match="implementation is loaded already"):
        drivers.load(drivers.parse_arm("psycopg+python"))


PRINT_IMPLEMENTATION = """
import sys
from harness.plugin import contract as driver
from harness.core.errors import DriverError
try:
    terms = driver.load(driver.parse_arm(sys.argv[1])).terms()
except DriverError as error:
    sys.exit(str(error))
print(terms.implementation)
"""


@pytest.mark.parametrize("spec", ["psycopg+python", "psycopg-async+python"])
def test_the_python_implementation(spec):
    done = subprocess.run(
        [sys.executable, "-c", PRINT_IMPLEMENTATION, spec], capture_output=True, text=True
    )
    if "cannot be imported" in done.stderr:
        pytest.skip(f"there is no libpq: {done.stderr}")
    assert done.stdout.strip() == "python", done.stderr


# -- sessions --------------------------------------------------------------------------


@every_driver
def test_settings_travel_as_startup_options(client, target):
    settings = (("search_path", "pg_catalog, public"), ("TimeZone", "Asia/Tokyo"))
    session = client.open(dataclasses.replace(target, settings=settings))
    for name, value in (*settings, ("application_name", "test-drivers")):
        query = f"select current_setting('{name}')"
        assert client.run(session, "fetch_val", sql=query) == value
        reset = f"select reset_val from pg_settings where name = '{name}'"
        assert client.run(session, "fetch_val", sql=reset) == value


@every_driver
def test_a_backslash_in_a_setting(client, target):
    value = r"a\b c"
    changed = dataclasses.replace(target, settings=(("pgdyno.test", value),))
    session = client.open(changed)
    query = "select current_setting('pgdyno.test')"
    assert client.run(session, "fetch_val", sql=query) == value


@every_driver
def test_sessions_are_in_autocommit(client, target, control):
    session = client.open(dataclasses.replace(target, application_name="autocommit"))
    client.run(session, "fetch_all", sql="select 1")
    query = "select state from pg_stat_activity where application_name = 'autocommit'"
    assert control.execute(query).fetchone() == ("idle",)


def sessions_of(control, name, wanted):
    """How many sessions the server has; it may take a moment to see one end."""
    query = "select count(*) from pg_stat_activity where application_name = %s"
    for _ in range(100):
        (count,) = control.execute(query, [name]).fetchone()
        if count == wanted:
            break
        time.sleep(0.02)
    return count


@every_driver
def test_close_ends_the_session(client, target, control):
    changed = dataclasses.replace(target, application_name="closing")
    session = client.wait(client.driver.open(changed, "default"))
    assert sessions_of(control, "closing", 1) == 1
    client.wait(session.close())
    assert sessions_of(control, "closing", 0) == 0


@every_driver
def test_connect(client, target, control):
    changed = dataclasses.replace(target, application_name="connecting")
    op = client.driver.connect(changed, "configured")
    client.wait(op())
    client.wait(op())
    assert sessions_of(control, "connecting", 0) == 0
    query = "select current_setting('application_name')"
    op = client.driver.connect_query(changed, "configured", query)
    assert client.wait(op()) == "connecting"
    assert sessions_of(control, "connecting", 0) == 0


def test_unix_sockets():
    with open_server(parse("wheel", transport="unix")) as server:
        for spec in ARMS:
            client = Client(spec)
            try:
                session = client.open(server.target)
                assert client.run(session, "fetch_val", sql="select 1") == 1, spec
            finally:
                client.close()


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

STATEMENTS = (
    Statement("insert into items values ($1, $2)", (1, "one")),
    Statement("select name, id from items where id = $1", (1,)),
    Statement("insert into items values (2, 'two') returning id"),
    Statement("update items set name = 'zwei' where id = 2"),
    Statement("select count(*) from items"),
)
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


# -- COPY ------------------------------------------------------------------------------


def copied(control, form):
    """The bytes of ROWS, written by the server."""
    values = ", ".join(f"({i}, '{name}')" for i, name in ROWS)
    with (
        control.cursor() as cursor,
        cursor.copy(f"copy (values {values}) to stdout (format {form})") as copy,
    ):
        return b"".join(copy)


@every_driver
@pytest.mark.parametrize(("source", "form"), NO_COPY_IN)
@pytest.mark.parametrize("name", ["items", "public.items"])
def test_copy_in(client, session, table, control, source, form, name):
    fields: dict[str, Any] = {"table": name, "columns": ("id", "name"), "format": form}
    if source == "rows":
        fields |= {"rows": ROWS, "types": ("int4", "text")}
    else:
        fields |= {"data": copied(control, form)}
    if client.arm.driver in NO_COPY_IN[source, form]:
        with pytest.raises(Unsupported):
            client.bind(session, "copy_in", **fields)
        return
    op = client.bind(session, "copy_in", **fields)
    client.wait(op())
    assert table() == list(ROWS)
    client.run(session, "execute", sql="truncate items")
    client.wait(op())
    assert table() == list(ROWS)


@every_driver
def test_copy_in_of_types(client, session, control):
    if client.arm.driver in NO_COPY_IN["rows", "binary"]:
        pytest.skip("no encoder for rows")
    control.execute("drop table if exists typed")
    control.execute("create table typed (a int8, b int4[], c float4, d vector(2))")
    vector = session.wrapper("vector", [1.5, 2.0])
    client.run(
        session,
        "copy_in",
        table="typed",
        columns=("a", "b", "c", "d"),
        types=("int8", "_int4", "float4", "vector"),
        rows=((1, [1, 2], 0.5, vector), (None, None, None, None)),
        format="binary",
    )
    row = control.execute("select a, b, c, d::text from typed where a = 1").fetchone()
    assert row == (1, [1, 2], 0.5, "[1.5,2]")


@every_driver
def test_copy_in_of_documents(client, session, control):
    if client.arm.driver in NO_COPY_IN["rows", "binary"]:
        pytest.skip("no encoder for rows")
    control.execute("drop table if exists documents")
    control.execute("create table documents (body jsonb)")
    fields: dict[str, Any] = {
        "table": "documents",
        "columns": ("body",),
        "format": "binary",
    }
    fields |= {"types": ("jsonb",), "rows": (({"k": [1]},),)}
    if client.arm.driver == "asyncpg":
        # The codec that its documentation shows is a text codec; binary COPY has no use
        # for one.
        told = client.error(session, "copy_in", **fields).message
        assert "no binary format encoder for type jsonb" in told
        return
    client.run(session, "copy_in", **fields)
    assert control.execute("table documents").fetchall() == [({"k": [1]},)]


@pytest.mark.parametrize("client", ["psycopg"], indirect=True)
def test_binary_copy_needs_a_known_type(client, session):
    fields: dict[str, Any] = {"table": "t", "columns": ("a",), "format": "binary"}
    with pytest.raises(Unsupported, match="mood"):
        client.bind(session, "copy_in", types=("mood",), rows=(("a",),), **fields)


@every_driver
@pytest.mark.parametrize("form", ["text", "csv", "binary"])
def test_copy_out(client, session, table, control, form):
    skip_without(client, Op.COPY_OUT)
    control.cursor().executemany("insert into items values (%s, %s)", ROWS)
    query = "select id, name from items order by id"
    stream = client.run(session, "copy_out", sql=query, format=form)
    assert stream == copied(control, form)


# -- values ----------------------------------------------------------------------------


@every_driver
def test_configured_documents_and_vectors(client, session):
    for kind in ("json", "jsonb"):
        query = f"""select '{{"a": [1, null]}}'::{kind}"""
        assert client.run(session, "fetch_val", sql=query) == {"a": [1, None]}
    query, params = "select ($1::jsonb)->>'a'", (({"a": "b"},),)
    assert client.run(session, "fetch_val", sql=query, params=params) == "b"
    vector = client.run(session, "fetch_val", sql="select '[1,2.5]'::vector")
    assert not isinstance(vector, str)
    assert getattr(vector, "to_list", lambda: vector)() == [1.0, 2.5]


@every_driver
@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("json", {"a": 1}, '{"a": 1}'),
        ("jsonb", {"a": [1]}, '{"a": [1]}'),
        ("vector", [1.0, 2.0], "[1,2]"),
    ],
)
def test_wrappers(client, session, kind, value, text):
    if client.arm.driver == "asyncpg" and kind != "vector":
        with pytest.raises(Unsupported):
            session.wrapper(kind, value)
        return
    params = ((session.wrapper(kind, value),),)
    found = client.run(
        session, "fetch_val", sql=f"select ($1::{kind})::text", params=params
    )
    assert found == text or json.loads(found) == value


def test_not_configured_is_another_column(target):
    client = Client("asyncpg", "default")
    try:
        session = client.open(target)
        assert client.run(session, "fetch_val", sql="select '{}'::jsonb") == "{}"
        assert client.run(session, "fetch_val", sql="select '[1]'::vector") == "[1]"
    finally:
        client.close()


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


# -- pools -----------------------------------------------------------------------------


@every_driver
def test_a_pool_is_full_from_the_beginning(client, target, control):
    pool = client.open_pool(dataclasses.replace(target, application_name="pool"), 3)
    assert sessions_of(control, "pool", 3) == 3
    client.run(pool, "checkout")
    assert sessions_of(control, "pool", 3) == 3


@every_driver
def test_pool_ops(client, target, table):
    pool = client.open_pool(target, 2)
    query = "select $1::int as a, '%' as b"
    native = client.run(pool, "fetch_all", sql=query, params=((1,),))
    assert list(pool.rows(native)) == [(1, "%")]
    native = client.run(pool, "fetch_one", sql="select 1 as a, '%' as b")
    assert list(pool.rows([native])) == [(1, "%")]
    assert client.run(pool, "fetch_val", sql="select $1::int", params=((5,),)) == 5
    insert = "insert into items values ($1, $2)"
    client.run(pool, "execute", sql=insert, params=((9, "nine"),))
    client.run(pool, "transaction", statements=STATEMENTS)
    assert table() == [(1, "one"), (2, "zwei"), (9, "nine")]
    documents = client.run(pool, "fetch_all", sql="""select '{"a": 1}'::jsonb as a""")
    assert list(pool.rows(documents)) == [({"a": 1},)]


@every_driver
def test_a_pool_keeps_its_settings(client, target):
    changed = dataclasses.replace(target, settings=(("TimeZone", "Asia/Tokyo"),))
    pool = client.open_pool(changed, 2)
    op = client.bind(pool, "fetch_val", sql="select current_setting('TimeZone')")
    assert [client.wait(op()) for _ in range(5)] == ["Asia/Tokyo"] * 5


CLIENTS = 64


@every_driver
def test_more_clients_than_connections(client, target):
    pool = client.open_pool(target, 4)
    ops = [
        client.bind(
            pool,
            "fetch_val",
            sql="select $1::int from pg_sleep(0.005)",
            params=tuple((i,) for i in range(CLIENTS)),
            offset=offset,
        )
        for offset in range(CLIENTS)
    ]
    asynchronous = client.driver.kind == "async"
    found = client.wait(at_once(ops)) if asynchronous else in_threads(ops)
    numbers = [one for one in found if isinstance(one, int)]
    if Capability.POOL_WAITS in client.driver.capabilities:
        assert sorted(numbers) == list(range(CLIENTS))
    else:
        refused = {str(one) for one in found if not isinstance(one, int)}
        assert refused == {"connection pool exhausted"}
        assert numbers


async def at_once(ops):
    async def one(op):
        return await op()

    return await asyncio.gather(*map(one, ops))


def in_threads(ops):
    found: list[Any] = []
    start = threading.Barrier(len(ops))

    def work(op):
        start.wait()
        try:
            found.append(op())
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=work, args=(op,)) for op in ops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize("client", ["psqlpy"], indirect=True)
def test_psqlpy_refuses_a_pool_of_one(client, target):
    with pytest.raises(Unsupported, match="at least 2"):
        client.open_pool(target, 1)


# -- the example from outside ----------------------------------------------------------

USE_EXAMPLE = """
import json, sys
from harness.plugin import Call, Op, Statement, Target
from harness.plugin import contract as driver
target = Target(**json.loads(sys.stdin.read()))
loaded = driver.load(driver.parse_arm(sys.argv[1]))
session = loaded.open(target, "configured")
call = lambda op, **fields: getattr(session, op)(Call(Op(op), **fields))()
rows = session.rows(call("fetch_all", sql="select $2::text, $1::int", params=((1, "x"),)))
assert rows == [("x", 1)], rows
assert call("fetch_one", sql="select 1 where false") is None
assert call("fetch_val", sql="select '{}'::jsonb") == {}
call("execute", sql="create temp table example (id int primary key)")
call("copy_in", table="example", columns=("id",), data=b"1\\n2\\n")
assert call("copy_out", sql="table example", format="csv") == b"1\\n2\\n"
insert = Statement("insert into example values ($1)", (3,))
assert call("transaction", statements=(insert, Statement("select 1"))) == [None, [[1]]]
try:
    call("savepoint", statements=(insert,))
except Exception as error:
    assert loaded.describe_error(error).sqlstate == "23505"
assert call("fetch_val", sql="select count(*) from example") == 3
session.close()
loaded.connect(target, "default")()
assert loaded.connect_query(target, "default", "select 42")() == 42
print("ok", loaded.terms().version)
"""


def installer():
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--no-input"]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", sys.executable]
    return []


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    pytest.importorskip("pg8000")
    if not installer():
        pytest.skip("neither pip nor uv is here")
    folder = tmp_path_factory.mktemp("example")
    command = [*installer(), "--no-deps", "--target", str(folder)]
    source = str(ROOT / "examples" / "pgdyno-pg8000")
    done = subprocess.run([*command, source], capture_output=True, text=True)
    if done.returncode and "hatchling" in done.stdout + done.stderr:
        pytest.skip("the package index is out of reach")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("spec", ["pg8000", "pg8000+prepared"])
def test_the_example(example, target, spec):
    done = subprocess.run(
        [sys.executable, "-c", USE_EXAMPLE, spec],
        input=json.dumps(dataclasses.asdict(target)),
        env={"PYTHONPATH": f"{example}:{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ok ")


# -- the documentation -----------------------------------------------------------------


def test_every_op_and_capability_is_explained():
    text = (ROOT / "docs" / "writing-a-driver.md").read_text()
    names = [*(op for op in Op if op is not Op.STEPS), *Capability]
    assert [name for name in names if f"`{name}`" not in text] == []
