"""aiopg: the driver `aiopg`, psycopg2's asynchronous mode on an event loop."""

from __future__ import annotations

import asyncio
import importlib.metadata
from collections.abc import Mapping
from typing import Any

import aiopg
import psycopg2

from harness.drivers.aiopg.session import AiopgPool, AiopgSession
from harness.drivers.aiopg.shared import WRAPPERS, connect_arguments
from harness.plugin import (
    AsyncOp,
    Capability,
    ErrorFields,
    Kind,
    Profile,
    Target,
    Terms,
)


class Aiopg:
    """aiopg."""

    name = "aiopg"
    wraps = "psycopg2"
    kind: Kind = "async"
    options: Mapping[str, str] = {"uvloop": "run on uvloop instead of asyncio's loop"}
    registrations = ()  # json, uuid and hstore are registered by default
    capabilities = frozenset(
        {
            Capability.JSONB,
            Capability.ARRAYS,
            Capability.POOL,
            Capability.POOL_WAITS,
            Capability.PEP_249,
        }
    )
    acts = ("harness.drivers.aiopg.acts",)
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
        return Terms(
            library="aiopg",
            version=importlib.metadata.version("aiopg"),
            implementation="Python",
            libpq="of psycopg2",
            wire_results="text",
            wire_parameters="text, put into the SQL by the client",
            row_shape="tuple",
            placeholders="%s",
            statement_cache="none",
            autocommit="on (psycopg2's asynchronous mode knows no other)",
            pool="aiopg.Pool",
            loop=self._loop_name,
            binds="client",
        )

    def describe_error(self, error: BaseException) -> ErrorFields:
        """From `error.diag`: the exceptions are psycopg2's."""
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

    def opening(self, target: Target) -> AsyncOp:
        """`aiopg.connect`."""
        arguments = connect_arguments(target)

        async def op() -> Any:
            return await aiopg.connect(**arguments)

        return op

    async def open(self, target: Target, profile: Profile) -> AiopgSession:
        """Connect; there is nothing to configure."""
        return AiopgSession(await self.opening(target)())

    async def open_pool(self, target: Target, profile: Profile, size: int) -> AiopgPool:
        """`aiopg.create_pool`, which opens its minimum at once."""
        arguments = connect_arguments(target)
        return AiopgPool(await aiopg.create_pool(minsize=size, maxsize=size, **arguments))

    def connect(self, target: Target, profile: Profile) -> AsyncOp:
        """`async with aiopg.connect`."""
        arguments = connect_arguments(target)

        async def op() -> None:
            async with aiopg.connect(**arguments):
                pass

        return op

    def connect_query(self, target: Target, profile: Profile, sql: str) -> AsyncOp:
        """Connect, fetch one value, close."""
        arguments = connect_arguments(target)

        async def op() -> Any:
            async with (
                aiopg.connect(**arguments) as connection,
                connection.cursor() as cursor,
            ):
                await cursor.execute(sql)
                return (await cursor.fetchone())[0]

        return op
