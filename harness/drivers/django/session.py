"""A connection of Django, used by its cursors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from typing import Any

from django.db import transaction

from harness.drivers.django.models import columns_of, model_of
from harness.plugin import Call, SyncOp, Wrapper, sql, wrapped


def bound(call: Call) -> tuple[str, Iterator[Any]]:
    """The statement with `%s`, and its parameters: None where it takes none."""
    if not any(call.params):
        return call.sql, repeat(None)
    query = sql.to_format(call.sql)
    params = tuple(map(query.arrange, call.params))
    return query.sql, replace(call, params=params).cycle()


def steps_of(call: Call) -> list[tuple[str, Any]]:
    """Statements with their parameters, None for those that take none."""
    steps: list[tuple[str, Any]] = []
    for statement in call.statements:
        if statement.params:
            query = sql.to_format(statement.sql)
            steps.append((query.sql, query.arrange(statement.params)))
        else:
            steps.append((statement.sql, None))
    return steps


class DjangoRows:
    """What sessions and pools share."""

    def __init__(self, wraps: str, wrappers: Mapping[str, Wrapper]) -> None:
        self._wraps = wraps
        self._wrappers = wrappers

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """The rows are tuples already; `None` is a row that was not there."""
        return [row for row in native if row is not None]

    def wrapper(self, kind: str, value: Any) -> Any:
        """The classes of ranges that Django documents, or the JSON of the library below."""
        return wrapped(self._wraps, self._wrappers, kind, value)


class DjangoSession(DjangoRows):
    """A connection; each op works with a cursor of its own."""

    def __init__(
        self, connection: Any, wraps: str, wrappers: Mapping[str, Wrapper]
    ) -> None:
        super().__init__(wraps, wrappers)
        self.connection = connection

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def execute(self, call: Call) -> SyncOp:
        """`cursor.execute`."""
        connection = self.connection
        query, params = bound(call)

        def op() -> None:
            with connection.cursor() as cursor:
                cursor.execute(query, next(params))

        return op

    def fetch_all(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchall`."""
        connection = self.connection
        query, params = bound(call)

        def op() -> Any:
            with connection.cursor() as cursor:
                cursor.execute(query, next(params))
                return cursor.fetchall()

        return op

    def fetch_one(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchone`."""
        connection = self.connection
        query, params = bound(call)

        def op() -> Any:
            with connection.cursor() as cursor:
                cursor.execute(query, next(params))
                return cursor.fetchone()

        return op

    def fetch_val(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchone()[0]`."""
        connection = self.connection
        query, params = bound(call)

        def op() -> Any:
            with connection.cursor() as cursor:
                cursor.execute(query, next(params))
                return cursor.fetchone()[0]

        return op

    def execute_many(self, call: Call) -> SyncOp:
        """`cursor.executemany`."""
        connection, translated = self.connection, sql.to_format(call.sql)
        query, rows = translated.sql, tuple(map(translated.arrange, call.rows))

        def op() -> None:
            with connection.cursor() as cursor:
                cursor.executemany(query, rows)

        return op

    def batch_helper(self, call: Call) -> SyncOp:
        """`Model.objects.bulk_create`, of a model that has the table's columns."""
        alias, rows = self.connection.alias, call.rows
        names = ", ".join(map(sql.quote, call.columns))
        table = sql.quote_table(call.table)
        query = f"select {names} from {table} limit 0"
        columns = columns_of(self.connection, query, None)
        model: Any = model_of(self.connection, columns, table)

        def op() -> None:
            model.objects.using(alias).bulk_create([model(*row) for row in rows])

        return op

    def sequential(self, call: Call) -> SyncOp:
        """One statement after another, on one cursor."""
        connection, steps = self.connection, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            with connection.cursor() as cursor:
                for query, params in steps:
                    cursor.execute(query, params)
                    results.append(cursor.fetchall() if cursor.description else None)
            return results

        return op

    def transaction(self, call: Call) -> SyncOp:
        """`with transaction.atomic()`."""
        connection, alias, steps = self.connection, self.connection.alias, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            with transaction.atomic(using=alias), connection.cursor() as cursor:
                for query, params in steps:
                    cursor.execute(query, params)
                    results.append(cursor.fetchall() if cursor.description else None)
            return results

        return op

    def savepoint(self, call: Call) -> SyncOp:
        """Two nested `transaction.atomic()` blocks; the inner one is a savepoint."""
        connection, alias, steps = self.connection, self.connection.alias, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            with (
                transaction.atomic(using=alias),
                transaction.atomic(using=alias),
                connection.cursor() as cursor,
            ):
                for query, params in steps:
                    cursor.execute(query, params)
                    results.append(cursor.fetchall() if cursor.description else None)
            return results

        return op
