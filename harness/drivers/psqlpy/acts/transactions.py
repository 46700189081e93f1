"""Transactions: objects that a connection makes; they commit, and outlive its close."""

from __future__ import annotations

from typing import Any

import psqlpy

_BEGUN: dict[Any, Any] = {}  # connection → its transaction, which alone can end it


async def begin(
    connection: Any,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
) -> Any:
    """`connection.transaction` and `begin`."""
    levels = {
        "serializable": psqlpy.IsolationLevel.Serializable,
        "repeatable_read": psqlpy.IsolationLevel.RepeatableRead,
        "read_committed": psqlpy.IsolationLevel.ReadCommitted,
        "read_uncommitted": psqlpy.IsolationLevel.ReadUncommitted,
    }
    variants = {True: psqlpy.ReadVariant.ReadOnly, False: psqlpy.ReadVariant.ReadWrite}
    transaction = connection.transaction(
        isolation_level=levels[isolation] if isolation else None,
        read_variant=None if read_only is None else variants[read_only],
        deferrable=deferrable,
    )
    await transaction.begin()
    _BEGUN[connection] = transaction
    return transaction


async def commit(connection: Any) -> None:
    """`transaction.commit`."""
    if connection not in _BEGUN:
        raise NotImplementedError("psqlpy's commit is of a transaction: there is none")
    await _BEGUN.pop(connection).commit()


async def rollback(connection: Any) -> None:
    """`transaction.rollback`."""
    if connection not in _BEGUN:
        raise NotImplementedError("psqlpy's rollback is of a transaction: there is none")
    await _BEGUN.pop(connection).rollback()


async def transaction_status(connection: Any) -> str:
    """`connection.in_transaction`: yes or no."""
    return "in transaction" if await connection.in_transaction() else "idle"


async def close(connection: Any) -> None:
    """`connection.close`, which is no coroutine; `shutdown` of a listener is one."""
    if isinstance(connection, psqlpy.Listener):
        await connection.shutdown()
    else:
        connection.close()
        _BEGUN.pop(connection, None)  # a transaction that is kept keeps the session open


async def block(connection: Any, statements: list[str], fails: bool = False) -> None:
    """`async with connection.transaction`."""
    async with connection.transaction() as transaction:
        for sql in statements:
            await transaction.execute(sql)
        if fails:
            raise ValueError("the block fails")


async def nested_block(connection: Any, outer: str, inner: str, fails: bool) -> None:
    """Savepoints by their names: psqlpy has no block for them."""
    async with connection.transaction() as transaction:
        await transaction.execute(outer)
        await transaction.create_savepoint("inside")
        try:
            await transaction.execute(inner)
            if fails:
                raise ValueError("the inner block fails")
        except ValueError:
            await transaction.rollback_savepoint("inside")
        else:
            await transaction.release_savepoint("inside")


async def pipeline(connection: Any, statements: list[str]) -> list[list[tuple[Any, ...]]]:
    """`transaction.pipeline`: a connection has none."""
    queries: list[tuple[str, list[Any]]] = [(sql, []) for sql in statements]
    if connection in _BEGUN:
        results = await _BEGUN[connection].pipeline(queries)
    else:
        async with connection.transaction() as transaction:
            results = await transaction.pipeline(queries)
    return [result.result(as_tuple=True) for result in results]
