"""asyncpg: the driver `asyncpg`. It speaks `$n` itself, so nothing is translated."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import repeat
from typing import Any

import asyncpg

from harness.plugin import (
    FIND_VECTOR,
    AsyncOp,
    Call,
    Capability,
    ErrorFields,
    Kind,
    Profile,
    Target,
    Terms,
    Unsupported,
    Wrapper,
    sql,
    unregistered_vector,
    wrapped,
)


def _params(call: Call) -> Iterator[Any]:
    """Each call's parameters; a statement without any gets `()` each time."""
    return call.cycle() if any(call.params) else repeat(())


def _steps(call: Call) -> list[tuple[str, tuple[Any, ...], bool]]:
    """Statement, parameters, and whether it returns rows: asyncpg says `[]` either way."""
    return [
        (statement.sql, statement.params, sql.returns_rows(statement.sql))
        for statement in call.statements
    ]


async def configure(connection: Any) -> None:
    """The registrations that asyncpg's and pgvector's documentation show."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
        )
    if importlib.util.find_spec("pgvector") is None:
        return
    schema = await connection.fetchval(
        "select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace"
        " where e.extname = 'vector'"
    )
    if schema:
        from pgvector.asyncpg import register_vector

        await register_vector(connection, schema=schema)


async def _unregistered(connection: Any) -> Mapping[str, str]:
    """What should have been registered and is not, and why; in any schema it can be."""
    _, on_server = await connection.fetchrow(FIND_VECTOR)
    return unregistered_vector(True, on_server)


_RANGES = ("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange")
_ARGUMENTS = (
    "lower",
    "upper",
    "lower_inc=lower_inc",
    "upper_inc=upper_inc",
    "empty=isempty",
)

WRAPPERS = {
    "vector": Wrapper("pgvector:Vector"),
    "halfvec": Wrapper("pgvector:HalfVector"),
    "sparsevec": Wrapper("pgvector:SparseVector"),
    **{kind: Wrapper("asyncpg:Range", _ARGUMENTS) for kind in _RANGES},
}


class _Rows:
    unregistered: Mapping[str, str] = {}  # types of the profile → why not

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """`Record`s as tuples."""
        return [tuple(record) for record in native if record is not None]

    def wrapper(self, kind: str, value: Any) -> Any:
        """`asyncpg.Range`; pgvector brings classes of its own."""
        return wrapped("asyncpg", WRAPPERS, kind, value)


class AsyncpgSession(_Rows):
    """An asyncpg connection."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def close(self) -> None:
        """Close the connection."""
        await self.connection.close()

    def execute(self, call: Call) -> AsyncOp:
        """`connection.execute`: the simple protocol where there are no parameters."""
        execute, query, params = self.connection.execute, call.sql, _params(call)
        return lambda: execute(query, *next(params))

    def fetch_all(self, call: Call) -> AsyncOp:
        """`connection.fetch`."""
        fetch, query, params = self.connection.fetch, call.sql, _params(call)
        return lambda: fetch(query, *next(params))

    def fetch_one(self, call: Call) -> AsyncOp:
        """`connection.fetchrow`."""
        fetchrow, query, params = self.connection.fetchrow, call.sql, _params(call)
        return lambda: fetchrow(query, *next(params))

    def fetch_val(self, call: Call) -> AsyncOp:
        """`connection.fetchval`."""
        fetchval, query, params = self.connection.fetchval, call.sql, _params(call)
        return lambda: fetchval(query, *next(params))

    def execute_many(self, call: Call) -> AsyncOp:
        """`connection.executemany`."""
        executemany, query, rows = self.connection.executemany, call.sql, call.rows
        return lambda: executemany(query, rows)

    def sequential(self, call: Call) -> AsyncOp:
        """One statement after another, by `connection.fetch`."""
        fetch, steps = self.connection.fetch, _steps(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            for query, params, returns_rows in steps:
                records = await fetch(query, *params)
                results.append(records if returns_rows else None)
            return results

        return op

    def transaction(self, call: Call) -> AsyncOp:
        """`async with connection.transaction()`."""
        connection, steps = self.connection, _steps(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with connection.transaction():
                for query, params, returns_rows in steps:
                    records = await connection.fetch(query, *params)
                    results.append(records if returns_rows else None)
            return results

        return op

    def savepoint(self, call: Call) -> AsyncOp:
        """Two nested `transaction()` blocks; the inner one is a savepoint."""
        connection, steps = self.connection, _steps(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with connection.transaction(), connection.transaction():
                for query, params, returns_rows in steps:
                    records = await connection.fetch(query, *params)
                    results.append(records if returns_rows else None)
            return results

        return op

    def copy_in(self, call: Call) -> AsyncOp:
        """`copy_to_table` for bytes, `copy_records_to_table` for rows."""
        schema, table = sql.split_table(call.table)
        where = {"columns": call.columns or None, "schema_name": schema}
        if call.data:
            data, form, copy = call.data, call.format, self.connection.copy_to_table
            return lambda: copy(table, source=BytesIO(data), format=form, **where)
        if call.format != "binary":
            raise Unsupported(
                f"asyncpg encodes rows for binary COPY, not for {call.format}"
            )
        rows, copy_records = call.rows, self.connection.copy_records_to_table
        return lambda: copy_records(table, records=rows, **where)

    def copy_out(self, call: Call) -> AsyncOp:
        """`copy_from_query` into a BytesIO."""
        copy, query, form = self.connection.copy_from_query, call.sql, call.format

        async def op() -> bytes:
            sink = BytesIO()
            await copy(query, output=sink, format=form)
            return sink.getvalue()

        return op


class AsyncpgPool(_Rows):
    """An asyncpg pool: its shortcuts take a connection, work, reset and give it back."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()

    def checkout(self, call: Call) -> AsyncOp:
        """`async with pool.acquire()`."""
        acquire = self._pool.acquire

        async def op() -> None:
            async with acquire():
                pass

        return op

    def execute(self, call: Call) -> AsyncOp:
        """`pool.execute`."""
        execute, query, params = self._pool.execute, call.sql, _params(call)
        return lambda: execute(query, *next(params))

    def fetch_all(self, call: Call) -> AsyncOp:
        """`pool.fetch`."""
        fetch, query, params = self._pool.fetch, call.sql, _params(call)
        return lambda: fetch(query, *next(params))

    def fetch_one(self, call: Call) -> AsyncOp:
        """`pool.fetchrow`."""
        fetchrow, query, params = self._pool.fetchrow, call.sql, _params(call)
        return lambda: fetchrow(query, *next(params))

    def fetch_val(self, call: Call) -> AsyncOp:
        """`pool.fetchval`."""
        fetchval, query, params = self._pool.fetchval, call.sql, _params(call)
        return lambda: fetchval(query, *next(params))

    def sequential(self, call: Call) -> AsyncOp:
        """One statement after another, on one connection of the pool."""
        acquire, steps = self._pool.acquire, _steps(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with acquire() as connection:
                for query, params, returns_rows in steps:
                    records = await connection.fetch(query, *params)
                    results.append(records if returns_rows else None)
            return results

        return op

    def transaction(self, call: Call) -> AsyncOp:
        """`pool.acquire` around `connection.transaction`."""
        acquire, steps = self._pool.acquire, _steps(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with acquire() as connection, connection.transaction():
                for query, params, returns_rows in steps:
                    records = await connection.fetch(query, *params)
                    results.append(records if returns_rows else None)
            return results

        return op


async def _leave_as_it_is(connection: Any) -> None:
    """In place of a pool's reset, which is a round trip."""


class Asyncpg:
    """asyncpg."""

    name = "asyncpg"
    kind: Kind = "async"
    acts: tuple[str, ...] = ("harness.drivers.asyncpg.acts",)
    options: Mapping[str, str] = {
        "noprepare": "no statement cache (statement_cache_size=0), as behind PgBouncer",
        "noreset": "the pool resets no session that comes back (its `reset`)",
        "uvloop": "run on uvloop instead of asyncio's loop",
    }
    registrations = (
        "json and jsonb are objects: `set_type_codec` with `json.dumps` and `json.loads`",
        "pgvector’s `register_vector`, where the server has the type",
    )
    capabilities = frozenset(Capability) - {Capability.PIPELINE, Capability.PEP_249}
    wrappers = WRAPPERS
    configure = staticmethod(configure)

    def __init__(self, options: frozenset[str]) -> None:
        self._arguments: dict[str, Any] = {}
        if "noprepare" in options:
            self._arguments["statement_cache_size"] = 0
            self.acts = (*self.acts, "harness.drivers.asyncpg.acts_noprepare")
            self.capabilities = self.capabilities - {Capability.PREPARED}
        # A pool before 0.30 has no `reset`, and one with the usual reset need not be told.
        self._reset: dict[str, Any] = (
            {"reset": _leave_as_it_is} if "noreset" in options else {}
        )
        self._loop = asyncio.new_event_loop
        self._loop_name = "asyncio"
        if "uvloop" in options:
            import uvloop

            self._loop = uvloop.new_event_loop
            self._loop_name = f"uvloop {importlib.metadata.version('uvloop')}"

    def run_loop(self) -> asyncio.AbstractEventLoop:
        """A new event loop."""
        return self._loop()

    def terms(self) -> Terms:
        """Versions and habits."""
        return Terms(
            library="asyncpg",
            version=asyncpg.__version__,
            implementation="Cython",
            libpq="none (protocol of its own)",
            wire_results="binary",
            wire_parameters="binary",
            row_shape="Record",
            placeholders="$n",
            statement_cache="off (statement_cache_size=0)"
            if self._arguments
            else "prepares at the 1st execution, keeps 100 for 300 s (default)",
            autocommit="on (the library's only habit)",
            pool="asyncpg.create_pool; a release resets "
            + ("nothing" if self._reset else "the session"),
            loop=self._loop_name,
        )

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From the attributes of `PostgresError`."""
        if not isinstance(error, asyncpg.PostgresError):
            return ErrorFields(message=str(error))
        return ErrorFields(
            sqlstate=error.sqlstate or "",
            message=getattr(error, "message", None) or str(error),
            constraint=getattr(error, "constraint_name", None) or "",
            table=getattr(error, "table_name", None) or "",
            column=getattr(error, "column_name", None) or "",
        )

    def opening(self, target: Target) -> AsyncOp:
        """`asyncpg.connect`."""
        arguments = self._connect_arguments(target)
        return lambda: asyncpg.connect(**arguments)

    async def open(self, target: Target, profile: Profile) -> AsyncpgSession:
        """Connect, and register if the profile is `configured`."""
        connection = await self.opening(target)()
        session = AsyncpgSession(connection)
        if profile == "configured":
            await configure(connection)
            session.unregistered = await _unregistered(connection)
        return session

    async def open_pool(self, target: Target, profile: Profile, size: int) -> AsyncpgPool:
        """`asyncpg.create_pool` of a fixed size; it connects them all before it returns."""
        pool = await asyncpg.create_pool(
            **self._connect_arguments(target),
            min_size=size,
            max_size=size,
            init=configure if profile == "configured" else None,
            **self._reset,
        )
        opened = AsyncpgPool(pool)
        if profile == "configured":
            async with pool.acquire() as connection:
                opened.unregistered = await _unregistered(connection)
        return opened

    def connect(self, target: Target, profile: Profile) -> AsyncOp:
        """Connect and close; no registrations, which cost queries of their own."""
        arguments = self._connect_arguments(target)

        async def op() -> None:
            await (await asyncpg.connect(**arguments)).close()

        return op

    def connect_query(self, target: Target, profile: Profile, sql: str) -> AsyncOp:
        """Connect, fetch one value, close."""
        arguments = self._connect_arguments(target)

        async def op() -> Any:
            connection = await asyncpg.connect(**arguments)
            try:
                return await connection.fetchval(sql)
            finally:
                await connection.close()

        return op

    def _connect_arguments(self, target: Target) -> dict[str, Any]:
        return {
            "host": target.host,
            "port": target.port,
            "user": target.user,
            "password": target.password,
            "database": target.dbname,
            "server_settings": {
                "application_name": target.application_name,
                **dict(target.settings),
            },
            **target.tls_uri,
            **self._arguments,
        }
