"""Acts of SQLSpec, async: transactions by calls and as blocks."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


async def begin(
    connection: Any,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
) -> None:
    """`session.begin`; the level is set by SQL, as SQLSpec's documentation shows."""
    if read_only is not None or deferrable is not None:
        raise NotImplementedError("session.begin takes no arguments")
    await connection.begin()
    if isolation:
        level = isolation.replace("_", " ").upper()
        await connection.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")


async def commit(connection: Any) -> None:
    """`session.commit`."""
    await connection.commit()


async def rollback(connection: Any) -> None:
    """`session.rollback`."""
    await connection.rollback()


async def block(connection: Any, statements: list[str], fails: bool = False) -> None:
    """`async with session.transaction()`."""
    async with connection.transaction():
        for statement in statements:
            await connection.execute(statement)
        if fails:
            raise ValueError("the block fails")


async def nested_block(connection: Any, outer: str, inner: str, fails: bool) -> None:
    """`session.transaction()` inside another one is a savepoint."""
    async with connection.transaction():
        await connection.execute(outer)
        with suppress(ValueError):
            async with connection.transaction():
                await connection.execute(inner)
                if fails:
                    raise ValueError("the inner block fails")
