"""Acts of SQLAlchemy's ORM: transactions, and inserts of many rows."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from harness.drivers.sqlalchemy.items import Item


async def begin(
    connection: AsyncSession,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
) -> None:
    """`session.connection(execution_options=…)`, which begins the transaction."""
    level = (isolation or "").replace("_", " ").upper()
    options: dict[str, Any] = {
        "isolation_level": level or connection.get_bind().dialect.default_isolation_level
    }
    if read_only is not None:
        options["postgresql_readonly"] = read_only
    if deferrable is not None:
        options["postgresql_deferrable"] = deferrable
    await connection.commit()  # one that the session began by itself
    await connection.connection(execution_options=options)


async def block(
    connection: AsyncSession, statements: list[str], fails: bool = False
) -> None:
    """`async with session.begin()`, out of AUTOCOMMIT."""
    level = connection.get_bind().dialect.default_isolation_level
    options = {"isolation_level": level}
    await connection.commit()
    async with connection.begin():
        await connection.connection(execution_options=options)
        for statement in statements:
            await connection.execute(text(statement.replace(":", r"\:")))
        if fails:
            raise ValueError("the block fails")


async def nested_block(
    connection: AsyncSession, outer: str, inner: str, fails: bool
) -> None:
    """`session.begin_nested` inside of `session.begin`."""
    level = connection.get_bind().dialect.default_isolation_level
    options = {"isolation_level": level}
    await connection.commit()
    async with connection.begin():
        await connection.connection(execution_options=options)
        await connection.execute(text(outer.replace(":", r"\:")))
        with suppress(ValueError):
            async with connection.begin_nested():
                await connection.execute(text(inner.replace(":", r"\:")))
                if fails:
                    raise ValueError("the inner block fails")


async def insert_many(connection: AsyncSession, rows: list[tuple[int, str]]) -> None:
    """`session.add_all`, and `flush`, which a commit does first."""
    connection.add_all([Item(id=number, name=name) for number, name in rows])
    await connection.flush()


async def insert_returning(
    connection: AsyncSession, rows: list[tuple[int, str]]
) -> list[list[tuple[Any, ...]]]:
    """`insert(Model).returning(…)` with a list, a row for each in their order."""
    given = [{"id": number, "name": name} for number, name in rows]
    statement = insert(Item).returning(Item.id, sort_by_parameter_order=True)
    result = await connection.execute(statement, given)
    return [[tuple(row)] for row in result.all()]
