"""pg8000: the driver `pg8000`. Its native API: `connection.run`, always in autocommit."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from itertools import repeat
from typing import Any

from pg8000.exceptions import DatabaseError
from pg8000.native import Connection

from harness.plugin import (
    FIND_VECTOR,
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

_RANGE = ("lower", "upper", "bounds", "is_empty=isempty")

WRAPPERS = {
    "vector": Wrapper("pgvector:Vector"),
    "halfvec": Wrapper("pgvector:HalfVector"),
    "sparsevec": Wrapper("pgvector:SparseVector"),
    **{
        kind: Wrapper("pg8000:Range", _RANGE)
        for kind in (
            "int4range",
            "int8range",
            "numrange",
            "daterange",
            "tsrange",
            "tstzrange",
        )
    },
}


def configure(connection: Connection) -> None:
    """The registrations that pgvector's documentation shows; JSON needs none."""
    if importlib.util.find_spec("pgvector") is None:
        return
    if connection.run("select to_regtype('vector') is not null") == [[True]]:
        from pgvector.pg8000 import register_vector

        register_vector(connection)


def _unregistered(connection: Connection) -> Mapping[str, str]:
    """What should have been registered and is not, and why."""
    return unregistered_vector(*connection.run(FIND_VECTOR)[0])


def _connect_arguments(target: Target) -> dict[str, Any]:
    """Where to connect, and with which settings."""
    place: dict[str, Any] = {"host": target.host, "port": target.port}
    if target.host.startswith("/"):
        place = {"unix_sock": f"{target.host}/.s.PGSQL.{target.port}"}
    return {
        **place,
        "user": target.user,
        "password": target.password,
        "database": target.dbname,
        "application_name": target.application_name,
        "startup_params": dict(target.settings),
        **(
            {"ssl_context": ssl.create_default_context(cafile=target.tls)}
            if target.tls
            else {}
        ),
    }


def _params(query: sql.Translated, call: Call) -> Iterator[Any]:
    """The keyword arguments of each call."""
    if not any(call.params):
        return repeat({})
    params: Any = tuple(map(query.named, call.params))
    return replace(call, params=params).cycle()


def _steps(call: Call) -> list[tuple[str, dict[str, Any]]]:
    queries = [
        (sql.to_colon(statement.sql), statement.params) for statement in call.statements
    ]
    return [(query.sql, query.named(params)) for query, params in queries]


class Pg8000Session:
    """A connection of the native API."""

    unregistered: Mapping[str, str] = {}  # types of the profile → why not

    def __init__(self, connection: Connection, prepared: bool) -> None:
        self.connection = connection
        self._prepared = prepared

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """pg8000's rows are lists; a statement that returns none has None for them."""
        return [tuple(row) for row in native or () if row is not None]

    def wrapper(self, kind: str, value: Any) -> Any:
        """`pg8000.Range` for each range, or one of pgvector's."""
        return wrapped("pg8000", WRAPPERS, kind, value)

    def execute(self, call: Call) -> SyncOp:
        """`connection.run`, or `statement.run` of a prepared one."""
        run, arguments, params = self._bound(call)
        return lambda: run(*arguments, **next(params))

    def fetch_all(self, call: Call) -> SyncOp:
        """The same: `run` always fetches."""
        run, arguments, params = self._bound(call)
        return lambda: run(*arguments, **next(params))

    def fetch_one(self, call: Call) -> SyncOp:
        """The first of all rows: the native API has no `fetchone`."""
        run, arguments, params = self._bound(call)

        def op() -> Any:
            rows = run(*arguments, **next(params))
            return rows[0] if rows else None

        return op

    def fetch_val(self, call: Call) -> SyncOp:
        """The first value of the first row."""
        run, arguments, params = self._bound(call)
        return lambda: run(*arguments, **next(params))[0][0]

    def _bound(
        self, call: Call
    ) -> tuple[Callable[..., Any], tuple[str, ...], Iterator[Any]]:
        """What runs the statement, with which positional and keyword arguments."""
        query = sql.to_colon(call.sql)
        params = _params(query, call)
        if self._prepared:
            # A statement that the server refuses must fail in the op, which is judged.
            with contextlib.suppress(DatabaseError):
                return self.connection.prepare(query.sql).run, (), params
        return self.connection.run, (query.sql,), params

    def sequential(self, call: Call) -> SyncOp:
        """One statement after another."""
        run, steps = self.connection.run, _steps(call)
        return lambda: [run(query, **params) for query, params in steps]

    def transaction(self, call: Call) -> SyncOp:
        """`start transaction` and `commit` in SQL, as pg8000 documents."""
        run, steps = self.connection.run, _steps(call)

        def op() -> list[Any]:
            run("start transaction")
            try:
                results = [run(query, **params) for query, params in steps]
            except BaseException:
                run("rollback")
                raise
            run("commit")
            return results

        return op

    def savepoint(self, call: Call) -> SyncOp:
        """The same with a savepoint around the statements."""
        run, steps = self.connection.run, _steps(call)

        def op() -> list[Any]:
            run("start transaction")
            try:
                run("savepoint pgdyno")
                results = [run(query, **params) for query, params in steps]
                run("release savepoint pgdyno")
            except BaseException:
                run("rollback")
                raise
            run("commit")
            return results

        return op

    def copy_in(self, call: Call) -> SyncOp:
        """`connection.run` with a stream to read from."""
        if not call.data:
            raise Unsupported(
                "pg8000 has no encoder for COPY rows; the user writes the text"
            )
        run, data = self.connection.run, call.data
        query = sql.copy_in_statement(call.table, call.columns, call.format)
        return lambda: run(query, stream=BytesIO(data))

    def copy_out(self, call: Call) -> SyncOp:
        """`connection.run` with a stream to write to."""
        run, query = self.connection.run, sql.copy_out_statement(call.sql, call.format)

        def op() -> bytes:
            sink = BytesIO()
            run(query, stream=sink)
            return sink.getvalue()

        return op


class Pg8000:
    """pg8000."""

    name = "pg8000"
    kind: Kind = "sync"
    acts = ("harness.drivers.pg8000.acts",)
    options: Mapping[str, str] = {
        "prepared": "prepare each statement once: connection.prepare"
    }
    registrations = ("pgvector’s `register_vector`, where the server has the type",)
    capabilities = frozenset(
        {
            Capability.JSONB,
            Capability.ARRAYS,
            Capability.VECTOR,
            Capability.COPY_TEXT,
            Capability.COPY_CSV,
            Capability.COPY_BINARY,
            Capability.COPY_BYTES,
        }
    )
    wrappers = WRAPPERS
    configure = staticmethod(configure)

    def __init__(self, options: frozenset[str]) -> None:
        self._prepared = "prepared" in options
        if self._prepared:
            self.capabilities |= {Capability.PREPARED}

    def terms(self) -> Terms:
        """Versions and habits."""
        return Terms(
            library="pg8000",
            version=importlib.metadata.version("pg8000"),
            implementation="pure Python",
            libpq="none (protocol of its own)",
            wire_results="text",
            wire_parameters="text",
            row_shape="list",
            placeholders=":name",
            statement_cache="prepared while binding" if self._prepared else "none",
            autocommit="on (the native API's only habit)",
            pool="none",
            loop="none",
        )

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From the fields of the server's message, which pg8000 hands over as a dict."""
        fields = error.args[0] if isinstance(error, DatabaseError) and error.args else None
        if not isinstance(fields, dict):
            return ErrorFields(message=str(error))
        return ErrorFields(
            sqlstate=fields.get("C", ""),
            message=fields.get("M", ""),
            constraint=fields.get("n", ""),
            table=fields.get("t", ""),
            column=fields.get("c", ""),
        )

    def opening(self, target: Target) -> SyncOp:
        """`Connection(…)`."""
        arguments = _connect_arguments(target)
        return lambda: Connection(**arguments)

    def open(self, target: Target, profile: Profile) -> Pg8000Session:
        """Connect, and register if the profile is `configured`."""
        connection = self.opening(target)()
        session = Pg8000Session(connection, self._prepared)
        if profile == "configured":
            configure(connection)
            session.unregistered = _unregistered(connection)
        return session

    def connect(self, target: Target, profile: Profile) -> SyncOp:
        """Connect and close."""
        arguments = _connect_arguments(target)
        return lambda: Connection(**arguments).close()

    def connect_query(self, target: Target, profile: Profile, sql: str) -> SyncOp:
        """Connect, fetch one value, close."""
        arguments = _connect_arguments(target)

        def op() -> Any:
            connection = Connection(**arguments)
            try:
                return connection.run(sql)[0][0]
            finally:
                connection.close()

        return op
