"""Pools of psycopg2."""

from __future__ import annotations

from typing import Any

import psycopg2.pool


def pool_open(dsn: str, *, min_size: int, max_size: int, **options: Any) -> Any:
    """`pool.ThreadedConnectionPool`."""
    for name, value in options.items():
        if value is not None:
            raise NotImplementedError(f"psycopg2's pool has no {name}")
    return psycopg2.pool.ThreadedConnectionPool(min_size, max_size, dsn)


def pool_acquire(pool: Any, timeout: float | None = None) -> Any:
    """`pool.getconn`."""
    if timeout is not None:
        raise NotImplementedError("psycopg2's pool does not wait: it has no timeout")
    return pool.getconn()


def pool_release(pool: Any, connection: Any) -> None:
    """`pool.putconn`."""
    pool.putconn(connection)


def pool_block(pool: Any, sql: str) -> Any:
    """`getconn` and `putconn`: there is no block."""
    connection = pool.getconn()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone()
            return row[0] if row else None
    finally:
        pool.putconn(connection)


def pool_close(pool: Any) -> None:
    """`pool.closeall`."""
    pool.closeall()
