"""Transactions of adbc: calls only, there is no block."""

from __future__ import annotations

from typing import Any

from adbc_driver_postgresql import ConnectionOptions

_STATUS = {
    "idle": "idle",
    "active": "active",
    "intrans": "in transaction",
    "inerror": "in error",
    "unknown": "unknown",
}


def commit(connection: Any) -> None:
    """`connection.commit`, which does nothing if it was opened in autocommit."""
    connection.commit()


def rollback(connection: Any) -> None:
    """`connection.rollback`, which does nothing if it was opened in autocommit."""
    connection.rollback()


def set_autocommit(connection: Any, on: bool) -> None:
    """`set_autocommit` of the connection below, which the DBAPI hands out."""
    connection.adbc_connection.set_autocommit(on)


def transaction_status(connection: Any) -> str:
    """The option that the driver documents for it."""
    option = ConnectionOptions.TRANSACTION_STATUS.value
    return _STATUS[connection.adbc_connection.get_option(option)]
