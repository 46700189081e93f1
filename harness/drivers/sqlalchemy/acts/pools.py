# Made from acts_async/pools.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLAlchemy: the engine as a pool."""

from __future__ import annotations

from typing import Any


def pool_size(pool: Any) -> int:
    """`engine.pool`, which counts those inside and those outside."""
    return int(pool.pool.checkedin() + pool.pool.checkedout())


def pool_idle(pool: Any) -> int:
    """`engine.pool.checkedin`."""
    return int(pool.pool.checkedin())


def pool_release(pool: Any, connection: Any) -> None:
    """`close` of the connection or the session."""
    del pool  # it knows whose it is
    connection.close()


def pool_close(pool: Any) -> None:
    """`engine.dispose`."""
    pool.dispose()
