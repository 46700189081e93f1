"""SQLSpec: the drivers `sqlspec-psycopg`, `-psycopg-async`, `-asyncpg` and `-psqlpy`.

Each is a session of one of SQLSpec's configurations, over the driver that it is named
after. `asynchronous.py` and the acts under `acts_async` are written by hand; `sync.py` and
`acts` are made of them by tools/psycopg_sync.py. Acts that only one configuration has
stand beside them: `acts_asyncpg`, `acts_psqlpy`, ….

Every async op is a coroutine of its own: where a task runs a bare `session.execute()`, the
compiled library keeps the exception of a cancelled call and raises it again later.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlspec

from harness.drivers.sqlspec.asynchronous import (
    SqlspecAsyncOpening,
    SqlspecAsyncSession,
    SqlspecAsyncStackSession,
    SqlspecRecordSession,
)
from harness.drivers.sqlspec.shared import config_class
from harness.drivers.sqlspec.sync import SqlspecOpening, SqlspecStackSession
from harness.plugin import (
    AsyncOp,
    Capability,
    ErrorFields,
    Kind,
    Target,
    Terms,
    Unsupported,
    Wrapper,
    beneath,
    described,
)

_JSON = "json.dumps and json.loads as json_serializer and json_deserializer"
_NOPREPARE = (
    "ops prepare no statements, as behind PgBouncer:"
    " driver_features={'pooler_mode': 'transaction'}"
)
_UVLOOP = "run on uvloop instead of asyncio's loop"
_AGENTS = "harness.drivers.sqlspec.acts_agents"
_BLOCKING_AGENTS = "harness.drivers.sqlspec.acts_agents_blocking"
_PLACEHOLDERS = "any style, parsed by sqlglot and rewritten to the adapter's"


class _Layer:
    """What the four have in common: a layer over the driver that they name in `wraps`."""

    name: str
    wraps: str
    options: Mapping[str, str] = {"json": _JSON}
    capabilities: frozenset[Capability]
    registrations = ()  # JSON codecs and pgvector's types register themselves
    wrappers: Mapping[str, Wrapper]
    _package: str
    _config_name: str
    _features: Mapping[str, Any]
    _loop_name = "none"
    _rewrites = "placeholders, and whatever sqlglot writes in another way than it read"

    def __init__(self, options: frozenset[str]) -> None:
        self._beneath = beneath(self.wraps)
        config_class(self._package, self._config_name)
        self.wrappers = getattr(self._beneath, "wrappers", {})
        features: dict[str, Any] = {}
        if "json" in options:
            features = {
                "json_serializer": json.dumps,
                "json_deserializer": json.loads,
            }
        self._prepares = "noprepare" not in options
        if not self._prepares:
            features["pooler_mode"] = "transaction"
            self.capabilities = self.capabilities - {Capability.PREPARED}
        self._features = features

    def terms(self) -> Terms:
        """Those of the driver below, but for what SQLSpec does in another way."""
        below = self._beneath.terms()
        return replace(
            below,
            library="sqlspec",
            version=sqlspec.__version__,
            implementation=_implementation(),
            row_shape="dict",
            placeholders=_PLACEHOLDERS,
            statement_cache=below.statement_cache
            if self._prepares
            else "off (pooler_mode='transaction')",
            pool=f"provide_session() over {below.pool}",
            loop=self._loop_name,
            rewrites=self._rewrites,
        )

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From the exception of the driver below, which SQLSpec keeps as the cause."""
        return described(error, self._beneath.describe_error)


def _implementation() -> str:
    from sqlspec.driver import _async

    return "Python" if str(_async.__file__).endswith(".py") else "mypyc"


class _AsyncLayer(_Layer):
    options: Mapping[str, str] = {"json": _JSON, "uvloop": _UVLOOP}

    def __init__(self, options: frozenset[str]) -> None:
        super().__init__(options)
        self._loop = asyncio.new_event_loop
        self._loop_name = "asyncio"
        if "uvloop" in options:
            import uvloop

            self._loop = uvloop.new_event_loop
            self._loop_name = f"uvloop {importlib.metadata.version('uvloop')}"

    def run_loop(self) -> asyncio.AbstractEventLoop:
        """A new event loop."""
        return self._loop()


def _psycopg_arguments(target: Target) -> dict[str, Any]:
    return {
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "password": target.password,
        "dbname": target.dbname,
        "options": target.options,
        "application_name": target.application_name,
        "autocommit": True,
        **target.libpq_tls,
    }


_PSYCOPG = frozenset(Capability) - {Capability.PEP_249}
_ASYNCPG = _PSYCOPG - {
    Capability.PIPELINE,
    Capability.COPY_TEXT,
    Capability.COPY_CSV,
    Capability.COPY_BYTES,
}


class SqlspecPsycopg(_Layer, SqlspecOpening):
    """`PsycopgSyncConfig`."""

    name = "sqlspec-psycopg"
    options: Mapping[str, str] = {"json": _JSON, "noprepare": _NOPREPARE}
    wraps = "psycopg"
    kind: Kind = "sync"
    acts = (
        "harness.drivers.sqlspec.acts",
        "harness.drivers.sqlspec.acts_psycopg",
        _AGENTS,
        _BLOCKING_AGENTS,
    )
    capabilities = _PSYCOPG
    _package, _config_name = "psycopg", "PsycopgSyncConfig"
    _session = SqlspecStackSession

    def _arguments(self, target: Target) -> dict[str, Any]:
        return _psycopg_arguments(target)

    def _fill(self, pool: Any, size: int) -> None:
        pool.wait()


class SqlspecPsycopgAsync(_AsyncLayer, SqlspecAsyncOpening):
    """`PsycopgAsyncConfig`."""

    name = "sqlspec-psycopg-async"
    options: Mapping[str, str] = {
        "json": _JSON,
        "noprepare": _NOPREPARE,
        "uvloop": _UVLOOP,
    }
    wraps = "psycopg-async"
    kind: Kind = "async"
    acts = (
        "harness.drivers.sqlspec.acts_async",
        "harness.drivers.sqlspec.acts_psycopg_async",
        _AGENTS,
    )
    capabilities = _PSYCOPG
    _package, _config_name = "psycopg", "PsycopgAsyncConfig"
    _session: type[SqlspecAsyncSession] = SqlspecAsyncStackSession

    def _arguments(self, target: Target) -> dict[str, Any]:
        return _psycopg_arguments(target)

    async def _fill(self, pool: Any, size: int) -> None:
        await pool.wait()


class SqlspecAsyncpg(_AsyncLayer, SqlspecAsyncOpening):
    """`AsyncpgConfig`."""

    name = "sqlspec-asyncpg"
    options: Mapping[str, str] = {
        "json": _JSON,
        "noprepare": _NOPREPARE,
        "uvloop": _UVLOOP,
    }
    wraps = "asyncpg"
    kind: Kind = "async"
    acts = (
        "harness.drivers.sqlspec.acts_async",
        "harness.drivers.sqlspec.acts_asyncpg",
        _AGENTS,
    )
    capabilities = _ASYNCPG
    _package, _config_name = "asyncpg", "AsyncpgConfig"
    _session: type[SqlspecAsyncSession] = SqlspecRecordSession

    def _arguments(self, target: Target) -> dict[str, Any]:
        return {
            "host": target.host,
            "port": target.port,
            "user": target.user,
            "password": target.password,
            "database": target.dbname,
            "server_settings": {
                "application_name": target.application_name,
                **dict(target.settings),
            },
            **target.tls_uri,
        }


class SqlspecPsqlpySession(SqlspecRecordSession):
    """A session over psqlpy."""

    async def close(self) -> None:
        """Close the driver's connection; psqlpy's `close` is not a coroutine."""
        self.connection.connection.close()


class SqlspecPsqlpy(_AsyncLayer, SqlspecAsyncOpening):
    """`PsqlpyConfig`."""

    name = "sqlspec-psqlpy"
    wraps = "psqlpy"
    kind: Kind = "async"
    acts = (
        "harness.drivers.sqlspec.acts_async",
        "harness.drivers.sqlspec.acts_psqlpy",
        _AGENTS,
    )
    capabilities = _ASYNCPG
    _package, _config_name = "psqlpy", "PsqlpyConfig"
    _session: type[SqlspecAsyncSession] = SqlspecPsqlpySession
    _rewrites = (
        "placeholders, what sqlglot writes in another way than it read, and DML: "
        "with _sqlspec_affected as (… returning 1) select count(*)"
    )

    def _arguments(self, target: Target) -> dict[str, Any]:
        return {
            "host": target.host,
            "port": target.port,
            "username": target.user,
            "password": target.password,
            "db_name": target.dbname,
            "options": target.options or None,
            "application_name": target.application_name,
            **self._verified(target),
        }

    def _verified(self, target: Target) -> dict[str, Any]:
        """SQLSpec's types say a word for `ssl_mode`, which psqlpy refuses."""
        if not target.tls:
            return {}
        from psqlpy import SslMode

        return {"ssl_mode": SslMode.VerifyFull, "ca_file": target.tls}

    def _pool_arguments(self, size: int) -> dict[str, Any]:
        if size < 2:
            raise Unsupported("psqlpy's pool must have at least 2 connections")
        return {"max_db_pool_size": size}

    async def _fill(self, pool: Any, size: int) -> None:
        """It connects on demand, so all of it is taken out once."""
        for connection in [await pool.connection() for _ in range(size)]:
            connection.close()

    def connect(self, target: Target, profile: Any) -> AsyncOp:
        """`config.create_connection`, which takes one of its pool; both are closed."""
        config = self._config(target)

        async def op() -> None:
            (await config.create_connection()).close()
            await config.close_pool()

        return op

    def connect_query(self, target: Target, profile: Any, sql: str) -> AsyncOp:
        """Connect, fetch one value by a session, close."""
        config = self._config(target)

        async def op() -> Any:
            async with config.provide_session() as session:
                value = await session.select_value(sql)
            await config.close_pool()
            return value

        return op


__all__ = ["SqlspecAsyncpg", "SqlspecPsqlpy", "SqlspecPsycopg", "SqlspecPsycopgAsync"]
