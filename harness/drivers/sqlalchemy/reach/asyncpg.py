"""Acts of SQLAlchemy over asyncpg: how they connect, and the engine as a pool."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import NullPool

from harness.drivers.sqlalchemy.reach.engines import (
    asyncpg_arguments,
    asyncpg_engine,
    level,
    pool_arguments,
)


async def connect(
    dsn: str, *, autocommit: bool | None = True, **options: Any
) -> AsyncConnection:
    """`engine.connect`, without a pool."""
    engine = asyncpg_engine(
        dsn, asyncpg_arguments(options), poolclass=NullPool, **level(autocommit)
    )
    return await engine.connect()


async def pool_open(
    dsn: str,
    *,
    min_size: int,
    max_size: int,
    timeout: float | None = None,
    max_waiting: int | None = None,
    max_lifetime: float | None = None,
    max_idle: float | None = None,
    check: bool | None = None,
    recycling: str | None = None,
) -> AsyncEngine:
    """An engine, which connects when it is asked to."""
    arguments = pool_arguments(
        min_size,
        max_size,
        timeout,
        max_lifetime,
        check,
        max_waiting=max_waiting,
        max_idle=max_idle,
        recycling=recycling,
    )
    return asyncpg_engine(dsn, {}, **arguments)


async def execute_script(connection: Any, sql: str) -> None:
    """asyncpg's own `execute`, by `driver_connection`: the dialect prepares everything."""
    reached = connection if isinstance(connection, AsyncConnection) else None
    reached = reached or await connection.connection()
    raw: Any = await reached.get_raw_connection()
    await raw.driver_connection.execute(sql)
