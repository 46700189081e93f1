"""Transactions of aiopg: objects of a cursor, and blocks."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from aiopg import IsolationLevel, Transaction
from psycopg2 import extensions

_BEGUN: dict[Any, Any] = {}  # connection → its transaction, which alone can end it

_STATUS = {
    extensions.TRANSACTION_STATUS_IDLE: "idle",
    extensions.TRANSACTION_STATUS_ACTIVE: "active",
    extensions.TRANSACTION_STATUS_INTRANS: "in transaction",
    extensions.TRANSACTION_STATUS_INERROR: "in error",
    extensions.TRANSACTION_STATUS_UNKNOWN: "unknown",
}


async def begin(
    connection: Any,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
) -> Any:
    """`Transaction` of a cursor, and `begin`."""
    level = getattr(IsolationLevel, isolation or "default", None)
    if level is None:
        raise NotImplementedError(f"aiopg has no isolation level {isolation}")
    transaction = Transaction(
        await connection.cursor(), level, bool(read_only), bool(deferrable)
    )
    await transaction.begin()
    _BEGUN[connection] = transaction
    return transaction


async def commit(connection: Any) -> None:
    """`transaction.commit`."""
    if connection not in _BEGUN:
        raise NotImplementedError("aiopg's commit is of a transaction: there is none")
    await _BEGUN.pop(connection).commit()


async def rollback(connection: Any) -> None:
    """`transaction.rollback`."""
    if connection not in _BEGUN:
        raise NotImplementedError("aiopg's rollback is of a transaction: there is none")
    await _BEGUN.pop(connection).rollback()


async def transaction_status(connection: Any) -> str:
    """`connection.get_transaction_status`."""
    return _STATUS[await connection.get_transaction_status()]


async def block(connection: Any, statements: list[str], fails: bool = False) -> None:
    """`async with cursor.begin()`."""
    async with connection.cursor() as cursor, cursor.begin():
        for sql in statements:
            await cursor.execute(sql)
        if fails:
            raise ValueError("the block fails")


async def nested_block(connection: Any, outer: str, inner: str, fails: bool) -> None:
    """`cursor.begin_nested` inside of `cursor.begin` is a savepoint."""
    async with connection.cursor() as cursor, cursor.begin():
        await cursor.execute(outer)
        with suppress(ValueError):
            async with cursor.begin_nested():
                await cursor.execute(inner)
                if fails:
                    raise ValueError("the inner block fails")
