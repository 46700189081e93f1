"""Acts of psycopg, async: transactions, of one phase and of two."""

from __future__ import annotations

from contextlib import suppress

from psycopg import AsyncConnection, IsolationLevel

_STATUS = {"INTRANS": "in transaction", "INERROR": "in error"}


async def begin(
    connection: AsyncConnection,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
) -> None:
    """Autocommit off: the next statement begins, with the connection's attributes."""
    await connection.set_autocommit(False)
    level = IsolationLevel[isolation.upper()] if isolation else None
    await connection.set_isolation_level(level)
    await connection.set_read_only(read_only)
    await connection.set_deferrable(deferrable)


async def commit(connection: AsyncConnection) -> None:
    """`connection.commit`."""
    await connection.commit()


async def rollback(connection: AsyncConnection) -> None:
    """`connection.rollback`."""
    await connection.rollback()


async def set_autocommit(connection: AsyncConnection, on: bool) -> None:
    """`connection.set_autocommit`."""
    await connection.set_autocommit(on)


async def transaction_status(connection: AsyncConnection) -> str:
    """`connection.info.transaction_status`, an enum."""
    name = connection.info.transaction_status.name
    return _STATUS.get(name, name.lower())


async def block(
    connection: AsyncConnection, statements: list[str], fails: bool = False
) -> None:
    """`async with connection.transaction()`."""
    async with connection.transaction():
        for statement in statements:
            await connection.execute(statement)
        if fails:
            raise ValueError("the block fails")


async def nested_block(
    connection: AsyncConnection, outer: str, inner: str, fails: bool
) -> None:
    """`connection.transaction()` inside another one is a savepoint."""
    async with connection.transaction():
        await connection.execute(outer)
        with suppress(ValueError):
            async with connection.transaction():
                await connection.execute(inner)
                if fails:
                    raise ValueError("the inner block fails")


async def tpc_begin(connection: AsyncConnection, gid: str) -> None:
    """`connection.tpc_begin`, which refuses in autocommit."""
    await connection.set_autocommit(False)
    await connection.tpc_begin(gid)


async def tpc_prepare(connection: AsyncConnection) -> None:
    """`connection.tpc_prepare`."""
    await connection.tpc_prepare()


async def tpc_commit(connection: AsyncConnection, gid: str = "") -> None:
    """`connection.tpc_commit`."""
    await connection.tpc_commit(gid or None)


async def tpc_rollback(connection: AsyncConnection, gid: str = "") -> None:
    """`connection.tpc_rollback`."""
    await connection.tpc_rollback(gid or None)


async def tpc_recover(connection: AsyncConnection) -> list[str]:
    """`connection.tpc_recover`; an `Xid` that psycopg did not make is the text itself."""
    return [str(transaction) for transaction in await connection.tpc_recover()]
