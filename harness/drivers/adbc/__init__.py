"""adbc: the driver `adbc`, the DBAPI module of Arrow's PostgreSQL driver.

It works with Arrow on both sides: parameters become a record batch, a result is a stream of
batches of which Python objects are made only if rows are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any
from urllib.parse import quote, urlencode

import adbc_driver_postgresql
import pyarrow
from adbc_driver_manager import Error
from adbc_driver_postgresql import dbapi

from harness.plugin import (
    Call,
    Capability,
    ErrorFields,
    Kind,
    Profile,
    SyncOp,
    Target,
    Terms,
    Unsupported,
)

_NARROW = {"int2": "int16", "int4": "int32", "float4": "float"}
"""Arrow's names for types that PyArrow does not find out from Python's int and float."""


def _params(call: Call) -> Iterator[Any]:
    """The parameters of each call, None where the statement takes none."""
    return call.cycle() if any(call.params) else repeat(None)


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


def _arrow_type(name: str) -> str:
    """What to tell PyArrow of a `pg_type.typname`; nothing leaves it to PyArrow."""
    item = _NARROW.get(name.removeprefix("_"), "")
    return f"{item}[]" if item and name.startswith("_") else item


def _array(column: Any, kind: str) -> Any:
    """A column of Python values as Arrow's array."""
    if kind.endswith("[]"):
        item = pyarrow.type_for_alias(kind.removesuffix("[]"))
        return pyarrow.array(column, pyarrow.list_(item))
    return pyarrow.array(column, kind or None)


class AdbcSession:
    """A connection of the DBAPI module; each op works with a cursor of its own."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """The rows are tuples already; `None` is a row that was not there."""
        return [row for row in native if row is not None]

    def execute(self, call: Call) -> SyncOp:
        """`cursor.execute`."""
        open_cursor, query, params = self.connection.cursor, call.sql, _params(call)

        def op() -> None:
            with open_cursor() as cursor:
                cursor.execute(query, next(params))

        return op

    def fetch_all(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchall`."""
        open_cursor, query, params = self.connection.cursor, call.sql, _params(call)

        def op() -> Any:
            with open_cursor() as cursor:
                cursor.execute(query, next(params))
                return cursor.fetchall()

        return op

    def fetch_arrow(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetch_arrow_table`."""
        open_cursor, query, params = self.connection.cursor, call.sql, _params(call)

        def op() -> Any:
            with open_cursor() as cursor:
                cursor.execute(query, next(params))
                return cursor.fetch_arrow_table()

        return op

    def fetch_one(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchone`."""
        open_cursor, query, params = self.connection.cursor, call.sql, _params(call)

        def op() -> Any:
            with open_cursor() as cursor:
                cursor.execute(query, next(params))
                return cursor.fetchone()

        return op

    def fetch_val(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchone()[0]`."""
        open_cursor, query, params = self.connection.cursor, call.sql, _params(call)

        def op() -> Any:
            with open_cursor() as cursor:
                cursor.execute(query, next(params))
                return cursor.fetchone()[0]

        return op

    def execute_many(self, call: Call) -> SyncOp:
        """`cursor.executemany`: the rows become one record batch, and a statement each."""
        open_cursor, query, rows = self.connection.cursor, call.sql, call.rows

        def op() -> None:
            with open_cursor() as cursor:
                cursor.executemany(query, rows)

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
        """`adbc_connection` has it all: the DBAPI's `commit` does nothing in autocommit."""
        open_cursor, steps = self.connection.cursor, _steps(call)
        handle = self.connection.adbc_connection

        def op() -> list[Any]:
            results: list[Any] = []
            handle.set_autocommit(False)
            try:
                with open_cursor() as cursor:
                    for query, params in steps:
                        cursor.execute(query, params)
                        results.append(cursor.fetchall() if cursor.description else None)
                handle.commit()
            except BaseException:
                handle.rollback()
                raise
            finally:
                handle.set_autocommit(True)
            return results

        return op

    def savepoint(self, call: Call) -> SyncOp:
        """The same, and the savepoint in SQL: the library has no helper."""
        open_cursor, steps = self.connection.cursor, _steps(call)
        handle = self.connection.adbc_connection

        def op() -> list[Any]:
            results: list[Any] = []
            handle.set_autocommit(False)
            try:
                with open_cursor() as cursor:
                    cursor.execute("savepoint pgdyno")
                    for query, params in steps:
                        cursor.execute(query, params)
                        results.append(cursor.fetchall() if cursor.description else None)
                    cursor.execute("release savepoint pgdyno")
                handle.commit()
            except BaseException:
                handle.rollback()
                raise
            finally:
                handle.set_autocommit(True)
            return results

        return op

    def copy_in(self, call: Call) -> SyncOp:
        """`cursor.adbc_ingest` of an Arrow table that is made of the rows."""
        if call.data:
            raise Unsupported("adbc takes Arrow data, no COPY stream")
        if call.format != "binary":
            raise Unsupported("adbc copies in the binary format only")
        open_cursor, rows = self.connection.cursor, call.rows
        schema, _, table = call.table.rpartition(".")
        kinds = [_arrow_type(name) for name in call.types]
        names, place = list(call.columns), schema or None

        def op() -> None:
            columns = zip(*rows, strict=True) if rows else [[] for _ in names]
            arrays = [_array(*each) for each in zip(columns, kinds, strict=True)]
            data = pyarrow.table(arrays, names=names)
            with open_cursor() as cursor:
                cursor.adbc_ingest(table, data, mode="append", db_schema_name=place)

        return op


def _steps(call: Call) -> list[tuple[str, Any]]:
    return [(statement.sql, statement.params or None) for statement in call.statements]


class Adbc:
    """adbc-driver-postgresql."""

    name = "adbc"
    kind: Kind = "sync"
    acts = ("harness.drivers.adbc.acts",)
    options: Mapping[str, str] = {}
    registrations: tuple[str, ...] = ()  # it has none
    capabilities = frozenset(
        {
            Capability.ARRAYS,
            Capability.PREPARED,
            Capability.COPY_BINARY,
            Capability.COPY_ROWS,
            Capability.PEP_249,
        }
    )

    def __init__(self, options: frozenset[str]) -> None:
        del options  # there are none

    def terms(self) -> Terms:
        """Versions and habits."""
        return Terms(
            library="adbc-driver-postgresql",
            version=adbc_driver_postgresql.__version__,
            implementation=f"C++ (libpq), Python objects by PyArrow {pyarrow.__version__}",
            libpq="in the wheel; it does not tell its version",
            wire_results="binary",
            wire_parameters="binary",
            row_shape="tuple, made of Arrow record batches",
            placeholders="$1",
            statement_cache="none; each cursor prepares its statement",
            autocommit="on (set at connect); with a timestamptz as a parameter in a"
            " transaction that ends when all rows are read",
            pool="none",
            loop="none",
            rewrites="a query without parameters is sent as COPY (…) TO STDOUT"
            " (FORMAT binary); before one with a timestamptz as a parameter come BEGIN and"
            " SET TIME ZONE",
        )

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From `error.sqlstate` and `error.details`."""
        if not isinstance(error, Error):
            return ErrorFields(message=str(error))
        told: dict[Any, bytes] = dict(error.details)  # its stubs say str, but it is bytes
        found = {
            name: told.get(f"PG_DIAG_{field}".encode(), b"").decode()
            for name, field in (
                ("message", "MESSAGE_PRIMARY"),
                ("constraint", "CONSTRAINT_NAME"),
                ("table", "TABLE_NAME"),
                ("column", "COLUMN_NAME"),
            )
        }
        message = found.pop("message") or str(error)
        return ErrorFields(sqlstate=error.sqlstate or "", message=message, **found)

    def opening(self, target: Target) -> SyncOp:
        """`dbapi.connect` with a URI, and autocommit."""
        arguments = _connect_arguments(target)

        def op() -> Any:
            place = urlencode(arguments, quote_via=quote)
            return dbapi.connect(f"postgresql://?{place}", autocommit=True)

        return op

    def open(self, target: Target, profile: Profile) -> AdbcSession:
        """Connect; there is nothing to register."""
        return AdbcSession(self.opening(target)())

    def connect(self, target: Target, profile: Profile) -> SyncOp:
        """Connect and close."""
        arguments = _connect_arguments(target)

        def op() -> None:
            place = urlencode(arguments, quote_via=quote)
            dbapi.connect(f"postgresql://?{place}", autocommit=True).close()

        return op

    def connect_query(self, target: Target, profile: Profile, sql: str) -> SyncOp:
        """Connect, fetch one value, close."""
        arguments = _connect_arguments(target)

        def op() -> Any:
            uri = f"postgresql://?{urlencode(arguments, quote_via=quote)}"
            with (
                dbapi.connect(uri, autocommit=True) as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute(sql)
                return cursor.fetchone()[0]

        return op
