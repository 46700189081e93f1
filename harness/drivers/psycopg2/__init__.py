"""psycopg2: the driver `psycopg2`. Parameters are put into the SQL by the client."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from itertools import repeat
from typing import Any

import psycopg2
import psycopg2.extras
import psycopg2.pool

from harness.plugin import (
    FIND_VECTOR,
    RANGE,
    Call,
    Capability,
    ErrorFields,
    Kind,
    Profile,
    SyncOp,
    Target,
    Terms,
    Unsupported,
    Wrapper,
    sql,
    unregistered_vector,
    wrapped,
)


def _bound(call: Call) -> tuple[str, Iterator[Any]]:
    """The statement with `%s`, and its parameters: None where it takes none."""
    if not any(call.params):
        return call.sql, repeat(None)
    query = sql.to_format(call.sql)
    params = tuple(map(query.arrange, call.params))
    return query.sql, replace(call, params=params).cycle()


def _steps(call: Call) -> list[tuple[str, Any]]:
    """Statements with their parameters, None for those that take none."""
    steps: list[tuple[str, Any]] = []
    for statement in call.statements:
        if statement.params:
            query = sql.to_format(statement.sql)
            steps.append((query.sql, query.arrange(statement.params)))
        else:
            steps.append((statement.sql, None))
    return steps


def _connect_arguments(target: Target) -> dict[str, Any]:
    return {
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "password": target.password,
        "dbname": target.dbname,
        "options": target.options,
        "application_name": target.application_name,
        **target.libpq_tls,
    }


def configure(connection: Any) -> None:
    """The registrations that psycopg2's and pgvector's documentation show.

    json and jsonb are read as objects by default. Adapters are global to the process:
    psycopg2 has no other place for them.
    """
    psycopg2.extensions.register_adapter(dict, psycopg2.extras.Json)
    psycopg2.extras.register_uuid(conn_or_curs=connection)  # type: ignore[no-untyped-call]
    psycopg2.extras.register_ipaddress(connection)
    if importlib.util.find_spec("pgvector") is None:
        return
    with connection.cursor() as cursor:
        cursor.execute("select to_regtype('vector') is not null")
        (exists,) = cursor.fetchone()
    if exists:
        from pgvector.psycopg2 import register_vector

        register_vector(connection)


def _unregistered(connection: Any) -> Mapping[str, str]:
    """What should have been registered and is not, and why."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_VECTOR)
        return unregistered_vector(*cursor.fetchone())


_RANGES = {
    "int4range": "NumericRange",
    "int8range": "NumericRange",
    "numrange": "NumericRange",
    "daterange": "DateRange",
    "tsrange": "DateTimeRange",
    "tstzrange": "DateTimeTZRange",
}

WRAPPERS = {
    "json": Wrapper("psycopg2.extras:Json"),
    "jsonb": Wrapper("psycopg2.extras:Json"),
    "vector": Wrapper("pgvector:Vector"),
    "halfvec": Wrapper("pgvector:HalfVector"),
    "sparsevec": Wrapper("pgvector:SparseVector"),
    **{kind: Wrapper(f"psycopg2.extras:{name}", RANGE) for kind, name in _RANGES.items()},
}


class _Rows:
    unregistered: Mapping[str, str] = {}  # types of the profile → why not

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """The rows are tuples already; `None` is a row that was not there."""
        return [row for row in native if row is not None]

    def wrapper(self, kind: str, value: Any) -> Any:
        """`Json` for both JSON types, a class for each range, or one of pgvector's."""
        return wrapped("psycopg2", WRAPPERS, kind, value)


class Psycopg2Session(_Rows):
    """A psycopg2 connection; each op works with a cursor of its own."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def execute(self, call: Call) -> SyncOp:
        """`cursor.execute`."""
        open_cursor = self.connection.cursor
        query, params = _bound(call)

        def op() -> None:
            with open_cursor() as cursor:
                cursor.execute(query, next(params))

        return op

    def fetch_all(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchall`."""
        open_cursor = self.connection.cursor
        query, params = _bound(call)

        def op() -> Any:
            with open_cursor() as cursor:
                cursor.execute(query, next(params))
                return cursor.fetchall()

        return op

    def fetch_one(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchone`."""
        open_cursor = self.connection.cursor
        query, params = _bound(call)

        def op() -> Any:
            with open_cursor() as cursor:
                cursor.execute(query, next(params))
                return cursor.fetchone()

        return op

    def fetch_val(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchone()[0]`."""
        open_cursor = self.connection.cursor
        query, params = _bound(call)

        def op() -> Any:
            with open_cursor() as cursor:
                cursor.execute(query, next(params))
                return cursor.fetchone()[0]

        return op

    def execute_many(self, call: Call) -> SyncOp:
        """`cursor.executemany`: a loop of single statements inside the library."""
        open_cursor, translated = self.connection.cursor, sql.to_format(call.sql)
        query, rows = translated.sql, tuple(map(translated.arrange, call.rows))

        def op() -> None:
            with open_cursor() as cursor:
                cursor.executemany(query, rows)

        return op

    def batch_helper(self, call: Call) -> SyncOp:
        """`extras.execute_values` with its default page of 100 rows."""
        open_cursor, rows = self.connection.cursor, call.rows
        execute_values = psycopg2.extras.execute_values
        names = ", ".join(map(sql.quote, call.columns))
        query = f"insert into {sql.quote_table(call.table)} ({names}) values %s"

        def op() -> None:
            with open_cursor() as cursor:
                execute_values(cursor, query, rows)

        return op

    def sequential(self, call: Call) -> SyncOp:
        """One statement after another, on one cursor."""
        open_cursor, steps = self.connection.cursor, _steps(call)

        def op() -> list[Any]:
            results: list[Any] = []
            with open_cursor() as cursor:
                for query, params in steps:
                    cursor.execute(query, params)
                    results.append(cursor.fetchall() if cursor.description else None)
            return results

        return op

    def transaction(self, call: Call) -> SyncOp:
        """`with connection`, which begins a transaction even in autocommit."""
        connection, steps = self.connection, _steps(call)

        def op() -> list[Any]:
            results: list[Any] = []
            with connection, connection.cursor() as cursor:
                for query, params in steps:
                    cursor.execute(query, params)
                    results.append(cursor.fetchall() if cursor.description else None)
            return results

        return op

    def savepoint(self, call: Call) -> SyncOp:
        """`with connection`, and the savepoint in SQL: the library has no helper."""
        connection, steps = self.connection, _steps(call)

        def op() -> list[Any]:
            results: list[Any] = []
            with connection, connection.cursor() as cursor:
                cursor.execute("savepoint pgdyno")
                for query, params in steps:
                    cursor.execute(query, params)
                    results.append(cursor.fetchall() if cursor.description else None)
                cursor.execute("release savepoint pgdyno")
            return results

        return op

    def copy_in(self, call: Call) -> SyncOp:
        """`cursor.copy_expert` from a BytesIO."""
        if not call.data:
            raise Unsupported(
                "psycopg2 has no encoder for COPY rows; the user writes the text"
            )
        open_cursor, data = self.connection.cursor, call.data
        query = sql.copy_in_statement(call.table, call.columns, call.format)

        def op() -> None:
            with open_cursor() as cursor:
                cursor.copy_expert(query, BytesIO(data))

        return op

    def copy_out(self, call: Call) -> SyncOp:
        """`cursor.copy_expert` into a BytesIO."""
        open_cursor = self.connection.cursor
        query = sql.copy_out_statement(call.sql, call.format)

        def op() -> bytes:
            sink = BytesIO()
            with open_cursor() as cursor:
                cursor.copy_expert(query, sink)
            return sink.getvalue()

        return op


class Psycopg2Pool(_Rows):
    """A `ThreadedConnectionPool`, which raises when all connections are in use."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    def close(self) -> None:
        """Close the pool."""
        self._pool.closeall()

    def checkout(self, call: Call) -> SyncOp:
        """Take a connection and give it back."""
        take, give_back = self._pool.getconn, self._pool.putconn
        return lambda: give_back(take())

    def execute(self, call: Call) -> SyncOp:
        """`cursor.execute`."""
        take, give_back = self._pool.getconn, self._pool.putconn
        query, params = _bound(call)

        def op() -> None:
            connection = take()
            try:
                with connection.cursor() as cursor:
                    cursor.execute(query, next(params))
            finally:
                give_back(connection)

        return op

    def fetch_all(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchall`."""
        take, give_back = self._pool.getconn, self._pool.putconn
        query, params = _bound(call)

        def op() -> Any:
            connection = take()
            try:
                with connection.cursor() as cursor:
                    cursor.execute(query, next(params))
                    return cursor.fetchall()
            finally:
                give_back(connection)

        return op

    def fetch_one(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchone`."""
        take, give_back = self._pool.getconn, self._pool.putconn
        query, params = _bound(call)

        def op() -> Any:
            connection = take()
            try:
                with connection.cursor() as cursor:
                    cursor.execute(query, next(params))
                    return cursor.fetchone()
            finally:
                give_back(connection)

        return op

    def fetch_val(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchone()[0]`."""
        take, give_back = self._pool.getconn, self._pool.putconn
        query, params = _bound(call)

        def op() -> Any:
            connection = take()
            try:
                with connection.cursor() as cursor:
                    cursor.execute(query, next(params))
                    return cursor.fetchone()[0]
            finally:
                give_back(connection)

        return op

    def sequential(self, call: Call) -> SyncOp:
        """One statement after another, on one connection of the pool."""
        take, give_back, steps = self._pool.getconn, self._pool.putconn, _steps(call)

        def op() -> list[Any]:
            results: list[Any] = []
            connection = take()
            try:
                with connection.cursor() as cursor:
                    for query, params in steps:
                        cursor.execute(query, params)
                        results.append(cursor.fetchall() if cursor.description else None)
            finally:
                give_back(connection)
            return results

        return op

    def transaction(self, call: Call) -> SyncOp:
        """`with connection`, which begins a transaction even in autocommit."""
        take, give_back, steps = self._pool.getconn, self._pool.putconn, _steps(call)

        def op() -> list[Any]:
            results: list[Any] = []
            connection = take()
            try:
                with connection, connection.cursor() as cursor:
                    for query, params in steps:
                        cursor.execute(query, params)
                        results.append(cursor.fetchall() if cursor.description else None)
            finally:
                give_back(connection)
            return results

        return op


class Psycopg2:
    """psycopg2."""

    name = "psycopg2"
    kind: Kind = "sync"
    acts = ("harness.drivers.psycopg2.acts",)
    options: Mapping[str, str] = {}
    registrations = (
        "a `dict` is sent as json: `register_adapter(dict, Json)`",
        "uuid is `uuid.UUID`: `register_uuid`",
        "inet and cidr are `ipaddress` objects: `register_ipaddress`",
        "pgvector’s `register_vector`, where the server has the type",
    )
    capabilities = frozenset(Capability) - {
        Capability.PREPARED,
        Capability.PIPELINE,
        Capability.COPY_ROWS,
        Capability.POOL_WAITS,
    }
    wrappers = WRAPPERS
    configure = staticmethod(configure)

    def __init__(self, options: frozenset[str]) -> None:
        del options  # there are none

    def terms(self) -> Terms:
        """Versions and habits."""
        version = psycopg2.extensions.libpq_version()
        return Terms(
            library="psycopg2",
            version=psycopg2.__version__.split()[0],  # type: ignore[attr-defined]
            implementation="C (libpq)",
            libpq=f"{version // 10000}.{version % 10000}",
            wire_results="text",
            wire_parameters="text, put into the SQL by the client",
            row_shape="tuple",
            placeholders="%s",
            statement_cache="none",
            autocommit="on (set at connect)",
            pool="psycopg2.pool.ThreadedConnectionPool; raises when exhausted",
            loop="none",
            binds="client",
        )

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From `error.diag`."""
        if not isinstance(error, psycopg2.Error):
            return ErrorFields(message=str(error))
        diagnostics = error.diag
        return ErrorFields(
            sqlstate=error.pgcode or "",
            message=diagnostics.message_primary or str(error),
            constraint=diagnostics.constraint_name or "",
            table=diagnostics.table_name or "",
            column=diagnostics.column_name or "",
        )

    def opening(self, target: Target) -> SyncOp:
        """`psycopg2.connect`, and autocommit."""
        arguments = _connect_arguments(target)

        def op() -> Any:
            connection = psycopg2.connect(**arguments)
            connection.autocommit = True
            return connection

        return op

    def open(self, target: Target, profile: Profile) -> Psycopg2Session:
        """Connect, and register if the profile is `configured`."""
        connection = self.opening(target)()
        session = Psycopg2Session(connection)
        if profile == "configured":
            configure(connection)
            session.unregistered = _unregistered(connection)
        return session

    def open_pool(self, target: Target, profile: Profile, size: int) -> Psycopg2Pool:
        """A `ThreadedConnectionPool`; it has no hook, so each connection is taken once."""
        pool = psycopg2.pool.ThreadedConnectionPool(
            size, size, **_connect_arguments(target)
        )
        opened = Psycopg2Pool(pool)
        connections = [pool.getconn() for _ in range(size)]
        for connection in connections:
            connection.autocommit = True
            if profile == "configured":
                configure(connection)
                opened.unregistered = _unregistered(connection)
            pool.putconn(connection)
        return opened

    def connect(self, target: Target, profile: Profile) -> SyncOp:
        """Connect and close; no registrations, which cost queries of their own."""
        arguments = _connect_arguments(target)
        return lambda: psycopg2.connect(**arguments).close()

    def connect_query(self, target: Target, profile: Profile, sql: str) -> SyncOp:
        """Connect, set autocommit, fetch one value, close."""
        arguments = _connect_arguments(target)

        def op() -> Any:
            connection = psycopg2.connect(**arguments)
            try:
                connection.autocommit = True
                with connection.cursor() as cursor:
                    cursor.execute(sql)
                    return cursor.fetchone()[0]
            finally:
                connection.close()

        return op
