# Made from acts_async/transactions.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLAlchemy: the ends of a transaction."""

from __future__ import annotations

from typing import Any


def commit(connection: Any) -> None:
    """`commit`."""
    connection.commit()


def rollback(connection: Any) -> None:
    """`rollback`."""
    connection.rollback()


def transaction_status(connection: Any) -> str:
    """`in_transaction`: SQLAlchemy's own word, which knows of no error."""
    return "in transaction" if connection.in_transaction() else "idle"
