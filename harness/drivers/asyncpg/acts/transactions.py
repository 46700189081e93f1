"""Transactions of asyncpg: objects with calls, or blocks."""

from __future__ import annotations

import contextlib
from typing import Any

_TRANSACTIONS: dict[Any, Any] = {}
"""The transaction object of each connection: a connection cannot commit by itself."""


async def begin(
    connection: Any,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
) -> None:
    """`connection.transaction`."""
    transaction = connection.transaction(
        isolation=isolation, readonly=bool(read_only), deferrable=bool(deferrable)
    )
    await transaction.start()
    _TRANSACTIONS[connection] = transaction


async def commit(connection: Any) -> None:
    """`transaction.commit`."""
    if connection not in _TRANSACTIONS:
        raise NotImplementedError("asyncpg's commit is of a transaction: there is none")
    await _TRANSACTIONS[connection].commit()


async def rollback(connection: Any) -> None:
    """`transaction.rollback`."""
    if connection not in _TRANSACTIONS:
        raise NotImplementedError("asyncpg's rollback is of a transaction: there is none")
    await _TRANSACTIONS[connection].rollback()


async def transaction_status(connection: Any) -> str:
    """`connection.is_in_transaction`."""
    return "in transaction" if connection.is_in_transaction() else "idle"


async def block(connection: Any, statements: list[str], fails: bool = False) -> None:
    """`async with connection.transaction()`."""
    async with connection.transaction():
        for statement in statements:
            await connection.execute(statement)
        if fails:
            raise ValueError("the block fails")


async def nested_block(connection: Any, outer: str, inner: str, fails: bool) -> None:
    """A transaction in a transaction is a savepoint."""
    async with connection.transaction():
        await connection.execute(outer)
        with contextlib.suppress(ValueError):
            async with connection.transaction():
                await connection.execute(inner)
                if fails:
                    raise ValueError("the inner block fails")
