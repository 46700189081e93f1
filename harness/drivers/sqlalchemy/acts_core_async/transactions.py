"""Acts of SQLAlchemy Core: transactions, and inserts of many rows."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

_ITEMS = Table(
    "items",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String),
)


async def begin(
    connection: AsyncConnection,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
) -> Any:
    """`connection.begin`, with the options of the connection set before."""
    level = (isolation or "").replace("_", " ").upper()
    options: dict[str, Any] = {
        "isolation_level": level or connection.default_isolation_level
    }
    if read_only is not None:
        options["postgresql_readonly"] = read_only
    if deferrable is not None:
        options["postgresql_deferrable"] = deferrable
    await connection.commit()  # one that SQLAlchemy began by itself
    await connection.execution_options(**options)
    return await connection.begin()


async def block(
    connection: AsyncConnection, statements: list[str], fails: bool = False
) -> None:
    """`async with connection.begin()`, out of AUTOCOMMIT and back."""
    await connection.commit()
    await connection.execution_options(isolation_level=connection.default_isolation_level)
    try:
        async with connection.begin():
            for statement in statements:
                await connection.execute(text(statement.replace(":", r"\:")))
            if fails:
                raise ValueError("the block fails")
    finally:
        await connection.execution_options(isolation_level="AUTOCOMMIT")


async def nested_block(
    connection: AsyncConnection, outer: str, inner: str, fails: bool
) -> None:
    """`begin_nested` inside of `begin`, out of AUTOCOMMIT and back."""
    await connection.commit()
    await connection.execution_options(isolation_level=connection.default_isolation_level)
    try:
        async with connection.begin():
            await connection.execute(text(outer.replace(":", r"\:")))
            with suppress(ValueError):
                async with connection.begin_nested():
                    await connection.execute(text(inner.replace(":", r"\:")))
                    if fails:
                        raise ValueError("the inner block fails")
    finally:
        await connection.execution_options(isolation_level="AUTOCOMMIT")


async def insert_many(connection: AsyncConnection, rows: list[tuple[int, str]]) -> None:
    """`insert(table)` with a list of dicts."""
    given = [{"id": number, "name": name} for number, name in rows]
    await connection.execute(insert(_ITEMS), given)


async def insert_many_count(
    connection: AsyncConnection, rows: list[tuple[int, str]]
) -> int:
    """`result.rowcount`, which an insert keeps by the option `preserve_rowcount`."""
    given = [{"id": number, "name": name} for number, name in rows]
    options = {"preserve_rowcount": True}
    result = await connection.execute(insert(_ITEMS), given, execution_options=options)
    if result.rowcount < 0:
        raise NotImplementedError("the dialect cannot tell the number of many rows")
    return int(result.rowcount)


async def insert_returning(
    connection: AsyncConnection, rows: list[tuple[int, str]]
) -> list[list[tuple[Any, ...]]]:
    """`returning(…, sort_by_parameter_order=True)`: a row for each dict, in their order."""
    given = [{"id": number, "name": name} for number, name in rows]
    statement = insert(_ITEMS).returning(_ITEMS.c.id, sort_by_parameter_order=True)
    result = await connection.execute(statement, given)
    return [[tuple(row)] for row in result.all()]
