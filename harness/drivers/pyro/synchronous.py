"""Sessions of pyro-postgres's sync API."""

from __future__ import annotations

from typing import Any

from harness.drivers.pyro.shared import PyroRows, params_of, steps_of
from harness.plugin import Call, SyncOp


class PyroSession(PyroRows):
    """A connection, `sync.Conn`."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def execute(self, call: Call) -> SyncOp:
        """`connection.exec_drop`."""
        run, query, params = self.connection.exec_drop, call.sql, params_of(call)
        return lambda: run(query, next(params))

    def fetch_all(self, call: Call) -> SyncOp:
        """`connection.exec`."""
        run, query, params = self.connection.exec, call.sql, params_of(call)
        return lambda: run(query, next(params))

    def fetch_one(self, call: Call) -> SyncOp:
        """`connection.exec_first`."""
        run, query, params = self.connection.exec_first, call.sql, params_of(call)
        return lambda: run(query, next(params))

    def fetch_val(self, call: Call) -> SyncOp:
        """The first value of `connection.exec_first`."""
        run, query, params = self.connection.exec_first, call.sql, params_of(call)

        return lambda: run(query, next(params))[0]

    def execute_many(self, call: Call) -> SyncOp:
        """`connection.exec_batch`."""
        run, query, rows = self.connection.exec_batch, call.sql, call.rows
        return lambda: run(query, rows)

    def sequential(self, call: Call) -> SyncOp:
        """One statement after another."""
        run, steps = self.connection.exec, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            for query, params, returns_rows in steps:
                rows = run(query, params)
                results.append(rows if returns_rows else None)
            return results

        return op

    def pipeline(self, call: Call) -> SyncOp:
        """`connection.pipeline`: statements are sent, then claimed in turn."""
        connection, steps = self.connection, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            with connection.pipeline() as pipeline:
                tickets = [pipeline.exec(query, params) for query, params, _ in steps]
                pipeline.sync()
                for ticket, (_, _, returns_rows) in zip(tickets, steps, strict=True):
                    rows = pipeline.claim_collect(ticket)
                    results.append(rows if returns_rows else None)
            return results

        return op

    def transaction(self, call: Call) -> SyncOp:
        """`with connection.tx()`."""
        connection, steps = self.connection, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            with connection.tx():
                for query, params, returns_rows in steps:
                    rows = connection.exec(query, params)
                    results.append(rows if returns_rows else None)
            return results

        return op

    def savepoint(self, call: Call) -> SyncOp:
        """The same, and the savepoint in SQL: the library has no helper."""
        connection, steps = self.connection, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            with connection.tx():
                connection.query_drop("savepoint pgdyno")
                for query, params, returns_rows in steps:
                    rows = connection.exec(query, params)
                    results.append(rows if returns_rows else None)
                connection.query_drop("release savepoint pgdyno")
            return results

        return op
