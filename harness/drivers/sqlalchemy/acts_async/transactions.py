"""Acts of SQLAlchemy: the ends of a transaction."""

from __future__ import annotations

from typing import Any


async def commit(connection: Any) -> None:
    """`commit`."""
    await connection.commit()


async def rollback(connection: Any) -> None:
    """`rollback`."""
    await connection.rollback()


async def transaction_status(connection: Any) -> str:
    """`in_transaction`: SQLAlchemy's own word, which knows of no error."""
    return "in transaction" if connection.in_transaction() else "idle"
