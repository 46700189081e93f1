"""Acts of psycopg, async: what opens connections with the option `noprepare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import AsyncConnection

from harness.drivers.psycopg.acts_async.pools import _pool_options

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool


async def connect(
    dsn: str, *, autocommit: bool | None = True, **options: Any
) -> AsyncConnection:
    """`psycopg.connect` of a connection that prepares no statements."""
    return await psycopg.AsyncConnection.connect(
        dsn, autocommit=bool(autocommit), prepare_threshold=None, **options
    )


async def listener(dsn: str) -> AsyncConnection:
    """A connection, in autocommit so that nothing waits for a commit."""
    return await psycopg.AsyncConnection.connect(
        dsn, autocommit=True, prepare_threshold=None
    )


async def pool_open(
    dsn: str, *, min_size: int, max_size: int, **options: Any
) -> AsyncConnectionPool:
    """`psycopg_pool.AsyncConnectionPool` of connections that prepare no statements."""
    from psycopg_pool import AsyncConnectionPool

    pool = AsyncConnectionPool(
        dsn,
        kwargs={"autocommit": True, "prepare_threshold": None},
        min_size=min_size,
        max_size=max_size,
        open=False,
        **_pool_options(**options),
    )
    await pool.open(wait=True, timeout=options.get("timeout") or 30.0)
    return pool
