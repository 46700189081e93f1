"""Acts of SQLSpec, async: sessions of a configuration's pool."""

from __future__ import annotations

from typing import Any

_TAKEN: dict[Any, Any] = {}
"""The block of each session that is out: only its end gives the connection back."""


async def pool_acquire(pool: Any, timeout: float | None = None) -> Any:
    """`config.provide_session()`, entered."""
    if timeout is not None:
        raise NotImplementedError("provide_session has no timeout")
    block = pool.provide_session()
    session = await block.__aenter__()
    _TAKEN[session] = block
    return session


async def pool_release(pool: Any, connection: Any) -> None:  # noqa: ARG001
    """The end of the block."""
    await _TAKEN.pop(connection).__aexit__(None, None, None)


async def pool_block(pool: Any, sql: str) -> Any:
    """`async with config.provide_session()`."""
    async with pool.provide_session() as session:
        return await session.select_value(sql)


async def pool_close(pool: Any) -> None:
    """`config.close_pool`."""
    await pool.close_pool()
