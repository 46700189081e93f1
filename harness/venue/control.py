"""The control connection: the oracle's mouth. psycopg, text mode, this file only.

It makes fixtures, generates inputs and says what is right, always in the server's own
text form, with no Python value in between. docs/bias.md says why psycopg, and what
keeps that from favouring it.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, LiteralString, cast

import psycopg
from psycopg import capabilities, generators
from psycopg import sql as compose
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.types.string import TextLoader

from harness.core.calls import Target
from harness.core.errors import (
    OracleError,
    PgdynoError,
    ServerError,
    SilentServerError,
)
from harness.core.limits import DATA_BYTES
from harness.core.sql import tokens
from harness.core.tables import TEXT_FORM, PgType, Table
from harness.results.records import ServerFacts
from harness.servers.patient import PatientConnection, SilentError

ORACLE_S = 30
"""How long a statement may run on the server."""
FIXTURE_S = 120
"""How long a fixture may: it may fill large tables and build indexes."""
MARGIN_S = 10
"""How much later than the server we give up: it should have answered by then."""
CONNECT_S = 10

_NO_ANSWER = "is it stopped, or its disk or network stalled? what was measured is kept"
QUERY_CANCELED = "57014"

# The text forms that `values.canonical_text` reads; startup options, so that no
# statement and no pool reset can change them.
_SETTINGS = (
    *TEXT_FORM,
    ("statement_timeout", f"{ORACLE_S}s"),
    ("client_min_messages", "warning"),
    # What a driver left locked is that driver's cell, not the end of the run.
    ("lock_timeout", "5000"),
)
# What libpq would otherwise take from PG* variables, which were set for another server.
_NOT_FROM_ENVIRONMENT: dict[str, Any] = {
    "hostaddr": "",
    "target_session_attrs": "any",
    "client_encoding": "UTF8",
}
_CHUNK_ROWS = 100
_LATE = ("55P03", QUERY_CANCELED)  # it waited for a lock, or for too long
_SERVERS = ("", "server")  # no schema has an empty name
_CHANGES_PATH = re.compile(r"search_path|\bdiscard\b|\breset\s+all\b", re.IGNORECASE)
SETTINGS_OF_INTEREST = (
    "server_version", "fsync", "full_page_writes", "synchronous_commit", "autovacuum",
    "checkpoint_timeout", "max_wal_size", "jit", "wal_level", "shared_buffers",
    "max_connections", "work_mem", "ssl", "server_encoding", "TimeZone", "lc_collate",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Described:
    """The types of a statement's parameters, and the columns that it returns."""

    parameters: tuple[PgType, ...]
    columns: tuple[str, ...]
    types: tuple[PgType, ...]


class Control:
    """One control connection. Not for use by two threads at once."""

    def __init__(self, target: Target, application_name: str = "pgdyno control") -> None:
        options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS)
        try:
            self._conn = PatientConnection.connect(
                host=target.host,
                port=target.port,
                user=target.user,
                password=target.password,
                dbname=target.dbname,
                options=options,
                application_name=application_name,
                autocommit=True,
                connect_timeout=CONNECT_S,
                cursor_factory=psycopg.RawCursor,
                **_NOT_FROM_ENVIRONMENT,
            )
        # From here on `from None`: the chained error could quote the connection string.
        except psycopg.errors.ConnectionTimeout:
            raise SilentServerError(
                f"the server does not answer within {CONNECT_S} s", hint=_NO_ANSWER
            ) from None
        except psycopg.Error as error:
            raise ServerError(
                f"the server cannot be reached: {_first_line(error)}",
                hint="is it running, and are the connection settings right? pgdyno doctor",
            ) from None
        self._statement_s = ORACLE_S
        self._conn.answer_s = ORACLE_S + MARGIN_S
        self._path: tuple[str, ...] | None = None  # the schemas it looks at, if known
        self._only_reads = False
        self.taken: set[tuple[str, str]] = (
            set()
        )  # settings whose values it was seen to take
        self._types: dict[int, PgType] = {}
        self._texts = _text_cursor(self._conn)
        self._chunk = _CHUNK_ROWS if capabilities.has_stream_chunked() else 1

    def close(self) -> None:
        """End the connection; harmless when it is lost already."""
        with contextlib.suppress(psycopg.Error):
            self._conn.close()

    @property
    def backend_pid(self) -> int:
        """The server's process of this connection, by the server's own account."""
        return self._conn.info.backend_pid

    def abandon(self) -> None:
        """Wait for no answer any more, in whatever thread; nothing can be asked then."""
        self._conn.abandon()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Give up earlier than usual: where a run ends, nobody wants to wait."""
        with self._conn.patience(seconds):
            yield

    @contextlib.contextmanager
    def taking(self, seconds: int) -> Iterator[None]:
        """Let each statement of the block run for so long on the server."""
        self._take(seconds)
        try:
            yield
        finally:
            if not self._conn.closed:
                self._take(ORACLE_S)

    def _take(self, seconds: int) -> None:
        if seconds == self._statement_s:
            return
        self.run(f"set statement_timeout = '{seconds}s'")
        self._allow(seconds)

    def _allow(self, seconds: int) -> None:
        self._statement_s = seconds
        self._conn.answer_s = seconds + MARGIN_S

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- running SQL ---------------------------------------------------------------

    def run(self, sql: str) -> None:
        """Execute one or several statements, results ignored.

        Raises:
            OracleError: with the server's message, and the line it points at.
        """
        self._forget_path(sql)
        try:
            self._conn.execute(sql)
        except psycopg.Error as error:
            raise self._failure(error, sql) from None

    def table(
        self, sql: str, params: Sequence[str | None] = (), at_most: int | None = None
    ) -> Table | None:
        """What a statement returns, as the server writes it; None if it returns no rows.

        `params` are texts whose types the server infers, as it does for any client. With
        `at_most`, rows beyond that number are an `OracleError`, and never in memory.
        """
        self._forget_path(sql)
        if at_most is not None and _reads(sql):
            return self._bounded(sql, params, at_most)
        try:
            cursor = self._conn.execute(sql, params or None, prepare=False)
        except psycopg.Error as error:
            raise self._failure(error, sql) from None
        return self._read(cursor)

    def tables(
        self, statements: Sequence[tuple[str, Sequence[str | None]]], at_most: int
    ) -> tuple[Table | None, ...]:
        """What each of many statements returns, at most so many rows; sent together.

        Where one of them fails all are undone: then they are asked again one by one, to
        say which it was.
        """
        self.run("savepoint together")
        try:
            with self._conn.pipeline():
                cursors = [
                    self._conn.execute(sql, params or None, prepare=False)
                    for sql, params in statements
                ]
            found = tuple(map(self._read, cursors))
        except psycopg.Error as error:
            if self._conn.closed:
                raise self._failure(error, statements[0][0]) from None
            self.run("rollback to savepoint together")
            return tuple(self.table(sql, params, at_most) for sql, params in statements)
        for (sql, _), table in zip(statements, found, strict=True):
            _check_size(sql, len(table.rows) if table else 0, at_most, 0)
        return found

    def _read(self, cursor: psycopg.Cursor[Any]) -> Table | None:
        result = cursor.pgresult
        if cursor.description is None or result is None:
            return None
        width = range(result.nfields)
        rows = [
            tuple(result.get_value(row, col) for col in width)
            for row in range(result.ntuples)
        ]
        return Table(
            columns=tuple(column.name for column in cursor.description),
            types=tuple(self.type(column.type_code) for column in cursor.description),
            rows=tuple(
                tuple(None if v is None else v.decode() for v in row) for row in rows
            ),
        )

    def _bounded(
        self, sql: str, params: Sequence[str | None], at_most: int
    ) -> Table | None:
        """The rows of a read as they arrive; it is cancelled when there are too many."""
        rows: list[tuple[str | None, ...]] = []
        size = 0
        stream = self._texts.stream(sql, params or None, size=self._chunk)
        try:
            with contextlib.closing(cast("Generator[Any]", stream)):
                for row in stream:
                    rows.append(row)
                    size += sum(map(len, filter(None, row)))
                    _check_size(sql, len(rows), at_most, size)
        except psycopg.Error as error:
            raise self._failure(error, sql) from None
        described = self._texts.description
        if not rows or described is None:  # a stream without rows has no columns either
            return self.table(sql, params)
        return Table(
            columns=tuple(column.name for column in described),
            types=tuple(self.type(column.type_code) for column in described),
            rows=tuple(rows),
        )

    def sqlstate(
        self,
        statements: Sequence[tuple[str, Table | None]],
        settings: Sequence[tuple[str, str]] = (),
    ) -> str:
        """With which SQLSTATE these statements fail; empty if they do not.

        They run in a transaction that is rolled back, under a session's settings.
        """
        for name, value in settings:
            self._forget_path(name)
            self.value("select set_config($1, $2, false)", [name, value])
        self.run("begin")
        try:
            for sql, params in statements:
                self._conn.execute(sql, params.rows[0] if params else None, prepare=False)
            self._conn.execute("commit")
        except psycopg.Error as error:
            return error.sqlstate or ""
        finally:
            self.run("rollback")
            for name, _ in settings:
                self.run(f"reset {name}")
        return ""

    def value(self, sql: str, params: Sequence[str | None] = ()) -> str:
        """The first column of the first row; empty for NULL or no row."""
        table = self.table(sql, params)
        return (table.rows[0][0] or "") if table and table.rows else ""

    def copy_out(self, query: str, format: str) -> bytes:
        """The stream that COPY makes of a query, in the server's own encoding."""
        command = f"copy ({query.rstrip().rstrip(';')}) to stdout (format {format})"
        try:
            with self._conn.cursor().copy(command) as copy:
                return b"".join(bytes(block) for block in copy)
        except psycopg.Error as error:
            raise self._failure(error, query) from None

    def describe(self, sql: str) -> Described:
        """What a single statement takes and returns; it is parsed, and not run.

        Raises:
            OracleError: the server's message, with the position at which it points.
        """
        connection = self._conn.pgconn
        try:
            connection.send_prepare(b"", sql.encode())
            self._answered()
            connection.send_describe_prepared(b"")
            found = self._answered()
        except psycopg.Error as error:
            raise self._failure(error, sql) from None
        columns = range(found.nfields)
        return Described(
            tuple(self.type(found.param_type(at)) for at in range(found.nparams)),
            tuple((found.fname(at) or b"").decode() for at in columns),
            tuple(self.type(found.ftype(at)) for at in columns),
        )

    def _answered(self) -> Any:
        """The answer to what was sent; an error of the server's is raised."""
        *_, found = self._conn.wait(generators.execute(self._conn.pgconn))
        if found.status == ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(found)
        return found

    def _failure(self, error: psycopg.Error, sql: str) -> PgdynoError:
        """The scenario's SQL is wrong, or the server is gone: two different things."""
        if isinstance(error, SilentError) or (self._conn.closed and self._conn.silence):
            return SilentServerError(
                f"the server does not answer: {self._conn.silence} to: {_shortened(sql)}",
                hint=_NO_ANSWER,
            )
        if self._conn.closed:
            return ServerError(
                f"the server went away: {_first_line(error)}",
                hint="what was measured until then is kept",
            )
        state = error.sqlstate or ""
        if state == QUERY_CANCELED:
            late = f"no end within {self._statement_s} s: {_shortened(sql)}"
            return OracleError(late, sqlstate=state)
        told = error.diag.statement_position or ""
        position = int(told) if told.isdecimal() else 0
        return OracleError(_explain(error, sql), sqlstate=state, position=position)

    # --- schemas of our own ----------------------------------------------------------

    def use(self, *schemas: str) -> None:
        """Look names up in these schemas, in this order; without any, nowhere."""
        if schemas != self._path:
            self._compose("set search_path to {}", _joined(schemas))
            # What a transaction sets it takes back when it fails.
            idle = self._conn.info.transaction_status == TransactionStatus.IDLE
            self._path = schemas if idle else None

    def use_servers(self) -> None:
        """Look names up where the server's user does who says nothing of it."""
        if self._path != _SERVERS:
            self.run("reset search_path")
            self._path = _SERVERS

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """Look where the server's user looks, and write nothing, for a block."""
        self.only_read(True)
        self.use_servers()
        try:
            yield
        finally:
            if not self._conn.closed:
                self.only_read(False)

    def only_read(self, wanted: bool) -> None:
        """Let the server refuse whatever a statement of ours writes, or no longer."""
        if wanted != self._only_reads:
            verb, value = ("set", " = on") if wanted else ("reset", "")
            self.run(f"{verb} default_transaction_read_only{value}")
            self._only_reads = wanted

    def _forget_path(self, sql: str) -> None:
        """A statement that may change where names are looked up: of its own, or anew."""
        if _CHANGES_PATH.search(sql):
            self._path = None

    def create_schema(self, name: str) -> None:
        """Make a schema; raises `ServerError` where the user may not."""
        self.only_read(False)
        try:
            self._compose("create schema {}", compose.Identifier(name))
        except OracleError as error:
            raise ServerError(
                f"no schema can be made on the server: {error}",
                hint="pgdyno works in schemas of its own: grant CREATE on the database",
            ) from None

    def remake_schema(self, name: str, path: Sequence[str], statement_s: int) -> None:
        """Make a schema anew, look at these schemas, and let each statement from now on
        run for so long on the server: all in one message.

        Raises:
            OracleError: what is there cannot be dropped, because it is locked, say.
            ServerError: the user may make no schema.
        """
        schema = compose.Identifier(name)
        template: LiteralString = (
            "drop schema if exists {} cascade; create schema {}; set search_path to {};"
            " set statement_timeout = {}"
        )
        limit = compose.Literal(f"{statement_s}s")
        self._path = None
        self.only_read(False)
        try:
            self._compose(template, schema, schema, _joined(path), limit)
        except OracleError as error:
            if error.sqlstate in _LATE:
                raise
            self.drop_schema(name)  # one by one, to say which of them failed
            self.create_schema(name)
            raise
        self._path = tuple(path)
        self._allow(statement_s)

    def drop_schema(self, name: str) -> None:
        """Remove a schema with all that is in it."""
        self.only_read(False)
        self._compose("drop schema if exists {} cascade", compose.Identifier(name))

    def _compose(self, template: LiteralString, *names: compose.Composable) -> None:
        statement = compose.SQL(template).format(*names)
        try:
            self._conn.execute(statement)
        except psycopg.Error as error:
            raise self._failure(error, statement.as_string()) from None

    # --- facts ---------------------------------------------------------------------

    def type(self, oid: int) -> PgType:
        """The description of a type; of those that the server brings, asked once.

        Anybody else's may be altered by the next statement.
        """
        if oid >= _FIRST_OF_USERS:
            return self._describe(oid)
        if oid not in self._types:
            self._types[oid] = self._describe(oid)
        return self._types[oid]

    def _describe(self, oid: int) -> PgType:
        try:
            return self._described(oid)
        except psycopg.Error as error:
            raise self._failure(error, _TYPE_QUERY) from None

    def _described(self, oid: int) -> PgType:
        with psycopg.Cursor(self._conn) as cursor:
            cursor.execute(_TYPE_QUERY, {"oid": oid})
            row = cursor.fetchone()
            if row is None:
                return PgType("unknown")
            name, kind, category, element, base, relation, subtype = row
            if kind == "b" and category == "A" and element:
                return PgType(name, "array", self.type(element))
            if kind == "d":
                return PgType(name, "domain", self.type(base))
            if kind in ("r", "m"):
                return PgType(
                    name, "range" if kind == "r" else "multirange", self.type(subtype)
                )
            if kind == "e":
                return PgType(name, "enum")
            if kind == "c":
                cursor.execute(_FIELDS_QUERY, {"oid": relation})
                fields = tuple((field, self.type(of)) for field, of in cursor.fetchall())
                return PgType(name, "composite", fields=fields)
            return PgType(name)

    def facts(self, label: str, *, managed: bool, transport: str) -> ServerFacts:
        """What a reader of results must know of the server; no address, no password."""
        settings = {
            name: self.value("select current_setting($1, true)", [name])
            for name in SETTINGS_OF_INTEREST
        }
        found = self.table("select extname, extversion from pg_extension order by 1")
        return ServerFacts(
            label=label,
            version=self.value("show server_version"),
            version_num=int(self.value("show server_version_num")),
            managed=managed,
            transport=transport,
            settings=settings,
            extensions={str(name): str(version) for name, version in found.rows}
            if found
            else {},
        )

    @cached_property
    def settings(self) -> dict[str, str]:
        """The server's settings, each with its context: who may set it, and when."""
        found = self.table("select name, context from pg_settings")
        return {str(name): str(context) for name, context in found.rows} if found else {}

    @property
    def tls(self) -> bool:
        """Whether this connection is encrypted, so that the server can do TLS."""
        return bool(self._conn.pgconn.ssl_in_use)


@contextlib.contextmanager
def connected(target: Target, patience_s: float = 0.0) -> Iterator[Control]:
    """A control connection for a block.

    With patience a server may refuse it for a moment: sessions that were closed may still
    be there.
    """
    with _opened(target, time.monotonic() + patience_s) as control:
        yield control


def _opened(target: Target, deadline: float) -> Control:
    while True:
        try:
            return Control(target)
        except SilentServerError:
            raise
        except ServerError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def _joined(schemas: Sequence[str]) -> compose.Composable:
    """A search path; the empty string where names are looked up nowhere."""
    names = compose.SQL(", ").join(compose.Identifier(schema) for schema in schemas)
    return names if schemas else compose.SQL("''")


_FIRST_OF_USERS = 16_384  # FirstNormalObjectId: what initdb makes is below
_TYPE_QUERY = """
select t.typname, t.typtype, t.typcategory, t.typelem::int8, t.typbasetype::int8,
       t.typrelid::int8,
       coalesce((select rngsubtype::int8 from pg_range where rngtypid = t.oid),
                (select rngtypid::int8 from pg_range where rngmultitypid = t.oid))
from pg_type t where t.oid = %(oid)s
"""
_FIELDS_QUERY = """
select attname, atttypid::int8 from pg_attribute
where attrelid = %(oid)s and attnum > 0 and not attisdropped order by attnum
"""


def _text_cursor(connection: psycopg.Connection) -> psycopg.Cursor:
    """A cursor that gives every value as the server wrote it."""
    cursor = connection.cursor()
    for kind in cursor.adapters.types:
        for oid in filter(None, (kind.oid, kind.array_oid)):
            cursor.adapters.register_loader(oid, TextLoader)
    return cursor


_WRITES = frozenset({"insert", "update", "delete", "merge"})


def _reads(sql: str) -> bool:
    """Whether a statement may be asked again: it begins like one that only reads, and no
    part of a `with` writes."""
    words = [token.text.lower() for token in tokens(sql) if token.kind == "word"]
    if words[:1] == ["with"]:
        return _WRITES.isdisjoint(words)
    return bool(words) and words[0] in ("select", "values", "table")


def _check_size(sql: str, rows: int, at_most: int, size: int) -> None:
    if rows > at_most:
        told = f"more than {at_most:,} rows come of: {sql[:80]}"
        raise OracleError(told, hint="add a limit to it")
    if size > DATA_BYTES:
        told = f"more than {DATA_BYTES >> 20} MB of text come of: {sql[:80]}"
        raise OracleError(told, hint="add a limit to it")


def _shortened(sql: str) -> str:
    return " ".join(sql.split())[:80]


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[-1].strip() if text else type(error).__name__


def _explain(error: psycopg.Error, sql: str) -> str:
    message = error.diag.message_primary or _first_line(error)
    state = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
    position = _position(error.diag.statement_position, sql)
    return f"{message}{state}{position}"


def _position(position: str | None, sql: str) -> str:
    if not position or not position.isdecimal():
        return ""
    line = sql.count("\n", 0, int(position) - 1) + 1
    lines = sql.split("\n")  # not splitlines: it forgets an empty last line
    if not sql[int(position) - 1 :].strip():  # the server missed something at the end
        line = max((n for n, text in enumerate(lines, 1) if text.strip()), default=1)
    return f" at line {line}: {lines[line - 1].strip()[:80]}"
