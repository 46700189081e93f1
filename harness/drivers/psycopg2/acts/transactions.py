"""Transactions of psycopg2: calls, `with` blocks, two-phase commit."""

from __future__ import annotations

from typing import Any

from psycopg2 import extensions

_STATUS = {
    extensions.TRANSACTION_STATUS_IDLE: "idle",
    extensions.TRANSACTION_STATUS_ACTIVE: "active",
    extensions.TRANSACTION_STATUS_INTRANS: "in transaction",
    extensions.TRANSACTION_STATUS_INERROR: "in error",
    extensions.TRANSACTION_STATUS_UNKNOWN: "unknown",
}


def begin(
    connection: Any,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
) -> Any:
    """`connection.set_session`; the next statement begins a transaction of that kind."""
    connection.set_session(
        isolation_level=isolation.replace("_", " ") if isolation else None,
        readonly=read_only,
        deferrable=deferrable,
        autocommit=False,
    )


def commit(connection: Any) -> None:
    """`connection.commit`."""
    connection.commit()


def rollback(connection: Any) -> None:
    """`connection.rollback`."""
    connection.rollback()


def set_autocommit(connection: Any, on: bool) -> None:
    """`connection.autocommit`."""
    connection.autocommit = on


def transaction_status(connection: Any) -> str:
    """`connection.info.transaction_status`."""
    return _STATUS[connection.info.transaction_status]


def block(connection: Any, statements: list[str], fails: bool = False) -> None:
    """`with connection`, which begins a transaction even in autocommit."""
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        if fails:
            raise ValueError("the block fails")


def tpc_begin(connection: Any, gid: str) -> None:
    """`connection.tpc_begin`."""
    connection.tpc_begin(gid)


def tpc_prepare(connection: Any) -> None:
    """`connection.tpc_prepare`."""
    connection.tpc_prepare()


def tpc_commit(connection: Any, gid: str = "") -> None:
    """`connection.tpc_commit`."""
    if gid:
        connection.tpc_commit(gid)
    else:
        connection.tpc_commit()


def tpc_rollback(connection: Any, gid: str = "") -> None:
    """`connection.tpc_rollback`."""
    if gid:
        connection.tpc_rollback(gid)
    else:
        connection.tpc_rollback()


def tpc_recover(connection: Any) -> list[str]:
    """`connection.tpc_recover`, whose `Xid`s have the gid as their text."""
    return [str(xid) for xid in connection.tpc_recover()]
