"""Acts of SQLAlchemy's ORM: sessions, and the engine as their pool."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


async def close(connection: AsyncSession) -> None:
    """`session.close`, which gives its connection back, and `engine.dispose`."""
    engine: Any = connection.bind
    await connection.close()
    await engine.dispose()


async def pool_acquire(pool: AsyncEngine, timeout: float | None = None) -> AsyncSession:
    """`Session(engine)`, which takes a connection for its transaction."""
    if timeout is not None:
        raise NotImplementedError("SQLAlchemy's pool has one timeout: `pool_timeout`")
    session = AsyncSession(pool)
    await session.connection()
    return session


async def pool_block(pool: AsyncEngine, sql: str) -> Any:
    """`async with Session(engine)`."""
    async with AsyncSession(pool) as session:
        return await session.scalar(text(sql.replace(":", r"\:")))
