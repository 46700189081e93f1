"""Acts of SQLAlchemy's ORM over asyncpg: how they connect."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from harness.drivers.sqlalchemy.reach.engines import (
    asyncpg_arguments,
    asyncpg_engine,
    level,
)


async def connect(
    dsn: str, *, autocommit: bool | None = True, **options: Any
) -> AsyncSession:
    """`Session(engine)` with a pool of one; `session.connection` connects."""
    session = AsyncSession(
        asyncpg_engine(dsn, asyncpg_arguments(options), pool_size=1, **level(autocommit))
    )
    await session.connection()
    return session
