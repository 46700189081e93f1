"""The pool of asyncpg."""

from __future__ import annotations

from typing import Any

import asyncpg


async def pool_open(dsn: str, *, min_size: int, max_size: int, **options: Any) -> Any:
    """`asyncpg.create_pool`; a timeout is an argument of `acquire`."""
    return await asyncpg.create_pool(
        dsn, min_size=min_size, max_size=max_size, **_pool_arguments(options)
    )


def _pool_arguments(options: dict[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for name, value in options.items():
        if value is None:
            continue
        if name != "max_idle":
            raise NotImplementedError(f"asyncpg's pool has no {name}")
        arguments["max_inactive_connection_lifetime"] = value
    return arguments


async def pool_acquire(pool: Any, timeout: float | None = None) -> Any:
    """`pool.acquire`."""
    return await pool.acquire(timeout=timeout)


async def pool_release(pool: Any, connection: Any) -> None:
    """`pool.release`, which resets the session."""
    await pool.release(connection)


async def pool_block(pool: Any, sql: str) -> Any:
    """`async with pool.acquire()`."""
    async with pool.acquire() as connection:
        return await connection.fetchval(sql)


async def pool_size(pool: Any) -> int:
    """`pool.get_size`."""
    return int(pool.get_size())


async def pool_idle(pool: Any) -> int:
    """`pool.get_idle_size`."""
    return int(pool.get_idle_size())


async def pool_close(pool: Any) -> None:
    """`pool.close`, which waits for the connections that are out."""
    await pool.close()
