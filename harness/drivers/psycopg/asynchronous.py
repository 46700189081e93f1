"""Sessions and pools of psycopg's async API."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from harness.drivers.psycopg.shared import (
    Rows,
    bound,
    connect_arguments,
    copy_in_statement,
    copy_types,
    steps_of,
    translated,
)
from harness.plugin import (
    FIND_VECTOR,
    AsyncOp,
    Call,
    Profile,
    Target,
    Unsupported,
    sql,
    unregistered_vector,
)

if TYPE_CHECKING:
    import psycopg
    import psycopg_pool


async def configure(connection: psycopg.AsyncConnection[Any]) -> None:
    """The registrations that psycopg's and pgvector's documentation show."""
    from psycopg.types.json import JsonbDumper

    connection.adapters.register_dumper(dict, JsonbDumper)
    if importlib.util.find_spec("pgvector") is None:
        return
    cursor = await connection.execute("select to_regtype('vector') is not null")
    if await cursor.fetchone() == (True,):
        from pgvector.psycopg import register_vector_async

        await register_vector_async(connection)


class PsycopgAsyncSession(Rows):
    """A connection of the async API."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], binary: bool) -> None:
        self.connection = connection
        self._binary = binary

    async def close(self) -> None:
        """Close the connection."""
        await self.connection.close()

    def execute(self, call: Call) -> AsyncOp:
        """`connection.execute`."""
        execute = self.connection.execute
        query, params = bound(call)
        return lambda: execute(query, next(params))

    def fetch_all(self, call: Call) -> AsyncOp:
        """`connection.execute`, then `cursor.fetchall`."""
        execute, binary = self.connection.execute, self._binary
        query, params = bound(call)

        async def op() -> Any:
            return await (await execute(query, next(params), binary=binary)).fetchall()

        return op

    def fetch_one(self, call: Call) -> AsyncOp:
        """`connection.execute`, then `cursor.fetchone`."""
        execute, binary = self.connection.execute, self._binary
        query, params = bound(call)

        async def op() -> Any:
            return await (await execute(query, next(params), binary=binary)).fetchone()

        return op

    def fetch_val(self, call: Call) -> AsyncOp:
        """`connection.execute`, then `cursor.fetchone`, then `[0]`."""
        execute: Callable[..., Any] = self.connection.execute
        binary = self._binary
        query, params = bound(call)

        async def op() -> Any:
            return (await (await execute(query, next(params), binary=binary)).fetchone())[0]

        return op

    def execute_many(self, call: Call) -> AsyncOp:
        """`cursor.executemany`, which pipelines by itself."""
        connection = self.connection
        query, rows = translated(call.sql, call.rows)

        async def op() -> None:
            async with connection.cursor() as cursor:
                await cursor.executemany(query, rows)

        return op

    def sequential(self, call: Call) -> AsyncOp:
        """One statement after another."""
        execute, binary, steps = self.connection.execute, self._binary, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            for query, params in steps:
                cursor = await execute(query, params, binary=binary)
                results.append(await cursor.fetchall() if cursor.description else None)
            return results

        return op

    def pipeline(self, call: Call) -> AsyncOp:
        """Pipeline mode: a cursor per statement, read when the block has ended."""
        connection, binary, steps = self.connection, self._binary, steps_of(call)

        async def op() -> list[Any]:
            async with connection.pipeline():
                cursors = [
                    await connection.execute(query, params, binary=binary)
                    for query, params in steps
                ]
            return [
                await cursor.fetchall() if cursor.description else None
                for cursor in cursors
            ]

        return op

    def transaction(self, call: Call) -> AsyncOp:
        """`async with connection.transaction()`."""
        connection, binary, steps = self.connection, self._binary, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with connection.transaction():
                for query, params in steps:
                    cursor = await connection.execute(query, params, binary=binary)
                    results.append(await cursor.fetchall() if cursor.description else None)
            return results

        return op

    def savepoint(self, call: Call) -> AsyncOp:
        """Two nested `transaction()` blocks; the inner one is a savepoint."""
        connection, binary, steps = self.connection, self._binary, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with connection.transaction(), connection.transaction():
                for query, params in steps:
                    cursor = await connection.execute(query, params, binary=binary)
                    results.append(await cursor.fetchall() if cursor.description else None)
            return results

        return op

    def copy_in(self, call: Call) -> AsyncOp:
        """`cursor.copy`, with `write` for bytes and `write_row` for rows."""
        connection, query = self.connection, copy_in_statement(call)
        data, rows = call.data, call.rows

        async def from_bytes() -> None:
            async with connection.cursor() as cursor, cursor.copy(query) as copy:
                await copy.write(data)

        async def from_rows_text() -> None:
            async with connection.cursor() as cursor, cursor.copy(query) as copy:
                for row in rows:
                    await copy.write_row(row)

        if data or call.format == "text":
            return from_bytes if data else from_rows_text
        types = copy_types(connection, call)

        async def from_rows_binary() -> None:
            async with connection.cursor() as cursor, cursor.copy(query) as copy:
                copy.set_types(types)
                for row in rows:
                    await copy.write_row(row)

        return from_rows_binary

    def copy_out(self, call: Call) -> AsyncOp:
        """`cursor.copy`, read to the end."""
        connection = self.connection
        query = sql.copy_out_statement(call.sql, call.format)

        async def op() -> bytes:
            async with connection.cursor() as cursor, cursor.copy(query) as copy:
                return b"".join([block async for block in copy])

        return op


class PsycopgAsyncPool(Rows):
    """A `psycopg_pool.AsyncConnectionPool`; each op takes a connection and returns it."""

    def __init__(self, pool: psycopg_pool.AsyncConnectionPool[Any], binary: bool) -> None:
        self._pool = pool
        self._binary = binary

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()

    def checkout(self, call: Call) -> AsyncOp:
        """Take a connection and give it back."""
        take = self._pool.connection

        async def op() -> None:
            async with take():
                pass

        return op

    def execute(self, call: Call) -> AsyncOp:
        """`connection.execute`."""
        take = self._pool.connection
        query, params = bound(call)

        async def op() -> Any:
            async with take() as connection:
                return await connection.execute(query, next(params))

        return op

    def fetch_all(self, call: Call) -> AsyncOp:
        """`connection.execute`, then `cursor.fetchall`."""
        take, binary = self._pool.connection, self._binary
        query, params = bound(call)

        async def op() -> Any:
            async with take() as connection:
                cursor = await connection.execute(query, next(params), binary=binary)
                return await cursor.fetchall()

        return op

    def fetch_one(self, call: Call) -> AsyncOp:
        """`connection.execute`, then `cursor.fetchone`."""
        take, binary = self._pool.connection, self._binary
        query, params = bound(call)

        async def op() -> Any:
            async with take() as connection:
                cursor = await connection.execute(query, next(params), binary=binary)
                return await cursor.fetchone()

        return op

    def fetch_val(self, call: Call) -> AsyncOp:
        """`connection.execute`, then `cursor.fetchone`, then `[0]`."""
        take, binary = self._pool.connection, self._binary
        query, params = bound(call)

        async def op() -> Any:
            async with take() as connection:
                cursor = await connection.execute(query, next(params), binary=binary)
                return (await cursor.fetchone())[0]

        return op

    def sequential(self, call: Call) -> AsyncOp:
        """One statement after another, on one connection of the pool."""
        take, binary, steps = self._pool.connection, self._binary, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with take() as connection:
                for query, params in steps:
                    cursor = await connection.execute(query, params, binary=binary)
                    results.append(await cursor.fetchall() if cursor.description else None)
            return results

        return op

    def transaction(self, call: Call) -> AsyncOp:
        """`async with connection.transaction()`."""
        take, binary, steps = self._pool.connection, self._binary, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with take() as connection, connection.transaction():
                for query, params in steps:
                    cursor = await connection.execute(query, params, binary=binary)
                    results.append(await cursor.fetchall() if cursor.description else None)
            return results

        return op


class AsyncOpening:
    """How a driver of the async API opens what it works with."""

    _binary = False
    _prepare = True
    configure = staticmethod(configure)

    def opening(self, target: Target) -> AsyncOp:
        """`AsyncConnection.connect`."""
        import psycopg

        connect, arguments = (
            psycopg.AsyncConnection.connect,
            connect_arguments(target, self._prepare),
        )
        return lambda: connect(**arguments)

    async def open(self, target: Target, profile: Profile) -> PsycopgAsyncSession:
        """Connect, and register if the profile is `configured`."""
        connection = await self.opening(target)()
        session = PsycopgAsyncSession(connection, self._binary)
        if profile == "configured":
            await configure(connection)
            cursor = await connection.execute(FIND_VECTOR)
            session.unregistered = unregistered_vector(*await cursor.fetchone())
        return session

    async def open_pool(
        self, target: Target, profile: Profile, size: int
    ) -> PsycopgAsyncPool:
        """A `psycopg_pool.AsyncConnectionPool` of a fixed size, filled."""
        try:
            from psycopg_pool import AsyncConnectionPool
        except ModuleNotFoundError as error:
            raise Unsupported(f"the pool is a package of its own: {error}") from error
        tried = await self.open(target, profile)  # a pool would retry for ever
        await tried.close()
        pool = AsyncConnectionPool(
            kwargs=connect_arguments(target, self._prepare),
            min_size=size,
            max_size=size,
            configure=configure if profile == "configured" else None,
            open=False,
        )
        await pool.open(wait=True)
        opened = PsycopgAsyncPool(pool, self._binary)
        opened.unregistered = tried.unregistered
        return opened

    def connect(self, target: Target, profile: Profile) -> AsyncOp:
        """Connect and close; no registrations, which cost queries of their own."""
        import psycopg

        connect, arguments = (
            psycopg.AsyncConnection.connect,
            connect_arguments(target, self._prepare),
        )

        async def op() -> None:
            await (await connect(**arguments)).close()

        return op

    def connect_query(self, target: Target, profile: Profile, sql: str) -> AsyncOp:
        """Connect, fetch one value, close."""
        import psycopg

        connect: Callable[..., Any] = psycopg.AsyncConnection.connect
        arguments = connect_arguments(target, self._prepare)

        async def op() -> Any:
            async with await connect(**arguments) as connection:
                return (await (await connection.execute(sql)).fetchone())[0]

        return op
