"""Models that are made while binding: a field for each column, of the column's type."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from typing import Any

from django.db import Error, models, transaction

_NUMBERS = count(1)


def model_of(connection: Any, columns: Sequence[tuple[str, int]], table: str = "") -> Any:
    """A model with such columns, by name and type.

    Django's own introspection says which field a type has, as for `inspectdb`; one that it
    does not know gets the guess of `inspectdb`, too: a TextField. A model needs a primary
    key, so the first column is it.
    """
    kinds = connection.introspection.data_types_reverse
    fields = {
        f"column_{number}": _field(kinds.get(code, "TextField"), name, number == 1)
        for number, (name, code) in enumerate(columns, 1)
    }
    name = f"Row{next(_NUMBERS)}"
    options = {"managed": False, "app_label": "pgdyno", "db_table": table or name}
    body = {**fields, "Meta": type("Meta", (), options), "__module__": __name__}
    return type(name, (models.Model,), body)


def columns_of(connection: Any, query: str, params: Any) -> list[tuple[str, int]]:
    """The columns of a statement that is executed and rolled back; none if it fails, so
    that the op is what fails."""
    alias = connection.alias
    with suppress(Error), transaction.atomic(using=alias), connection.cursor() as cursor:
        cursor.execute(query, params)
        transaction.set_rollback(True, using=alias)
        return [(column[0], column[1]) for column in cursor.description or ()]
    return []


def _field(kind: str, column: str, primary_key: bool) -> Any:
    sizes = {"max_length": 10_485_760} if kind == "CharField" else {}
    field: Any = getattr(models, kind)
    return field(db_column=column, primary_key=primary_key, **sizes)
