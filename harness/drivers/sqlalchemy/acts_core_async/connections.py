"""Acts of SQLAlchemy Core: connections, and the engine as a pool."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


async def close(connection: AsyncConnection) -> None:
    """`connection.close`: without a pool it ends the session."""
    await connection.close()


async def closed(connection: AsyncConnection) -> bool:
    """`connection.closed`; `invalidated` if SQLAlchemy gave up the driver's."""
    return bool(connection.closed or connection.invalidated)


async def info(connection: AsyncConnection) -> dict[str, Any]:
    """`dialect.server_version_info` and `engine.url`."""
    dialect: Any = connection.dialect
    major, minor = dialect.server_version_info
    url = connection.engine.url
    told = {
        "server_version": 10_000 * major + minor,
        "dbname": url.database,
        "user": url.username,
        "host": url.host,
        "port": url.port,
    }
    return {name: value for name, value in told.items() if value is not None}


async def set_autocommit(connection: AsyncConnection, on: bool) -> None:
    """The option `isolation_level`; `commit` ends what SQLAlchemy began in AUTOCOMMIT."""
    if not on:
        await connection.commit()
    level = "AUTOCOMMIT" if on else connection.default_isolation_level
    await connection.execution_options(isolation_level=level)


async def pool_acquire(pool: AsyncEngine, timeout: float | None = None) -> AsyncConnection:
    """`engine.connect`; a timeout is an argument of the engine."""
    if timeout is not None:
        raise NotImplementedError("SQLAlchemy's pool has one timeout: `pool_timeout`")
    return await pool.connect()


async def pool_block(pool: AsyncEngine, sql: str) -> Any:
    """`async with engine.connect()`."""
    async with pool.connect() as connection:
        return await connection.scalar(text(sql.replace(":", r"\:")))
