# Made from asynchronous.py by tools/psycopg_sync.py: change that, not this.
"""Sessions and pools of psycopg's sync API."""

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
    Call,
    Profile,
    SyncOp,
    Target,
    Unsupported,
    sql,
    unregistered_vector,
)

if TYPE_CHECKING:
    import psycopg
    import psycopg_pool


def configure(connection: psycopg.Connection[Any]) -> None:
    """The registrations that psycopg's and pgvector's documentation show."""
    from psycopg.types.json import JsonbDumper

    connection.adapters.register_dumper(dict, JsonbDumper)
    if importlib.util.find_spec("pgvector") is None:
        return
    cursor = connection.execute("select to_regtype('vector') is not null")
    if cursor.fetchone() == (True,):
        from pgvector.psycopg import register_vector

        register_vector(connection)


class PsycopgSession(Rows):
    """A connection of the sync API."""

    def __init__(self, connection: psycopg.Connection[Any], binary: bool) -> None:
        self.connection = connection
        self._binary = binary

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def execute(self, call: Call) -> SyncOp:
        """`connection.execute`."""
        execute = self.connection.execute
        query, params = bound(call)
        return lambda: execute(query, next(params))

    def fetch_all(self, call: Call) -> SyncOp:
        """`connection.execute`, then `cursor.fetchall`."""
        execute, binary = self.connection.execute, self._binary
        query, params = bound(call)

        def op() -> Any:
            return execute(query, next(params), binary=binary).fetchall()

        return op

    def fetch_one(self, call: Call) -> SyncOp:
        """`connection.execute`, then `cursor.fetchone`."""
        execute, binary = self.connection.execute, self._binary
        query, params = bound(call)

        def op() -> Any:
            return execute(query, next(params), binary=binary).fetchone()

        return op

    def fetch_val(self, call: Call) -> SyncOp:
        """`connection.execute`, then `cursor.fetchone`, then `[0]`."""
        execute: Callable[..., Any] = self.connection.execute
        binary = self._binary
        query, params = bound(call)

        def op() -> Any:
            return execute(query, next(params), binary=binary).fetchone()[0]

        return op

    def execute_many(self, call: Call) -> SyncOp:
        """`cursor.executemany`, which pipelines by itself."""
        connection = self.connection
        query, rows = translated(call.sql, call.rows)

        def op() -> None:
            with connection.cursor() as cursor:
                cursor.executemany(query, rows)

        return op

    def sequential(self, call: Call) -> SyncOp:
        """One statement after another."""
        execute, binary, steps = self.connection.execute, self._binary, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            for query, params in steps:
                cursor = execute(query, params, binary=binary)
                results.append(cursor.fetchall() if cursor.description else None)
            return results

        return op

    def pipeline(self, call: Call) -> SyncOp:
        """Pipeline mode: a cursor per statement, read when the block has ended."""
        connection, binary, steps = self.connection, self._binary, steps_of(call)

        def op() -> list[Any]:
            with connection.pipeline():
                cursors = [
                    connection.execute(query, params, binary=binary)
                    for query, params in steps
                ]
            return [cursor.fetchall() if cursor.description else None for cursor in cursors]

        return op

    def transaction(self, call: Call) -> SyncOp:
        """`with connection.transaction()`."""
        connection, binary, steps = self.connection, self._binary, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            with connection.transaction():
                for query, params in steps:
                    cursor = connection.execute(query, params, binary=binary)
                    results.append(cursor.fetchall() if cursor.description else None)
            return results

        return op

    def savepoint(self, call: Call) -> SyncOp:
        """Two nested `transaction()` blocks; the inner one is a savepoint."""
        connection, binary, steps = self.connection, self._binary, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            with connection.transaction(), connection.transaction():
                for query, params in steps:
                    cursor = connection.execute(query, params, binary=binary)
                    results.append(cursor.fetchall() if cursor.description else None)
            return results

        return op

    def copy_in(self, call: Call) -> SyncOp:
        """`cursor.copy`, with `write` for bytes and `write_row` for rows."""
        connection, query = self.connection, copy_in_statement(call)
        data, rows = call.data, call.rows

        def from_bytes() -> None:
            with connection.cursor() as cursor, cursor.copy(query) as copy:
                copy.write(data)

        def from_rows_text() -> None:
            with connection.cursor() as cursor, cursor.copy(query) as copy:
                for row in rows:
                    copy.write_row(row)

        if data or call.format == "text":
            return from_bytes if data else from_rows_text
        types = copy_types(connection, call)

        def from_rows_binary() -> None:
            with connection.cursor() as cursor, cursor.copy(query) as copy:
                copy.set_types(types)
                for row in rows:
                    copy.write_row(row)

        return from_rows_binary

    def copy_out(self, call: Call) -> SyncOp:
        """`cursor.copy`, read to the end."""
        connection = self.connection
        query = sql.copy_out_statement(call.sql, call.format)

        def op() -> bytes:
            with connection.cursor() as cursor, cursor.copy(query) as copy:
                return b"".join(copy)

        return op


class PsycopgPool(Rows):
    """A `psycopg_pool.ConnectionPool`; each op takes a connection and returns it."""

    def __init__(self, pool: psycopg_pool.ConnectionPool[Any], binary: bool) -> None:
        self._pool = pool
        self._binary = binary

    def close(self) -> None:
        """Close the pool."""
        self._pool.close()

    def checkout(self, call: Call) -> SyncOp:
        """Take a connection and give it back."""
        take = self._pool.connection

        def op() -> None:
            with take():
                pass

        return op

    def execute(self, call: Call) -> SyncOp:
        """`connection.execute`."""
        take = self._pool.connection
        query, params = bound(call)

        def op() -> Any:
            with take() as connection:
                return connection.execute(query, next(params))

        return op

    def fetch_all(self, call: Call) -> SyncOp:
        """`connection.execute`, then `cursor.fetchall`."""
        take, binary = self._pool.connection, self._binary
        query, params = bound(call)

        def op() -> Any:
            with take() as connection:
                cursor = connection.execute(query, next(params), binary=binary)
                return cursor.fetchall()

        return op

    def fetch_one(self, call: Call) -> SyncOp:
        """`connection.execute`, then `cursor.fetchone`."""
        take, binary = self._pool.connection, self._binary
        query, params = bound(call)

        def op() -> Any:
            with take() as connection:
                cursor = connection.execute(query, next(params), binary=binary)
                return cursor.fetchone()

        return op

    def fetch_val(self, call: Call) -> SyncOp:
        """`connection.execute`, then `cursor.fetchone`, then `[0]`."""
        take, binary = self._pool.connection, self._binary
        query, params = bound(call)

        def op() -> Any:
            with take() as connection:
                cursor = connection.execute(query, next(params), binary=binary)
                return cursor.fetchone()[0]

        return op

    def sequential(self, call: Call) -> SyncOp:
        """One statement after another, on one connection of the pool."""
        take, binary, steps = self._pool.connection, self._binary, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            with take() as connection:
                for query, params in steps:
                    cursor = connection.execute(query, params, binary=binary)
                    results.append(cursor.fetchall() if cursor.description else None)
            return results

        return op

    def transaction(self, call: Call) -> SyncOp:
        """`with connection.transaction()`."""
        take, binary, steps = self._pool.connection, self._binary, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            with take() as connection, connection.transaction():
                for query, params in steps:
                    cursor = connection.execute(query, params, binary=binary)
                    results.append(cursor.fetchall() if cursor.description else None)
            return results

        return op


class Opening:
    """How a driver of the sync API opens what it works with."""

    _binary = False
    _prepare = True
    configure = staticmethod(configure)

    def opening(self, target: Target) -> SyncOp:
        """`psycopg.connect`."""
        import psycopg

        connect, arguments = (
            psycopg.connect,
            connect_arguments(target, self._prepare),
        )
        return lambda: connect(**arguments)

    def open(self, target: Target, profile: Profile) -> PsycopgSession:
        """Connect, and register if the profile is `configured`."""
        connection = self.opening(target)()
        session = PsycopgSession(connection, self._binary)
        if profile == "configured":
            configure(connection)
            cursor = connection.execute(FIND_VECTOR)
            session.unregistered = unregistered_vector(*cursor.fetchone())
        return session

    def open_pool(self, target: Target, profile: Profile, size: int) -> PsycopgPool:
        """A `psycopg_pool.ConnectionPool` of a fixed size, filled."""
        try:
            from psycopg_pool import ConnectionPool
        except ModuleNotFoundError as error:
            raise Unsupported(f"the pool is a package of its own: {error}") from error
        tried = self.open(target, profile)  # a pool would retry for ever
        tried.close()
        pool = ConnectionPool(
            kwargs=connect_arguments(target, self._prepare),
            min_size=size,
            max_size=size,
            configure=configure if profile == "configured" else None,
            open=False,
        )
        pool.open(wait=True)
        opened = PsycopgPool(pool, self._binary)
        opened.unregistered = tried.unregistered
        return opened

    def connect(self, target: Target, profile: Profile) -> SyncOp:
        """Connect and close; no registrations, which cost queries of their own."""
        import psycopg

        connect, arguments = (
            psycopg.connect,
            connect_arguments(target, self._prepare),
        )

        def op() -> None:
            connect(**arguments).close()

        return op

    def connect_query(self, target: Target, profile: Profile, sql: str) -> SyncOp:
        """Connect, fetch one value, close."""
        import psycopg

        connect: Callable[..., Any] = psycopg.connect
        arguments = connect_arguments(target, self._prepare)

        def op() -> Any:
            with connect(**arguments) as connection:
                return connection.execute(sql).fetchone()[0]

        return op
