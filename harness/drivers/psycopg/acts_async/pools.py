"""Acts of psycopg, async: the pool of `psycopg_pool`, a package of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool


async def pool_open(
    dsn: str, *, min_size: int, max_size: int, **options: Any
) -> AsyncConnectionPool:
    """`psycopg_pool.AsyncConnectionPool`; it is open when `min_size` connections are."""
    from psycopg_pool import AsyncConnectionPool

    pool = AsyncConnectionPool(
        dsn,
        kwargs={"autocommit": True},
        min_size=min_size,
        max_size=max_size,
        open=False,
        **_pool_options(**options),
    )
    await pool.open(wait=True, timeout=options.get("timeout") or 30.0)
    return pool


def _pool_options(
    *,
    timeout: float | None = None,
    max_waiting: int | None = None,
    max_lifetime: float | None = None,
    max_idle: float | None = None,
    check: bool | None = None,
    recycling: str | None = None,
) -> dict[str, Any]:
    """The options of a pool, as far as they are asked for."""
    from psycopg_pool import AsyncConnectionPool

    if recycling is not None:
        raise NotImplementedError("psycopg_pool has no recycling methods")
    given = {
        "timeout": timeout,
        "max_waiting": max_waiting,
        "max_lifetime": max_lifetime,
        "max_idle": max_idle,
        "check": AsyncConnectionPool.check_connection if check else None,
    }
    return {name: value for name, value in given.items() if value is not None}


async def pool_acquire(
    pool: AsyncConnectionPool, timeout: float | None = None
) -> AsyncConnection:
    """`pool.getconn`."""
    return await pool.getconn(timeout=timeout)


async def pool_release(pool: AsyncConnectionPool, connection: AsyncConnection) -> None:
    """`pool.putconn`."""
    await pool.putconn(connection)


async def pool_block(pool: AsyncConnectionPool, sql: str) -> Any:
    """`async with pool.connection()`."""
    async with pool.connection() as connection:
        cursor = await connection.execute(sql)
        row = await cursor.fetchone()
        return row[0] if row else None


async def pool_size(pool: AsyncConnectionPool) -> int:
    """`pool.get_stats`."""
    return pool.get_stats()["pool_size"]


async def pool_idle(pool: AsyncConnectionPool) -> int:
    """`pool.get_stats`."""
    return pool.get_stats()["pool_available"]


async def pool_close(pool: AsyncConnectionPool) -> None:
    """`pool.close`."""
    await pool.close()
