# Made from acts_pooler_async/opening.py by tools/psycopg_sync.py: change that, not this.
"""Acts of psycopg: what opens connections with the option `noprepare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import Connection

from harness.drivers.psycopg.acts.pools import _pool_options

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool


def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Connection:
    """`psycopg.connect` of a connection that prepares no statements."""
    return psycopg.connect(
        dsn, autocommit=bool(autocommit), prepare_threshold=None, **options
    )


def listener(dsn: str) -> Connection:
    """A connection, in autocommit so that nothing waits for a commit."""
    return psycopg.connect(dsn, autocommit=True, prepare_threshold=None)


def pool_open(dsn: str, *, min_size: int, max_size: int, **options: Any) -> ConnectionPool:
    """`psycopg_pool.ConnectionPool` of connections that prepare no statements."""
    from psycopg_pool import ConnectionPool

    pool = ConnectionPool(
        dsn,
        kwargs={"autocommit": True, "prepare_threshold": None},
        min_size=min_size,
        max_size=max_size,
        open=False,
        **_pool_options(**options),
    )
    pool.open(wait=True, timeout=options.get("timeout") or 30.0)
    return pool
