"""Connections and pools of aiopg."""

from __future__ import annotations

from typing import Any

import aiopg

_PARAMETERS = (
    "server_version",
    "server_encoding",
    "client_encoding",
    "application_name",
    "is_superuser",
    "session_authorization",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "integer_datetimes",
    "standard_conforming_strings",
)


async def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Any:
    """`aiopg.connect`, which takes psycopg2's arguments."""
    if autocommit is False:
        raise NotImplementedError("psycopg2's asynchronous mode is always in autocommit")
    return await aiopg.connect(dsn, **options)


async def close(connection: Any) -> None:
    """`connection.close`."""
    await connection.close()


async def closed(connection: Any) -> bool:
    """`connection.closed`."""
    return bool(connection.closed)


async def info(connection: Any) -> dict[str, Any]:
    """Attributes and coroutines of a connection."""
    status = connection.get_parameter_status
    return {
        "server_version": connection.server_version,
        "backend_pid": await connection.get_backend_pid(),
        "protocol_version": connection.protocol_version,
        "parameters": {name: await status(name) for name in _PARAMETERS},
    }


async def set_client_encoding(connection: Any, encoding: str) -> None:
    """`connection.set_client_encoding`."""
    await connection.set_client_encoding(encoding)


async def listener(dsn: str) -> Any:
    """A connection."""
    return await aiopg.connect(dsn)


async def pool_open(
    dsn: str,
    *,
    min_size: int,
    max_size: int,
    timeout: float | None = None,
    max_idle: float | None = None,
    **options: Any,
) -> Any:
    """`aiopg.create_pool`; `pool_recycle` is about connections that were not used."""
    for name, value in options.items():
        if value is not None:
            raise NotImplementedError(f"aiopg's pool has no {name}")
    given: dict[str, Any] = {"timeout": timeout, "pool_recycle": max_idle}
    return await aiopg.create_pool(
        dsn,
        minsize=min_size,
        maxsize=max_size,
        **{name: value for name, value in given.items() if value is not None},
    )


async def pool_acquire(pool: Any, timeout: float | None = None) -> Any:
    """`pool.acquire`; its timeout is the pool's."""
    if timeout is not None:
        raise NotImplementedError("aiopg's pool has one timeout for all")
    return await pool.acquire()


async def pool_release(pool: Any, connection: Any) -> None:
    """`pool.release`."""
    await pool.release(connection)


async def pool_block(pool: Any, sql: str) -> Any:
    """`async with pool.acquire()`."""
    async with pool.acquire() as connection, connection.cursor() as cursor:
        await cursor.execute(sql)
        row = await cursor.fetchone()
        return row[0] if row else None


async def pool_size(pool: Any) -> int:
    """`pool.size`."""
    return int(pool.size)


async def pool_idle(pool: Any) -> int:
    """`pool.freesize`."""
    return int(pool.freesize)


async def pool_close(pool: Any) -> None:
    """`pool.close`, and `pool.wait_closed`, which waits for what is in use."""
    pool.close()
    await pool.wait_closed()
