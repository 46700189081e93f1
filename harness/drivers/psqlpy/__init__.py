"""psqlpy: the driver `psqlpy`. It speaks `$n` itself, so nothing is translated.

Rows are decoded by `.result()`, so that belongs to every op that fetches. The row shape
is the library's default, `dict`, which forgets the first of two columns of one name.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

import psqlpy

from harness.plugin import (
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
    wrapped,
)


def _params(call: Call) -> Iterator[Any]:
    """Each call's parameters; a statement without any gets `None` each time."""
    return call.cycle() if any(call.params) else repeat(None)


def _steps(call: Call) -> list[tuple[str, tuple[Any, ...], bool]]:
    """Statement, parameters, and whether it returns rows: psqlpy says `[]` either way."""
    return [
        (statement.sql, statement.params, sql.returns_rows(statement.sql))
        for statement in call.statements
    ]


def _connect_arguments(target: Target) -> dict[str, Any]:
    return {
        "host": target.host,
        "port": target.port,
        "username": target.user,
        "password": target.password,
        "db_name": target.dbname,
        "options": target.options or None,
        "application_name": target.application_name,
        **(
            {"ssl_mode": psqlpy.SslMode.VerifyFull, "ca_file": target.tls}
            if target.tls
            else {}
        ),
    }


WRAPPERS = {
    "json": Wrapper("psqlpy.extra_types:JSON"),
    "jsonb": Wrapper("psqlpy.extra_types:JSONB"),
    "vector": Wrapper("psqlpy.extra_types:PgVector"),
}


def written(value: Any, imports: set[str]) -> str | None:
    """Source code of a mode of TLS; None for anything else."""
    if not isinstance(value, psqlpy.SslMode):
        return None
    imports.add("import psqlpy")
    return f"psqlpy.{value!r}"


class _Rows:
    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """The values of the dicts."""
        return [tuple(row.values()) for row in native if row is not None]

    def wrapper(self, kind: str, value: Any) -> Any:
        """`extra_types.JSON`, `JSONB` or `PgVector`."""
        return wrapped("psqlpy", WRAPPERS, kind, value)


class PsqlpySession(_Rows):
    """A psqlpy connection."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def close(self) -> None:
        """Close the connection; psqlpy's `close` is not a coroutine."""
        self.connection.close()

    def execute(self, call: Call) -> AsyncOp:
        """`connection.execute`."""
        execute, query, params = self.connection.execute, call.sql, _params(call)
        return lambda: execute(query, next(params))

    def fetch_all(self, call: Call) -> AsyncOp:
        """`connection.fetch`, then `.result()`."""
        fetch, query, params = self.connection.fetch, call.sql, _params(call)

        async def op() -> Any:
            return (await fetch(query, next(params))).result()

        return op

    def fetch_one(self, call: Call) -> AsyncOp:
        """`connection.fetch_row`, then `.result()`; without a row the library raises."""
        fetch_row, query, params = self.connection.fetch_row, call.sql, _params(call)

        async def op() -> Any:
            return (await fetch_row(query, next(params))).result()

        return op

    def fetch_val(self, call: Call) -> AsyncOp:
        """`connection.fetch_val`."""
        fetch_val, query, params = self.connection.fetch_val, call.sql, _params(call)
        return lambda: fetch_val(query, next(params))

    def execute_many(self, call: Call) -> AsyncOp:
        """`connection.execute_many`."""
        execute_many, query, rows = self.connection.execute_many, call.sql, call.rows
        return lambda: execute_many(query, rows)

    def sequential(self, call: Call) -> AsyncOp:
        """One statement after another, by `connection.fetch`."""
        fetch, steps = self.connection.fetch, _steps(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            for query, params, returns_rows in steps:
                result = await fetch(query, params)
                results.append(result.result() if returns_rows else None)
            return results

        return op

    def pipeline(self, call: Call) -> AsyncOp:
        """`transaction.pipeline`; a connection has none, so BEGIN and COMMIT are inside."""
        connection = self.connection
        queries = [(statement.sql, statement.params) for statement in call.statements]
        returns_rows = [sql.returns_rows(statement.sql) for statement in call.statements]

        async def op() -> list[Any]:
            async with connection.transaction() as transaction:
                results = await transaction.pipeline(queries)
            return [
                result.result() if returns else None
                for result, returns in zip(results, returns_rows, strict=True)
            ]

        return op

    def transaction(self, call: Call) -> AsyncOp:
        """`async with connection.transaction()`."""
        connection, steps = self.connection, _steps(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with connection.transaction() as transaction:
                for query, params, returns_rows in steps:
                    result = await transaction.fetch(query, params)
                    results.append(result.result() if returns_rows else None)
            return results

        return op

    def savepoint(self, call: Call) -> AsyncOp:
        """`create_savepoint` and `release_savepoint` of a transaction."""
        connection, steps = self.connection, _steps(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with connection.transaction() as transaction:
                await transaction.create_savepoint("pgdyno")
                for query, params, returns_rows in steps:
                    result = await transaction.fetch(query, params)
                    results.append(result.result() if returns_rows else None)
                await transaction.release_savepoint("pgdyno")
            return results

        return op

    def copy_in(self, call: Call) -> AsyncOp:
        """`binary_copy_to_table` for bytes, `copy_records_to_table` for rows."""
        if call.format != "binary":
            raise Unsupported(f"psqlpy has binary COPY only, not {call.format}")
        schema, table = sql.split_table(call.table)
        where = {"columns": call.columns or None, "schema_name": schema}
        if call.data:
            data, copy = call.data, self.connection.binary_copy_to_table
            return lambda: copy(data, table, **where)
        rows, copy_records = call.rows, self.connection.copy_records_to_table
        return lambda: copy_records(table, rows, **where)


class PsqlpyPool(_Rows):
    """A `ConnectionPool`; every op takes a connection and gives it back."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def close(self) -> None:
        """Close the pool; psqlpy's `close` is not a coroutine."""
        self._pool.close()

    def checkout(self, call: Call) -> AsyncOp:
        """`async with pool.acquire()`."""
        acquire = self._pool.acquire

        async def op() -> None:
            async with acquire():
                pass

        return op

    def execute(self, call: Call) -> AsyncOp:
        """`connection.execute`."""
        acquire, query, params = self._pool.acquire, call.sql, _params(call)

        async def op() -> Any:
            async with acquire() as connection:
                return await connection.execute(query, next(params))

        return op

    def fetch_all(self, call: Call) -> AsyncOp:
        """`connection.fetch`, then `.result()`."""
        acquire, query, params = self._pool.acquire, call.sql, _params(call)

        async def op() -> Any:
            async with acquire() as connection:
                return (await connection.fetch(query, next(params))).result()

        return op

    def fetch_one(self, call: Call) -> AsyncOp:
        """`connection.fetch_row`, then `.result()`."""
        acquire, query, params = self._pool.acquire, call.sql, _params(call)

        async def op() -> Any:
            async with acquire() as connection:
                return (await connection.fetch_row(query, next(params))).result()

        return op

    def fetch_val(self, call: Call) -> AsyncOp:
        """`connection.fetch_val`."""
        acquire, query, params = self._pool.acquire, call.sql, _params(call)

        async def op() -> Any:
            async with acquire() as connection:
                return await connection.fetch_val(query, next(params))

        return op

    def sequential(self, call: Call) -> AsyncOp:
        """One statement after another, on one connection of the pool."""
        acquire, steps = self._pool.acquire, _steps(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with acquire() as connection:
                for query, params, returns_rows in steps:
                    result = await connection.fetch(query, params)
                    results.append(result.result() if returns_rows else None)
            return results

        return op

    def pipeline(self, call: Call) -> AsyncOp:
        """`pool.acquire` around a transaction with a pipeline."""
        acquire = self._pool.acquire
        queries = [(statement.sql, statement.params) for statement in call.statements]
        returns_rows = [sql.returns_rows(statement.sql) for statement in call.statements]

        async def op() -> list[Any]:
            async with acquire() as connection, connection.transaction() as transaction:
                results = await transaction.pipeline(queries)
            return [
                result.result() if returns else None
                for result, returns in zip(results, returns_rows, strict=True)
            ]

        return op

    def transaction(self, call: Call) -> AsyncOp:
        """`pool.acquire` around `connection.transaction`."""
        acquire, steps = self._pool.acquire, _steps(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with acquire() as connection, connection.transaction() as transaction:
                for query, params, returns_rows in steps:
                    result = await transaction.fetch(query, params)
                    results.append(result.result() if returns_rows else None)
            return results

        return op


_CONSTRAINT = re.compile(r'constraint "([^"]+)"')
_COLUMN = re.compile(r'column "([^"]+)"')
_RELATION = re.compile(r'(?:relation|table) "([^"]+)"')
_SERVER_MESSAGE = re.compile(r"db error: \w+: (.*?)(?:\n(?:DETAIL|HINT):.*)?\Z", re.DOTALL)


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


class Psqlpy:
    """psqlpy."""

    name = "psqlpy"
    kind: Kind = "async"
    options: Mapping[str, str] = {"uvloop": "run on uvloop instead of asyncio's loop"}
    registrations = ()  # its documentation shows none
    capabilities = frozenset(Capability) - {Capability.COPY_TEXT, Capability.COPY_CSV}
    acts = ("harness.drivers.psqlpy.acts",)
    wrappers = WRAPPERS
    written = staticmethod(written)

    def __init__(self, options: frozenset[str]) -> None:
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
            library="psqlpy",
            version=importlib.metadata.version("psqlpy"),
            implementation="Rust",
            libpq="none (tokio-postgres)",
            wire_results="binary",
            wire_parameters="binary",
            row_shape="dict",
            placeholders="$n",
            statement_cache="prepares at the 1st execution (prepared=True, default)",
            autocommit="on (the library's only habit)",
            pool="psqlpy.ConnectionPool, at least 2",
            loop=f"{self._loop_name}, over tokio's threads",
        )

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From the message: psqlpy exposes neither SQLSTATE nor the fields of an error."""
        text = str(error)
        message = _first(_SERVER_MESSAGE, text)
        if not message:
            return ErrorFields(message=text)
        return ErrorFields(
            message=message,
            constraint=_first(_CONSTRAINT, message),
            table=_first(_RELATION, message),
            column=_first(_COLUMN, message),
        )

    def opening(self, target: Target) -> AsyncOp:
        """`psqlpy.connect`."""
        arguments = _connect_arguments(target)
        return lambda: psqlpy.connect(**arguments)

    async def open(self, target: Target, profile: Profile) -> PsqlpySession:
        """Connect; there is nothing to configure."""
        return PsqlpySession(await self.opening(target)())

    async def open_pool(self, target: Target, profile: Profile, size: int) -> PsqlpyPool:
        """A `ConnectionPool`; it connects on demand, so all of it is taken out once."""
        if size < 2:
            raise Unsupported("psqlpy's pool must have at least 2 connections")
        pool = psqlpy.ConnectionPool(max_db_pool_size=size, **_connect_arguments(target))
        connections = [await pool.connection() for _ in range(size)]
        for connection in connections:
            connection.close()
        return PsqlpyPool(pool)

    def connect(self, target: Target, profile: Profile) -> AsyncOp:
        """Connect and close."""
        arguments = _connect_arguments(target)

        async def op() -> None:
            (await psqlpy.connect(**arguments)).close()

        return op

    def connect_query(self, target: Target, profile: Profile, sql: str) -> AsyncOp:
        """Connect, fetch one value, close."""
        arguments = _connect_arguments(target)

        async def op() -> Any:
            connection = await psqlpy.connect(**arguments)
            try:
                return await connection.fetch_val(sql)
            finally:
                connection.close()

        return op
