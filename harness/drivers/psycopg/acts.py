"""What a user of psycopg writes for each act (`harness.acts`), blocking."""

from __future__ import annotations

from typing import Any

import psycopg


def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Any:
    """`psycopg.connect`; its default is no autocommit."""
    return psycopg.connect(dsn, autocommit=bool(autocommit), **options)


def close(connection: Any) -> None:
    """`connection.close`."""
    connection.close()


def execute(connection: Any, sql: str) -> None:
    """`connection.execute`."""
    connection.execute(sql)


def fetch_val(connection: Any, sql: str) -> Any:
    """`fetchone` of a new cursor."""
    row = connection.execute(sql).fetchone()
    return row[0] if row else None


def cancel(connection: Any) -> None:
    """`connection.cancel_safe`, from another thread."""
    connection.cancel_safe(timeout=5)


def transaction_status(connection: Any) -> str:
    """`connection.info.transaction_status`, an enum."""
    return str(connection.info.transaction_status.name)
