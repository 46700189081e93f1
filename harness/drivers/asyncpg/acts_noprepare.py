"""The acts with the option `noprepare`: what asyncpg's FAQ advises behind PgBouncer."""

from __future__ import annotations

from typing import Any

import asyncpg

from harness.drivers.asyncpg.acts.connections import _arguments
from harness.drivers.asyncpg.acts.pools import _pool_arguments


async def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Any:
    """`asyncpg.connect` without a cache of statements."""
    if autocommit is False:
        raise NotImplementedError("asyncpg has no mode without autocommit")
    return await asyncpg.connect(**_arguments(dsn, options), statement_cache_size=0)


async def listener(dsn: str) -> Any:
    """A connection."""
    return await asyncpg.connect(dsn, statement_cache_size=0)


async def pool_open(dsn: str, *, min_size: int, max_size: int, **options: Any) -> Any:
    """`asyncpg.create_pool` without a cache of statements."""
    return await asyncpg.create_pool(
        dsn,
        min_size=min_size,
        max_size=max_size,
        statement_cache_size=0,
        **_pool_arguments(options),
    )
