"""Models that are made while binding: a field for each column, of the column's type."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import Any

from django.db import Error, models

_NUMBERS = count(1)


def model_of(connection: Any, query: str, params: Any, table: str = "") -> Any:
    """A model with the columns of a query, which is executed once; none if that fails, so
    that the op is what fails.

    Django's own introspection says which field a type has, as for `inspectdb`; one that it
    does not know gets the guess of `inspectdb`, too: a TextField. A model needs a primary
    key, so the first column is it.
    """
    columns = []
    with suppress(Error), connection.cursor() as cursor:
        cursor.execute(query, params)
        columns = [(column[0], column[1]) for column in cursor.description]
    kinds = connection.introspection.data_types_reverse
    fields = {
        f"column_{number}": _field(kinds.get(code, "TextField"), name, number == 1)
        for number, (name, code) in enumerate(columns, 1)
    }
    name = f"Row{next(_NUMBERS)}"
    options = {"managed": False, "app_label": "pgdyno", "db_table": table or name}
    body = {**fields, "Meta": type("Meta", (), options), "__module__": __name__}
    return type(name, (models.Model,), body)


def _field(kind: str, column: str, primary_key: bool) -> Any:
    sizes = {"max_length": 10_485_760} if kind == "CharField" else {}
    field: Any = getattr(models, kind)
    return field(db_column=column, primary_key=primary_key, **sizes)
