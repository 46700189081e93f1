# Made from acts_core_async/transactions.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLAlchemy Core: transactions, and inserts of many rows."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, insert, text

_ITEMS = Table(
    "items",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String),
)


def begin(
    connection: Connection,
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
    connection.commit()  # one that SQLAlchemy began by itself
    connection.execution_options(**options)
    return connection.begin()


def block(connection: Connection, statements: list[str], fails: bool = False) -> None:
    """`with connection.begin()`, out of AUTOCOMMIT and back."""
    connection.commit()
    connection.execution_options(isolation_level=connection.default_isolation_level)
    try:
        with connection.begin():
            for statement in statements:
                connection.execute(text(statement.replace(":", r"\:")))
            if fails:
                raise ValueError("the block fails")
    finally:
        connection.execution_options(isolation_level="AUTOCOMMIT")


def nested_block(connection: Connection, outer: str, inner: str, fails: bool) -> None:
    """`begin_nested` inside of `begin`, out of AUTOCOMMIT and back."""
    connection.commit()
    connection.execution_options(isolation_level=connection.default_isolation_level)
    try:
        with connection.begin():
            connection.execute(text(outer.replace(":", r"\:")))
            with suppress(ValueError):
                with connection.begin_nested():
                    connection.execute(text(inner.replace(":", r"\:")))
                    if fails:
                        raise ValueError("the inner block fails")
    finally:
        connection.execution_options(isolation_level="AUTOCOMMIT")


def insert_many(connection: Connection, rows: list[tuple[int, str]]) -> None:
    """`insert(table)` with a list of dicts."""
    given = [{"id": number, "name": name} for number, name in rows]
    connection.execute(insert(_ITEMS), given)


def insert_many_count(connection: Connection, rows: list[tuple[int, str]]) -> int:
    """`result.rowcount`, which an insert keeps by the option `preserve_rowcount`."""
    given = [{"id": number, "name": name} for number, name in rows]
    options = {"preserve_rowcount": True}
    result = connection.execute(insert(_ITEMS), given, execution_options=options)
    if result.rowcount < 0:
        raise NotImplementedError("the dialect cannot tell the number of many rows")
    return int(result.rowcount)


def insert_returning(
    connection: Connection, rows: list[tuple[int, str]]
) -> list[list[tuple[Any, ...]]]:
    """`returning(…, sort_by_parameter_order=True)`: a row for each dict, in their order."""
    given = [{"id": number, "name": name} for number, name in rows]
    statement = insert(_ITEMS).returning(_ITEMS.c.id, sort_by_parameter_order=True)
    result = connection.execute(statement, given)
    return [[tuple(row)] for row in result.all()]
