"""Django's pool: a thread's connection is one of the pool's until it is closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import db
from django.db import transaction

from harness.drivers.django.session import DjangoRows, bound, steps_of
from harness.plugin import Call, SyncOp, Wrapper


class DjangoPool(DjangoRows):
    """`OPTIONS["pool"]` of one entry of `DATABASES`.

    Django has a connection for each thread, so an op asks for that of its own. It is closed
    after the op, as Django does at the end of a request: that gives it back to the pool.
    """

    def __init__(self, alias: str, wraps: str, wrappers: Mapping[str, Wrapper]) -> None:
        super().__init__(wraps, wrappers)
        self._alias = alias

    def close(self) -> None:
        """`connection.close_pool`."""
        db.connections[self._alias].close()
        db.connections[self._alias].close_pool()

    def checkout(self, call: Call) -> SyncOp:
        """`connection.ensure_connection` and `close`."""
        alias = self._alias

        def op() -> None:
            connection = db.connections[alias]
            connection.ensure_connection()
            connection.close()

        return op

    def execute(self, call: Call) -> SyncOp:
        """`cursor.execute`."""
        alias = self._alias
        query, params = bound(call)

        def op() -> None:
            connection = db.connections[alias]
            try:
                with connection.cursor() as cursor:
                    cursor.execute(query, next(params))
            finally:
                connection.close()

        return op

    def fetch_all(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchall`."""
        alias = self._alias
        query, params = bound(call)

        def op() -> Any:
            connection = db.connections[alias]
            try:
                with connection.cursor() as cursor:
                    cursor.execute(query, next(params))
                    return cursor.fetchall()
            finally:
                connection.close()

        return op

    def fetch_one(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchone`."""
        alias = self._alias
        query, params = bound(call)

        def op() -> Any:
            connection = db.connections[alias]
            try:
                with connection.cursor() as cursor:
                    cursor.execute(query, next(params))
                    return cursor.fetchone()
            finally:
                connection.close()

        return op

    def fetch_val(self, call: Call) -> SyncOp:
        """`cursor.execute`, then `cursor.fetchone()[0]`."""
        alias = self._alias
        query, params = bound(call)

        def op() -> Any:
            connection = db.connections[alias]
            try:
                with connection.cursor() as cursor:
                    cursor.execute(query, next(params))
                    return cursor.fetchone()[0]
            finally:
                connection.close()

        return op

    def sequential(self, call: Call) -> SyncOp:
        """One statement after another, on one cursor."""
        alias, steps = self._alias, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            connection = db.connections[alias]
            try:
                with connection.cursor() as cursor:
                    for query, params in steps:
                        cursor.execute(query, params)
                        results.append(cursor.fetchall() if cursor.description else None)
            finally:
                connection.close()
            return results

        return op

    def transaction(self, call: Call) -> SyncOp:
        """`with transaction.atomic()`."""
        alias, steps = self._alias, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            connection = db.connections[alias]
            try:
                with transaction.atomic(using=alias), connection.cursor() as cursor:
                    for query, params in steps:
                        cursor.execute(query, params)
                        results.append(cursor.fetchall() if cursor.description else None)
            finally:
                connection.close()
            return results

        return op
