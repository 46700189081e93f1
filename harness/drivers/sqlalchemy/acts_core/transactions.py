# Made from acts_core_async/transactions.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLAlchemy Core: transactions, and inserts of many rows."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, column, insert, table, text

_ITEMS = table("items", column("id"), column("name"))


def begin(
    connection: Connection,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
) -> Any:
    """`connection.begin`, with the options of the connection set before."""
    options: dict[str, Any] = {
        "isolation_level": (isolation or "read_committed").replace("_", " ").upper()
    }
    if read_only is not None:
        options["postgresql_readonly"] = read_only
    if deferrable is not None:
        options["postgresql_deferrable"] = deferrable
    connection.commit()  # one that SQLAlchemy began by itself
    connection.execution_options(**options)
    return connection.begin()


def block(connection: Connection, statements: list[str], fails: bool = False) -> None:
    """`with connection.begin()`, out of AUTOCOMMIT."""
    connection.commit()
    connection.execution_options(isolation_level="READ COMMITTED")
    with connection.begin():
        for statement in statements:
            connection.execute(text(statement.replace(":", r"\:")))
        if fails:
            raise ValueError("the block fails")


def nested_block(connection: Connection, outer: str, inner: str, fails: bool) -> None:
    """`begin_nested` inside of `begin`."""
    connection.commit()
    connection.execution_options(isolation_level="READ COMMITTED")
    with connection.begin():
        connection.execute(text(outer.replace(":", r"\:")))
        with suppress(ValueError):
            with connection.begin_nested():
                connection.execute(text(inner.replace(":", r"\:")))
                if fails:
                    raise ValueError("the inner block fails")


def insert_many(connection: Connection, rows: list[tuple[int, str]]) -> None:
    """`insert(table)` with a list of dicts."""
    given = [{"id": number, "name": name} for number, name in rows]
    connection.execute(insert(_ITEMS), given)


def insert_many_count(connection: Connection, rows: list[tuple[int, str]]) -> int:
    """`result.rowcount`."""
    given = [{"id": number, "name": name} for number, name in rows]
    result = connection.execute(insert(_ITEMS), given)
    return int(result.rowcount)


def insert_returning(
    connection: Connection, rows: list[tuple[int, str]]
) -> list[list[tuple[Any, ...]]]:
    """`returning(…, sort_by_parameter_order=True)`: a row for each dict, in their order."""
    given = [{"id": number, "name": name} for number, name in rows]
    statement = insert(_ITEMS).returning(_ITEMS.c.id, sort_by_parameter_order=True)
    result = connection.execute(statement, given)
    return [[tuple(row)] for row in result.all()]
