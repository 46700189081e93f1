"""psycopg 3: the drivers `psycopg` (sync) and `psycopg-async`.

The library is imported when a driver is constructed and not before, because the option
`python` must set PSYCOPG_IMPL first. Sync and async sessions are two files, written out
twice on purpose; what they share is pure and happens while binding.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
from collections.abc import Callable, Mapping
from typing import Any

from harness.core.arms import Kind, Profile
from harness.core.calls import ErrorFields, Target, Terms
from harness.core.capabilities import Capability
from harness.core.errors import DriverError, Unsupported
from harness.drivers.psycopg.asynchronous import PsycopgAsyncPool, PsycopgAsyncSession
from harness.drivers.psycopg.shared import configure, configure_async, connect_arguments
from harness.drivers.psycopg.sync import PsycopgPool, PsycopgSession
from harness.plugin.contract import AsyncOp, SyncOp

_BINARY = "ask for results in binary format (cursor binary=True)"
_PYTHON = "the pure-Python implementation (PSYCOPG_IMPL=python); needs a libpq"
_UVLOOP = "run on uvloop instead of asyncio's loop"


def _import_library(python: bool) -> None:
    """Import psycopg in the implementation that is asked for.

    Raises:
        DriverError: it cannot be had, or another one has been imported before.
    """
    if python:
        os.environ["PSYCOPG_IMPL"] = "python"
    try:
        import psycopg
    except ImportError as error:
        raise DriverError(
            f"psycopg cannot be imported: {error}",
            hint="the option 'python' needs a libpq of the system (Debian: libpq5)"
            if python
            else "pip install 'pgdyno[psycopg]'",
        ) from error
    if python and psycopg.pq.__impl__ != "python":
        raise DriverError(
            f"psycopg's '{psycopg.pq.__impl__}' implementation is loaded already",
            hint="the option 'python' needs a process of its own",
        )


def _error_fields(error: BaseException) -> ErrorFields:
    import psycopg

    if not isinstance(error, psycopg.Error):
        return ErrorFields(message=str(error))
    diagnostics = error.diag
    return ErrorFields(
        sqlstate=error.sqlstate or "",
        message=diagnostics.message_primary or str(error),
        constraint=diagnostics.constraint_name or "",
        table=diagnostics.table_name or "",
        column=diagnostics.column_name or "",
    )


def _terms(binary: bool, loop: str) -> Terms:
    import psycopg

    return Terms(
        library="psycopg",
        version=psycopg.__version__,
        implementation=psycopg.pq.__impl__,
        libpq=psycopg.pq.version_pretty(psycopg.pq.version()),
        wire_results="binary" if binary else "text",
        wire_parameters="binary where the type has a binary dumper, otherwise text",
        row_shape="tuple",
        placeholders="%s; %(name)s where a parameter is used twice",
        statement_cache="prepares at the 5th execution, keeps 100 (default)",
        autocommit="on (set at connect)",
        pool="psycopg_pool",
        loop=loop,
    )


_CAPABILITIES = frozenset(Capability)


class Psycopg:
    """psycopg's sync API."""

    name = "psycopg"
    acts = "harness.drivers.psycopg.acts"
    kind: Kind = "sync"
    options: Mapping[str, str] = {"binary": _BINARY, "python": _PYTHON}
    registrations = (
        "a `dict` is sent as jsonb: `register_dumper(dict, JsonbDumper)`",
        "pgvector’s `register_vector`, where the server has the type",
    )
    capabilities = _CAPABILITIES

    def __init__(self, options: frozenset[str]) -> None:
        _import_library("python" in options)
        self._binary = "binary" in options

    def terms(self) -> Terms:
        """Versions and habits."""
        return _terms(self._binary, loop="none")

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From `error.diag`."""
        return _error_fields(error)

    def open(self, target: Target, profile: Profile) -> PsycopgSession:
        """`psycopg.connect`."""
        import psycopg

        connection = psycopg.connect(**connect_arguments(target))
        if profile == "configured":
            configure(connection)
        return PsycopgSession(connection, self._binary)

    def open_pool(self, target: Target, profile: Profile, size: int) -> PsycopgPool:
        """A `psycopg_pool.ConnectionPool` of a fixed size, filled."""
        try:
            from psycopg_pool import ConnectionPool
        except ModuleNotFoundError as error:
            raise Unsupported(f"the pool is a package of its own: {error}") from error
        self.open(target, profile).close()  # a pool would try for ever to configure
        pool = ConnectionPool(
            kwargs=connect_arguments(target),
            min_size=size,
            max_size=size,
            configure=configure if profile == "configured" else None,
            open=False,
        )
        pool.open(wait=True)
        return PsycopgPool(pool, self._binary)

    def connect(self, target: Target, profile: Profile) -> SyncOp:
        """Connect and close; no registrations, which cost queries of their own."""
        from psycopg import connect

        arguments = connect_arguments(target)
        return lambda: connect(**arguments).close()

    def connect_query(self, target: Target, profile: Profile, sql: str) -> SyncOp:
        """Connect, fetch one value, close."""
        import psycopg

        connect: Callable[..., Any] = psycopg.connect
        arguments = connect_arguments(target)

        def op() -> Any:
            with connect(**arguments) as connection:
                return connection.execute(sql).fetchone()[0]

        return op


class PsycopgAsync:
    """psycopg's async API."""

    name = "psycopg-async"
    acts = "harness.drivers.psycopg.acts_async"
    kind: Kind = "async"
    options: Mapping[str, str] = {"binary": _BINARY, "python": _PYTHON, "uvloop": _UVLOOP}
    registrations = (
        "a `dict` is sent as jsonb: `register_dumper(dict, JsonbDumper)`",
        "pgvector’s `register_vector_async`, where the server has the type",
    )
    capabilities = _CAPABILITIES

    def __init__(self, options: frozenset[str]) -> None:
        _import_library("python" in options)
        self._binary = "binary" in options
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
        return _terms(self._binary, loop=self._loop_name)

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From `error.diag`."""
        return _error_fields(error)

    async def open(self, target: Target, profile: Profile) -> PsycopgAsyncSession:
        """`AsyncConnection.connect`."""
        import psycopg

        connection = await psycopg.AsyncConnection.connect(**connect_arguments(target))
        if profile == "configured":
            await configure_async(connection)
        return PsycopgAsyncSession(connection, self._binary)

    async def open_pool(
        self, target: Target, profile: Profile, size: int
    ) -> PsycopgAsyncPool:
        """A `psycopg_pool.AsyncConnectionPool` of a fixed size, filled."""
        try:
            from psycopg_pool import AsyncConnectionPool
        except ModuleNotFoundError as error:
            raise Unsupported(f"the pool is a package of its own: {error}") from error
        await (await self.open(target, profile)).close()  # as in the sync driver
        pool = AsyncConnectionPool(
            kwargs=connect_arguments(target),
            min_size=size,
            max_size=size,
            configure=configure_async if profile == "configured" else None,
            open=False,
        )
        await pool.open(wait=True)
        return PsycopgAsyncPool(pool, self._binary)

    def connect(self, target: Target, profile: Profile) -> AsyncOp:
        """Connect and close; no registrations, which cost queries of their own."""
        from psycopg import AsyncConnection

        arguments = connect_arguments(target)

        async def op() -> None:
            await (await AsyncConnection.connect(**arguments)).close()

        return op

    def connect_query(self, target: Target, profile: Profile, sql: str) -> AsyncOp:
        """Connect, fetch one value, close."""
        import psycopg

        connect: Callable[..., Any] = psycopg.AsyncConnection.connect
        arguments = connect_arguments(target)

        async def op() -> Any:
            async with await connect(**arguments) as connection:
                return (await (await connection.execute(sql)).fetchone())[0]

        return op
