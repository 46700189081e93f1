"""Connections and pools of aiopg. psycopg2's asynchronous mode has no `executemany`, COPY,
large object or named cursor."""

from __future__ import annotations

from typing import Any

from harness.drivers.aiopg.shared import AiopgRows, bound, steps_of
from harness.plugin import AsyncOp, Call


class AiopgSession(AiopgRows):
    """A connection; each op works with a cursor of its own."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def close(self) -> None:
        """Close the connection."""
        await self.connection.close()

    def execute(self, call: Call) -> AsyncOp:
        """`cursor.execute`."""
        open_cursor = self.connection.cursor
        query, params = bound(call)

        async def op() -> None:
            async with open_cursor() as cursor:
                await cursor.execute(query, next(params))

        return op

    def fetch_all(self, call: Call) -> AsyncOp:
        """`cursor.execute`, then `cursor.fetchall`."""
        open_cursor = self.connection.cursor
        query, params = bound(call)

        async def op() -> Any:
            async with open_cursor() as cursor:
                await cursor.execute(query, next(params))
                return await cursor.fetchall()

        return op

    def fetch_one(self, call: Call) -> AsyncOp:
        """`cursor.execute`, then `cursor.fetchone`."""
        open_cursor = self.connection.cursor
        query, params = bound(call)

        async def op() -> Any:
            async with open_cursor() as cursor:
                await cursor.execute(query, next(params))
                return await cursor.fetchone()

        return op

    def fetch_val(self, call: Call) -> AsyncOp:
        """`cursor.execute`, then `cursor.fetchone()[0]`."""
        open_cursor = self.connection.cursor
        query, params = bound(call)

        async def op() -> Any:
            async with open_cursor() as cursor:
                await cursor.execute(query, next(params))
                return (await cursor.fetchone())[0]

        return op

    def sequential(self, call: Call) -> AsyncOp:
        """One statement after another, on one cursor."""
        open_cursor, steps = self.connection.cursor, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with open_cursor() as cursor:
                for query, params in steps:
                    await cursor.execute(query, params)
                    rows = await cursor.fetchall() if cursor.description else None
                    results.append(rows)
            return results

        return op

    def transaction(self, call: Call) -> AsyncOp:
        """`async with cursor.begin()`."""
        open_cursor, steps = self.connection.cursor, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with open_cursor() as cursor, cursor.begin():
                for query, params in steps:
                    await cursor.execute(query, params)
                    rows = await cursor.fetchall() if cursor.description else None
                    results.append(rows)
            return results

        return op

    def savepoint(self, call: Call) -> AsyncOp:
        """`cursor.begin_nested()` inside of `cursor.begin()` is a savepoint."""
        open_cursor, steps = self.connection.cursor, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with open_cursor() as cursor, cursor.begin(), cursor.begin_nested():
                for query, params in steps:
                    await cursor.execute(query, params)
                    rows = await cursor.fetchall() if cursor.description else None
                    results.append(rows)
            return results

        return op


class AiopgPool(AiopgRows):
    """An `aiopg.Pool`; every op takes a connection and gives it back."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def close(self) -> None:
        """`pool.close`, and `pool.wait_closed`."""
        self._pool.close()
        await self._pool.wait_closed()

    def checkout(self, call: Call) -> AsyncOp:
        """`async with pool.acquire()`."""
        acquire = self._pool.acquire

        async def op() -> None:
            async with acquire():
                pass

        return op

    def execute(self, call: Call) -> AsyncOp:
        """`cursor.execute`."""
        acquire = self._pool.acquire
        query, params = bound(call)

        async def op() -> None:
            async with acquire() as connection, connection.cursor() as cursor:
                await cursor.execute(query, next(params))

        return op

    def fetch_all(self, call: Call) -> AsyncOp:
        """`cursor.execute`, then `cursor.fetchall`."""
        acquire = self._pool.acquire
        query, params = bound(call)

        async def op() -> Any:
            async with acquire() as connection, connection.cursor() as cursor:
                await cursor.execute(query, next(params))
                return await cursor.fetchall()

        return op

    def fetch_one(self, call: Call) -> AsyncOp:
        """`cursor.execute`, then `cursor.fetchone`."""
        acquire = self._pool.acquire
        query, params = bound(call)

        async def op() -> Any:
            async with acquire() as connection, connection.cursor() as cursor:
                await cursor.execute(query, next(params))
                return await cursor.fetchone()

        return op

    def fetch_val(self, call: Call) -> AsyncOp:
        """`cursor.execute`, then `cursor.fetchone()[0]`."""
        acquire = self._pool.acquire
        query, params = bound(call)

        async def op() -> Any:
            async with acquire() as connection, connection.cursor() as cursor:
                await cursor.execute(query, next(params))
                return (await cursor.fetchone())[0]

        return op

    def sequential(self, call: Call) -> AsyncOp:
        """One statement after another, on one cursor of one connection of the pool."""
        acquire, steps = self._pool.acquire, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with acquire() as connection, connection.cursor() as cursor:
                for query, params in steps:
                    await cursor.execute(query, params)
                    rows = await cursor.fetchall() if cursor.description else None
                    results.append(rows)
            return results

        return op

    def transaction(self, call: Call) -> AsyncOp:
        """`async with cursor.begin()`."""
        acquire, steps = self._pool.acquire, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with (
                acquire() as connection,
                connection.cursor() as cursor,
                cursor.begin(),
            ):
                for query, params in steps:
                    await cursor.execute(query, params)
                    rows = await cursor.fetchall() if cursor.description else None
                    results.append(rows)
            return results

        return op
