# Made from acts_async/transactions.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLSpec: transactions by calls and as blocks."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


def begin(
    connection: Any,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
) -> None:
    """`session.begin`; the level is set by SQL, as SQLSpec's documentation shows."""
    if read_only is not None or deferrable is not None:
        raise NotImplementedError("session.begin takes no arguments")
    connection.begin()
    if isolation:
        level = isolation.replace("_", " ").upper()
        connection.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")


def commit(connection: Any) -> None:
    """`session.commit`."""
    connection.commit()


def rollback(connection: Any) -> None:
    """`session.rollback`."""
    connection.rollback()


def block(connection: Any, statements: list[str], fails: bool = False) -> None:
    """`with session.transaction()`."""
    with connection.transaction():
        for statement in statements:
            connection.execute(statement)
        if fails:
            raise ValueError("the block fails")


def nested_block(connection: Any, outer: str, inner: str, fails: bool) -> None:
    """`session.transaction()` inside another one is a savepoint."""
    with connection.transaction():
        connection.execute(outer)
        with suppress(ValueError):
            with connection.transaction():
                connection.execute(inner)
                if fails:
                    raise ValueError("the inner block fails")
