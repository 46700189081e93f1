# Made from acts_orm_async/transactions.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLAlchemy's ORM: transactions, and inserts of many rows."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from harness.drivers.sqlalchemy.items import Item


def begin(
    connection: Session,
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
    connection.commit()  # one that the session began by itself
    connection.connection(execution_options=options)


def block(connection: Session, statements: list[str], fails: bool = False) -> None:
    """`with session.begin()`, out of AUTOCOMMIT."""
    level = connection.get_bind().dialect.default_isolation_level
    options = {"isolation_level": level}
    connection.commit()
    with connection.begin():
        connection.connection(execution_options=options)
        for statement in statements:
            connection.execute(text(statement.replace(":", r"\:")))
        if fails:
            raise ValueError("the block fails")


def nested_block(connection: Session, outer: str, inner: str, fails: bool) -> None:
    """`session.begin_nested` inside of `session.begin`."""
    level = connection.get_bind().dialect.default_isolation_level
    options = {"isolation_level": level}
    connection.commit()
    with connection.begin():
        connection.connection(execution_options=options)
        connection.execute(text(outer.replace(":", r"\:")))
        with suppress(ValueError):
            with connection.begin_nested():
                connection.execute(text(inner.replace(":", r"\:")))
                if fails:
                    raise ValueError("the inner block fails")


def insert_many(connection: Session, rows: list[tuple[int, str]]) -> None:
    """`session.add_all`, and `flush`, which a commit does first."""
    connection.add_all([Item(id=number, name=name) for number, name in rows])
    connection.flush()


def insert_returning(
    connection: Session, rows: list[tuple[int, str]]
) -> list[list[tuple[Any, ...]]]:
    """`insert(Model).returning(…)` with a list, a row for each in their order."""
    given = [{"id": number, "name": name} for number, name in rows]
    statement = insert(Item).returning(Item.id, sort_by_parameter_order=True)
    result = connection.execute(statement, given)
    return [[tuple(row)] for row in result.all()]
