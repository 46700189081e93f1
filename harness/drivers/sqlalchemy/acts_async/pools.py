"""Acts of SQLAlchemy: the engine as a pool."""

from __future__ import annotations

from typing import Any


async def pool_size(pool: Any) -> int:
    """`engine.pool`, which counts those inside and those outside."""
    return int(pool.pool.checkedin() + pool.pool.checkedout())


async def pool_idle(pool: Any) -> int:
    """`engine.pool.checkedin`."""
    return int(pool.pool.checkedin())


async def pool_release(pool: Any, connection: Any) -> None:
    """`close` of the connection or the session."""
    del pool  # it knows whose it is
    await connection.close()


async def pool_close(pool: Any) -> None:
    """`engine.dispose`."""
    await pool.dispose()
