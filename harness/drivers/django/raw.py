"""Rows as instances of a model, by `Model.objects.raw`: the option `raw`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.drivers.django.models import columns_of, model_of
from harness.drivers.django.session import DjangoSession, bound
from harness.plugin import Call, SyncOp, Unsupported, sql


class RawSession(DjangoSession):
    """A connection; the rows of a query are instances of a model with its columns."""

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """The fields of each instance, as far as the query brought them."""
        return [
            row if isinstance(row, tuple) else _fields(row)
            for row in native
            if row is not None
        ]

    def fetch_all(self, call: Call) -> SyncOp:
        """`list(Model.objects.raw(…))`."""
        alias, model = self.connection.alias, self._model(call)
        query, params = bound(call)
        return lambda: list(model.objects.using(alias).raw(query, next(params)))

    def fetch_one(self, call: Call) -> SyncOp:
        """The first of `Model.objects.raw(…)`."""
        alias, model = self.connection.alias, self._model(call)
        query, params = bound(call)
        return lambda: next(iter(model.objects.using(alias).raw(query, next(params))), None)

    def _model(self, call: Call) -> Any:
        """A model with the columns of the statement: if it is no query that can stand in
        another one, it is executed for them, and rolled back."""
        if not sql.returns_rows(call.sql):
            raise Unsupported("Model.objects.raw is for statements that return rows")
        query, params = bound(call)
        first = next(params)
        columns = columns_of(self.connection, f"select * from ({query}\n) q limit 0", first)
        columns = columns or columns_of(self.connection, query, first)
        return model_of(self.connection, columns)


def _fields(row: Any) -> tuple[Any, ...]:
    names = (field.attname for field in row._meta.concrete_fields)
    return tuple(vars(row)[name] for name in names if name in vars(row))
