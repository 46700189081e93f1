"""Transactions of adbc: calls of the connection below the DBAPI, `adbc_connection`.

The DBAPI's own `commit` and `rollback` call these, too, but do nothing on a connection that
was opened in autocommit.
"""

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


def begin(
    connection: Any,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
) -> Any:
    """`set_autocommit`; the next statement begins a transaction."""
    if isolation or read_only is not None or deferrable is not None:
        raise NotImplementedError("transactions have no options")
    connection.adbc_connection.set_autocommit(False)


def commit(connection: Any) -> None:
    """`adbc_connection.commit`."""
    connection.adbc_connection.commit()


def rollback(connection: Any) -> None:
    """`adbc_connection.rollback`."""
    connection.adbc_connection.rollback()


def set_autocommit(connection: Any, on: bool) -> None:
    """`adbc_connection.set_autocommit`."""
    connection.adbc_connection.set_autocommit(on)


def transaction_status(connection: Any) -> str:
    """The option that the driver documents for it."""
    option = ConnectionOptions.TRANSACTION_STATUS.value
    return _STATUS[connection.adbc_connection.get_option(option)]
