"""Transactions: `atomic`, and the calls below it that Django documents."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.db import transaction


def begin(
    connection: Any,
    *,
    isolation: str | None = None,
    read_only: bool | None = None,
    deferrable: bool | None = None,
) -> Any:
    """`transaction.set_autocommit`; the next statement begins a transaction."""
    if isolation or read_only is not None or deferrable is not None:
        raise NotImplementedError("Django has an isolation level for a whole database only")
    transaction.set_autocommit(False, using=connection.alias)


def commit(connection: Any) -> None:
    """`transaction.commit`."""
    transaction.commit(using=connection.alias)


def rollback(connection: Any) -> None:
    """`transaction.rollback`."""
    transaction.rollback(using=connection.alias)


def set_autocommit(connection: Any, on: bool) -> None:
    """`transaction.set_autocommit`."""
    transaction.set_autocommit(on, using=connection.alias)


def block(connection: Any, statements: list[str], fails: bool = False) -> None:
    """`with transaction.atomic()`."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)
        if fails:
            raise ValueError("the block fails")


def nested_block(connection: Any, outer: str, inner: str, fails: bool) -> None:
    """`transaction.atomic()` inside another one is a savepoint."""
    alias = connection.alias
    with transaction.atomic(using=alias), connection.cursor() as cursor:
        cursor.execute(outer)
        with suppress(ValueError), transaction.atomic(using=alias):
            cursor.execute(inner)
            if fails:
                raise ValueError("the inner block fails")
