# Made from core_async.py by tools/psycopg_sync.py: change that, not this.
"""Sessions and pools of SQLAlchemy Core.

A session holds one connection of an engine in AUTOCOMMIT, and takes another one for
transactions, from an engine that is not: `begin()` of a connection in AUTOCOMMIT begins
nothing. The pool of the second engine is empty until there is a transaction.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, insert

from harness.drivers.sqlalchemy.statements import (
    NativeRows,
    bound,
    many,
    rows_of,
    steps_of,
    table_of,
)
from harness.plugin import Call, Profile, SyncOp


class CoreSession(NativeRows):
    """A connection of an engine in AUTOCOMMIT, and an engine for transactions."""

    def __init__(
        self, connection: Connection, transactions: Engine, profile: Profile
    ) -> None:
        self.connection = connection
        self._transactions = transactions
        self._profile = profile

    def close(self) -> None:
        """Give the connection back, and close both pools."""
        self.connection.close()
        self.connection.engine.dispose()
        self._transactions.dispose()

    def execute(self, call: Call) -> SyncOp:
        """`connection.execute`."""
        execute = self.connection.execute
        statement, params = bound(call, self._profile)
        return lambda: execute(statement, next(params))

    def fetch_all(self, call: Call) -> SyncOp:
        """`connection.execute`, then `result.all`."""
        execute = self.connection.execute
        statement, params = bound(call, self._profile)

        def op() -> Any:
            return execute(statement, next(params)).all()

        return op

    def fetch_one(self, call: Call) -> SyncOp:
        """`connection.execute`, then `result.first`."""
        execute = self.connection.execute
        statement, params = bound(call, self._profile)

        def op() -> Any:
            return execute(statement, next(params)).first()

        return op

    def fetch_val(self, call: Call) -> SyncOp:
        """`connection.scalar`."""
        scalar = self.connection.scalar
        statement, params = bound(call, self._profile)
        return lambda: scalar(statement, next(params))

    def execute_many(self, call: Call) -> SyncOp:
        """`connection.execute` with a list: the driver's `executemany`."""
        execute = self.connection.execute
        statement, rows = many(call, self._profile)
        return lambda: execute(statement, rows)

    def batch_helper(self, call: Call) -> SyncOp:
        """`insert(table)` with a list: "insertmanyvalues" where the dialect uses it."""
        execute, rows = self.connection.execute, rows_of(call)
        statement = insert(table_of(call))
        return lambda: execute(statement, rows)

    def sequential(self, call: Call) -> SyncOp:
        """One statement after another."""
        execute, steps = self.connection.execute, steps_of(call, self._profile)

        def op() -> list[Any]:
            results: list[Any] = []
            for statement, params in steps:
                result = execute(statement, params)
                results.append(result.all() if result.returns_rows else None)
            return results

        return op

    def transaction(self, call: Call) -> SyncOp:
        """`with engine.begin()`."""
        begin, steps = self._transactions.begin, steps_of(call, self._profile)

        def op() -> list[Any]:
            results: list[Any] = []
            with begin() as connection:
                for statement, params in steps:
                    result = connection.execute(statement, params)
                    results.append(result.all() if result.returns_rows else None)
            return results

        return op

    def savepoint(self, call: Call) -> SyncOp:
        """`with engine.begin()`, and `begin_nested` inside."""
        begin, steps = self._transactions.begin, steps_of(call, self._profile)

        def op() -> list[Any]:
            results: list[Any] = []
            with begin() as connection, connection.begin_nested():
                for statement, params in steps:
                    result = connection.execute(statement, params)
                    results.append(result.all() if result.returns_rows else None)
            return results

        return op


class CorePool(NativeRows):
    """An engine in AUTOCOMMIT with a pool; transactions share it, at another level."""

    def __init__(self, engine: Engine, profile: Profile) -> None:
        self._engine = engine
        self._transactions = engine.execution_options(isolation_level="READ COMMITTED")
        self._profile = profile

    def close(self) -> None:
        """`engine.dispose`."""
        self._engine.dispose()

    def checkout(self, call: Call) -> SyncOp:
        """`with engine.connect()`."""
        connect = self._engine.connect

        def op() -> None:
            with connect():
                pass

        return op

    def execute(self, call: Call) -> SyncOp:
        """`connection.execute`."""
        connect = self._engine.connect
        statement, params = bound(call, self._profile)

        def op() -> Any:
            with connect() as connection:
                return connection.execute(statement, next(params))

        return op

    def fetch_all(self, call: Call) -> SyncOp:
        """`connection.execute`, then `result.all`."""
        connect = self._engine.connect
        statement, params = bound(call, self._profile)

        def op() -> Any:
            with connect() as connection:
                return connection.execute(statement, next(params)).all()

        return op

    def fetch_one(self, call: Call) -> SyncOp:
        """`connection.execute`, then `result.first`."""
        connect = self._engine.connect
        statement, params = bound(call, self._profile)

        def op() -> Any:
            with connect() as connection:
                return connection.execute(statement, next(params)).first()

        return op

    def fetch_val(self, call: Call) -> SyncOp:
        """`connection.scalar`."""
        connect = self._engine.connect
        statement, params = bound(call, self._profile)

        def op() -> Any:
            with connect() as connection:
                return connection.scalar(statement, next(params))

        return op

    def sequential(self, call: Call) -> SyncOp:
        """One statement after another, on one connection of the pool."""
        connect, steps = self._engine.connect, steps_of(call, self._profile)

        def op() -> list[Any]:
            results: list[Any] = []
            with connect() as connection:
                for statement, params in steps:
                    result = connection.execute(statement, params)
                    results.append(result.all() if result.returns_rows else None)
            return results

        return op

    def transaction(self, call: Call) -> SyncOp:
        """`with engine.begin()`."""
        begin, steps = self._transactions.begin, steps_of(call, self._profile)

        def op() -> list[Any]:
            results: list[Any] = []
            with begin() as connection:
                for statement, params in steps:
                    result = connection.execute(statement, params)
                    results.append(result.all() if result.returns_rows else None)
            return results

        return op
