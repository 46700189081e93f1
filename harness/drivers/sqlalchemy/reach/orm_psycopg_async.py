"""Acts of SQLAlchemy's ORM over psycopg-async: how they connect."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from harness.drivers.sqlalchemy.reach.engines import level, psycopg_async_engine


async def connect(
    dsn: str, *, autocommit: bool | None = True, **options: Any
) -> AsyncSession:
    """`Session(engine)` with a pool of one; `session.connection` connects."""
    session = AsyncSession(
        psycopg_async_engine(dsn, options, pool_size=1, **level(autocommit))
    )
    await session.connection()
    return session
