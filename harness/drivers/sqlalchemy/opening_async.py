"""How a driver over SQLAlchemy's asyncio API makes its engines and opens what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from harness.drivers.sqlalchemy.below import (
    BELOW,
    Below,
    finds_no_vector,
    pgvector_register,
    place_of,
)
from harness.drivers.sqlalchemy.core_async import AsyncCorePool, AsyncCoreSession
from harness.drivers.sqlalchemy.orm_async import AsyncOrmPool, AsyncOrmSession
from harness.drivers.sqlalchemy.written import written
from harness.plugin import (
    FIND_VECTOR,
    AsyncOp,
    Profile,
    Target,
    unregistered_vector,
)


def _register_vector(engine: AsyncEngine, below: Below) -> None:
    """pgvector's types on each new connection of a database that has them, as its
    documentation shows."""
    register = pgvector_register(below)
    if register is None:
        return

    @event.listens_for(engine.sync_engine, "connect")
    def connect(dbapi_connection: Any, _record: Any) -> None:
        try:
            dbapi_connection.run_async(register)
        except Exception as error:
            if not finds_no_vector(error):
                raise


async def _unregistered(connection: AsyncConnection) -> Mapping[str, str]:
    """What should have been registered and is not, and why."""
    found: Any = (await connection.execute(text(FIND_VECTOR))).first()
    return unregistered_vector(*found)


async def _filled(engine: AsyncEngine, profile: Profile, size: int) -> Mapping[str, str]:
    """Connect all connections of a pool; what should have been registered and is not."""
    connections = [await engine.connect() for _ in range(size)]
    missing = await _unregistered(connections[0]) if profile == "configured" else {}
    for connection in connections:
        await connection.close()
    return missing


class AsyncEngines:
    """Makes engines, and connects.

    Whoever has another library below, or none, replaces `engine`. `further` are arguments
    that an option adds to the driver's.
    """

    wraps: str
    further: Mapping[str, Any] = {}

    def engine(self, target: Target, **options: Any) -> AsyncEngine:
        """`create_async_engine`."""
        below = BELOW[self.wraps]
        url = URL.create(**place_of(below, target))
        return create_async_engine(
            url, connect_args={**below.connect_args(target), **self.further}, **options
        )

    def autocommit_engine(self, target: Target, profile: Profile, size: int) -> AsyncEngine:
        """An engine in AUTOCOMMIT with a pool of a fixed size."""
        engine = self.engine(
            target, isolation_level="AUTOCOMMIT", pool_size=size, max_overflow=0
        )
        if profile == "configured":
            _register_vector(engine, BELOW[self.wraps])
        return engine

    def transaction_engine(self, target: Target, profile: Profile) -> AsyncEngine:
        """An engine at the server's level of isolation, with a pool of one."""
        engine = self.engine(target, pool_size=1, max_overflow=0)
        if profile == "configured":
            _register_vector(engine, BELOW[self.wraps])
        return engine

    def connect(self, target: Target, profile: Profile) -> AsyncOp:
        """`engine.connect` and `close`, without a pool and without registrations."""
        engine = self.engine(target, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        connect = engine.connect

        async def op() -> None:
            async with connect():
                pass

        return op

    def connect_query(self, target: Target, profile: Profile, sql: str) -> AsyncOp:
        """`engine.connect`, fetch one value, `close`; there is no pool."""
        engine = self.engine(target, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        connect, statement = engine.connect, text(sql.replace(":", r"\:"))

        async def op() -> Any:
            async with connect() as connection:
                return await connection.scalar(statement)

        return op


class AsyncCoreOpening(AsyncEngines):
    """Opens sessions and pools of Core."""

    written = staticmethod(written)

    def opening(self, target: Target) -> AsyncOp:
        """`create_async_engine` and `engine.connect`, as a reproduction prints them."""
        below = BELOW[self.wraps]
        arguments: dict[str, dict[str, Any]] = {
            "url": place_of(below, target),
            "options": {"connect_args": {**below.connect_args(target), **self.further}},
        }

        async def op() -> Any:
            url = URL.create(**arguments["url"])
            engine = create_async_engine(
                url,
                isolation_level="AUTOCOMMIT",
                poolclass=NullPool,
                **arguments["options"],
            )
            return await engine.connect()

        return op

    async def open(self, target: Target, profile: Profile) -> AsyncCoreSession:
        """`engine.connect`."""
        connection = await self.autocommit_engine(target, profile, 1).connect()
        session = AsyncCoreSession(
            connection, self.transaction_engine(target, profile), profile
        )
        if profile == "configured":
            session.unregistered = await _unregistered(connection)
        return session

    async def open_pool(self, target: Target, profile: Profile, size: int) -> AsyncCorePool:
        """An engine whose pool is filled: by itself it connects when it is asked to."""
        engine = self.autocommit_engine(target, profile, size)
        pool = AsyncCorePool(engine, profile)
        pool.unregistered = await _filled(engine, profile, size)
        return pool


class AsyncOrmOpening(AsyncEngines):
    """Opens sessions and pools of the ORM."""

    async def open(self, target: Target, profile: Profile) -> AsyncOrmSession:
        """An engine with one connection, for sessions."""
        engine = self.autocommit_engine(target, profile, 1)
        session = AsyncOrmSession(engine, self.transaction_engine(target, profile), profile)
        session.unregistered = await _filled(engine, profile, 1)
        return session

    async def open_pool(self, target: Target, profile: Profile, size: int) -> AsyncOrmPool:
        """An engine whose pool is filled: by itself it connects when it is asked to."""
        engine = self.autocommit_engine(target, profile, size)
        transactions = engine.execution_options(isolation_level="READ COMMITTED")
        pool = AsyncOrmPool(engine, transactions, profile)
        pool.unregistered = await _filled(engine, profile, size)
        return pool
