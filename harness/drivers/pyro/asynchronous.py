"""Sessions of pyro-postgres's async API. Its methods return futures of the running loop, so
that none can be called before the loop runs: each op is a coroutine."""

from __future__ import annotations

from typing import Any

from harness.drivers.pyro.shared import PyroRows, params_of, steps_of
from harness.plugin import AsyncOp, Call


class PyroAsyncSession(PyroRows):
    """A connection, `async_.Conn`."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def close(self) -> None:
        """Close the connection."""
        await self.connection.close()

    def execute(self, call: Call) -> AsyncOp:
        """`connection.exec_drop`."""
        run, query, params = self.connection.exec_drop, call.sql, params_of(call)

        async def op() -> Any:
            return await run(query, next(params))

        return op

    def fetch_all(self, call: Call) -> AsyncOp:
        """`connection.exec`."""
        run, query, params = self.connection.exec, call.sql, params_of(call)

        async def op() -> Any:
            return await run(query, next(params))

        return op

    def fetch_one(self, call: Call) -> AsyncOp:
        """`connection.exec_first`."""
        run, query, params = self.connection.exec_first, call.sql, params_of(call)

        async def op() -> Any:
            return await run(query, next(params))

        return op

    def fetch_val(self, call: Call) -> AsyncOp:
        """The first value of `connection.exec_first`."""
        run, query, params = self.connection.exec_first, call.sql, params_of(call)

        async def op() -> Any:
            return (await run(query, next(params)))[0]

        return op

    def execute_many(self, call: Call) -> AsyncOp:
        """`connection.exec_batch`."""
        run, query, rows = self.connection.exec_batch, call.sql, call.rows

        async def op() -> None:
            await run(query, rows)

        return op

    def sequential(self, call: Call) -> AsyncOp:
        """One statement after another."""
        run, steps = self.connection.exec, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            for query, params, returns_rows in steps:
                rows = await run(query, params)
                results.append(rows if returns_rows else None)
            return results

        return op

    def pipeline(self, call: Call) -> AsyncOp:
        """`connection.pipeline`: statements are sent, then claimed in turn."""
        connection, steps = self.connection, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with connection.pipeline() as pipeline:
                tickets = [pipeline.exec(query, params) for query, params, _ in steps]
                await pipeline.sync()
                for ticket, (_, _, returns_rows) in zip(tickets, steps, strict=True):
                    rows = await pipeline.claim_collect(ticket)
                    results.append(rows if returns_rows else None)
            return results

        return op

    def transaction(self, call: Call) -> AsyncOp:
        """`async with connection.tx()`."""
        connection, steps = self.connection, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with connection.tx():
                for query, params, returns_rows in steps:
                    rows = await connection.exec(query, params)
                    results.append(rows if returns_rows else None)
            return results

        return op

    def savepoint(self, call: Call) -> AsyncOp:
        """The same, and the savepoint in SQL: the library has no helper."""
        connection, steps = self.connection, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with connection.tx():
                await connection.query_drop("savepoint pgdyno")
                for query, params, returns_rows in steps:
                    rows = await connection.exec(query, params)
                    results.append(rows if returns_rows else None)
                await connection.query_drop("release savepoint pgdyno")
            return results

        return op
