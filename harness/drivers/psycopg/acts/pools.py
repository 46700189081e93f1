# Made from acts_async/pools.py by tools/psycopg_sync.py: change that, not this.
"""Acts of psycopg: the pool of `psycopg_pool`, a package of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import Connection

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool


def pool_open(dsn: str, *, min_size: int, max_size: int, **options: Any) -> ConnectionPool:
    """`psycopg_pool.ConnectionPool`; it is open when `min_size` connections are."""
    from psycopg_pool import ConnectionPool

    pool = ConnectionPool(
        dsn,
        kwargs={"autocommit": True},
        min_size=min_size,
        max_size=max_size,
        open=False,
        **_pool_options(**options),
    )
    pool.open(wait=True, timeout=options.get("timeout") or 30.0)
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
    from psycopg_pool import ConnectionPool

    if recycling is not None:
        raise NotImplementedError("psycopg_pool has no recycling methods")
    given = {
        "timeout": timeout,
        "max_waiting": max_waiting,
        "max_lifetime": max_lifetime,
        "max_idle": max_idle,
        "check": ConnectionPool.check_connection if check else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def pool_acquire(pool: ConnectionPool, timeout: float | None = None) -> Connection:
    """`pool.getconn`."""
    return pool.getconn(timeout=timeout)


def pool_release(pool: ConnectionPool, connection: Connection) -> None:
    """`pool.putconn`."""
    pool.putconn(connection)


def pool_block(pool: ConnectionPool, sql: str) -> Any:
    """`with pool.connection()`."""
    with pool.connection() as connection:
        cursor = connection.execute(sql)
        row = cursor.fetchone()
        return row[0] if row else None


def pool_size(pool: ConnectionPool) -> int:
    """`pool.get_stats`."""
    return pool.get_stats()["pool_size"]


def pool_idle(pool: ConnectionPool) -> int:
    """`pool.get_stats`."""
    return pool.get_stats()["pool_available"]


def pool_close(pool: ConnectionPool) -> None:
    """`pool.close`."""
    pool.close()
