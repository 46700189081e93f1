"""pyro-postgres: the drivers `pyro` (sync) and `pyro-async`. It speaks `$n` itself.

It asks for protocol 3.2, so it needs PostgreSQL 18, and says so to older ones.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import re
from collections.abc import Mapping
from typing import Any

from pyro_postgres import Opts, async_, sync
from pyro_postgres.error import PostgresError

from harness.drivers.pyro.asynchronous import PyroAsyncSession
from harness.drivers.pyro.shared import WRAPPERS, connect_arguments
from harness.drivers.pyro.synchronous import PyroSession
from harness.plugin import (
    AsyncOp,
    Capability,
    ErrorFields,
    Kind,
    NotConfigured,
    Profile,
    SyncOp,
    Target,
    Terms,
)

_CAPABILITIES = frozenset({Capability.JSONB, Capability.PREPARED, Capability.PIPELINE})
_UVLOOP = "run on uvloop instead of asyncio's loop"
_OLD_SERVER = "does not support protocol 3.2"

_SERVER_MESSAGE = re.compile(
    r"PostgreSQL error: \w+: (?P<message>.*) \(SQLSTATE (?P<sqlstate>\w{5})\)"
)
_CONSTRAINT = re.compile(r'constraint "([^"]+)"')
_COLUMN = re.compile(r'column "([^"]+)"')
_RELATION = re.compile(r'(?:relation|table) "([^"]+)"')


def _describe(error: BaseException) -> ErrorFields:
    """From the text, which has the SQLSTATE in it; nothing is exposed as an attribute."""
    found = _SERVER_MESSAGE.match(str(error)) if isinstance(error, PostgresError) else None
    if found is None:
        return ErrorFields(message=str(error))
    message = found["message"]
    return ErrorFields(
        sqlstate=found["sqlstate"],
        message=message,
        constraint=_first(_CONSTRAINT, message),
        table=_first(_RELATION, message),
        column=_first(_COLUMN, message),
        on="str(error)",
    )


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


def _not_configured(error: PostgresError) -> NotConfigured | PostgresError:
    """What to say of a server that is too old: nothing can be asked there."""
    if _OLD_SERVER not in str(error):
        return error
    return NotConfigured(
        f"pyro-postgres asks for protocol 3.2, which PostgreSQL has since 18: {error}"
    )


def _terms(loop: str) -> Terms:
    return Terms(
        library="pyro-postgres",
        version=importlib.metadata.version("pyro-postgres"),
        implementation="Rust",
        libpq="none (protocol of its own)",
        wire_results="binary",
        wire_parameters="binary",
        row_shape="tuple",
        placeholders="$n",
        statement_cache="none: every execution of a text prepares it anew, and keeps it",
        autocommit="on (the library's only habit)",
        pool="none",
        loop=loop,
    )


class Pyro:
    """pyro-postgres's sync API."""

    name = "pyro"
    kind: Kind = "sync"
    options: Mapping[str, str] = {}
    registrations = ()  # its documentation shows none
    capabilities = _CAPABILITIES
    acts = ("harness.drivers.pyro.acts",)
    wrappers = WRAPPERS

    def __init__(self, options: frozenset[str]) -> None:
        del options  # there are none

    def terms(self) -> Terms:
        """Versions and habits."""
        return _terms(loop="none")

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From the text of the exception."""
        return _describe(error)

    def opening(self, target: Target) -> SyncOp:
        """`sync.Conn` of an `Opts`."""
        arguments = connect_arguments(target)

        def op() -> Any:
            options = Opts(arguments["url"]).host(arguments["host"])
            if arguments["host"].startswith("/"):
                place = f"{arguments['host']}/.s.PGSQL.{arguments['port']}"
                options = options.socket(place)
            options = options.port(arguments["port"]).db(arguments["dbname"])
            options = options.user(arguments["user"]).password(arguments["password"])
            return sync.Conn(options)

        return op

    def open(self, target: Target, profile: Profile) -> PyroSession:
        """Connect; there is nothing to configure."""
        try:
            return PyroSession(self.opening(target)())
        except PostgresError as error:
            raise _not_configured(error) from error

    def connect(self, target: Target, profile: Profile) -> SyncOp:
        """Connect and close."""
        open_connection = self.opening(target)
        return lambda: open_connection().close()

    def connect_query(self, target: Target, profile: Profile, sql: str) -> SyncOp:
        """Connect, fetch one value, close."""
        open_connection = self.opening(target)

        def op() -> Any:
            connection = open_connection()
            try:
                return connection.exec_first(sql)[0]
            finally:
                connection.close()

        return op


class PyroAsync:
    """pyro-postgres's async API."""

    name = "pyro-async"
    kind: Kind = "async"
    options: Mapping[str, str] = {"uvloop": _UVLOOP}
    registrations = ()  # its documentation shows none
    capabilities = _CAPABILITIES
    acts = ("harness.drivers.pyro.acts_async",)
    wrappers = WRAPPERS

    def __init__(self, options: frozenset[str]) -> None:
        self._loop = asyncio.new_event_loop
        self._loop_name = "asyncio"
        if "uvloop" in options:
            import uvloop

            self._loop = uvloop.new_event_loop
            self._loop_name = f"uvloop {importlib.metadata.version('uvloop')}"

    def run_loop(self) -> asyncio.AbstractEventLoop:
        """A new event loop."""
        return self._loop()

    def terms(self) -> Terms:
        """Versions and habits."""
        return _terms(loop=f"{self._loop_name}, over tokio's threads")

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From the text of the exception."""
        return _describe(error)

    def opening(self, target: Target) -> AsyncOp:
        """`async_.Conn.new` of an `Opts`."""
        arguments = connect_arguments(target)

        async def op() -> Any:
            options = Opts(arguments["url"]).host(arguments["host"])
            if arguments["host"].startswith("/"):
                place = f"{arguments['host']}/.s.PGSQL.{arguments['port']}"
                options = options.socket(place)
            options = options.port(arguments["port"]).db(arguments["dbname"])
            options = options.user(arguments["user"]).password(arguments["password"])
            return await async_.Conn.new(options)

        return op

    async def open(self, target: Target, profile: Profile) -> PyroAsyncSession:
        """Connect; there is nothing to configure."""
        try:
            return PyroAsyncSession(await self.opening(target)())
        except PostgresError as error:
            raise _not_configured(error) from error

    def connect(self, target: Target, profile: Profile) -> AsyncOp:
        """Connect and close."""
        open_connection = self.opening(target)

        async def op() -> None:
            connection = await open_connection()
            await connection.close()

        return op

    def connect_query(self, target: Target, profile: Profile, sql: str) -> AsyncOp:
        """Connect, fetch one value, close."""
        open_connection = self.opening(target)

        async def op() -> Any:
            connection = await open_connection()
            try:
                return (await connection.exec_first(sql))[0]
            finally:
                await connection.close()

        return op
