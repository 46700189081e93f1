# Made from acts_async/pools.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLSpec: sessions of a configuration's pool."""

from __future__ import annotations

from typing import Any

_TAKEN: dict[Any, Any] = {}
"""The block of each session that is out: only its end gives the connection back."""


def pool_acquire(pool: Any, timeout: float | None = None) -> Any:
    """`config.provide_session()`, entered."""
    if timeout is not None:
        raise NotImplementedError("provide_session has no timeout")
    block = pool.provide_session()
    session = block.__enter__()
    _TAKEN[session] = block
    return session


def pool_release(pool: Any, connection: Any) -> None:  # noqa: ARG001
    """The end of the block."""
    _TAKEN.pop(connection).__exit__(None, None, None)


def pool_block(pool: Any, sql: str) -> Any:
    """`with config.provide_session()`."""
    with pool.provide_session() as session:
        return session.select_value(sql)


def pool_close(pool: Any) -> None:
    """`config.close_pool`."""
    pool.close_pool()
