# Made from acts_async/statements.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLAlchemy: statements, parameters, errors."""

from __future__ import annotations

from typing import Any

from sqlalchemy import TextClause, literal_column, select, text
from sqlalchemy.exc import DBAPIError

_FIELDS = {
    "severity": "severity",
    "message": "message_primary message",
    "detail": "message_detail detail",
    "hint": "message_hint hint",
    "position": "statement_position position",
    "schema": "schema_name",
    "table": "table_name",
    "column": "column_name",
    "datatype": "datatype_name data_type_name",
    "constraint": "constraint_name",
    "context": "context",
}


def _text(sql: str) -> TextClause:
    """`text()` of SQL whose colons mean what they say."""
    return text(sql.replace(":", r"\:"))


def execute(connection: Any, sql: str) -> None:
    """`execute(text(…))`."""
    connection.execute(_text(sql))


def fetch(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    """`execute(text(…))`, then `result.all`."""
    result = connection.execute(_text(sql))
    return [tuple(row) for row in result.all()]


def fetch_val(connection: Any, sql: str) -> Any:
    """`scalar(text(…))`."""
    return connection.scalar(_text(sql))


def fetch_times(connection: Any, sql: str, times: int) -> list[tuple[Any, ...]]:
    """`execute(text(…))` again and again: it is compiled once."""
    rows: list[tuple[Any, ...]] = []
    for _ in range(times):
        result = connection.execute(_text(sql))
        rows = [tuple(row) for row in result.all()]
    return rows


def row_count(connection: Any, sql: str) -> int:
    """`result.rowcount`."""
    result = connection.execute(_text(sql))
    return int(result.rowcount)


def identifier(connection: Any, name: str) -> str:
    """`label` quotes a name where that is needed."""
    result = connection.execute(select(literal_column("1").label(name)))
    return str(result.cursor.description[0][0])


def style_named(connection: Any, first: Any, second: Any) -> list[tuple[Any, ...]]:
    """`:name`, and `cast` because `::` behind a name is none of `text()`'s."""
    query = "select cast(:b as int), cast(:a as int), cast(:b as int)"
    result = connection.execute(text(query), {"a": first, "b": second})
    return [tuple(row) for row in result.all()]


def literal_percent(connection: Any, value: Any) -> list[tuple[Any, ...]]:
    """A `%` means nothing to `text()`: it is doubled where the driver would read it."""
    query = "select 5 % 3, 'banana' like '%a%', :value"
    result = connection.execute(text(query), {"value": value})
    return [tuple(row) for row in result.all()]


def diagnose(connection: Any, sql: str) -> dict[str, Any]:
    """`error.driver_exception`, the driver's own."""
    try:
        connection.execute(_text(sql))
    except DBAPIError as error:
        return _diagnostics(error)
    return {}


def _diagnostics(error: DBAPIError) -> dict[str, Any]:
    raised = error.driver_exception
    told = {
        "class": f"{type(error).__module__}.{type(error).__qualname__}",
        "pep249": type(error).__name__,
        "sqlstate": getattr(raised, "sqlstate", None) or getattr(raised, "pgcode", None),
    }
    source = getattr(raised, "diag", raised)
    for field, names in _FIELDS.items():
        found = (getattr(source, name, None) for name in names.split())
        told[field] = next((value for value in found if value is not None), None)
    return {name: value for name, value in told.items() if value is not None}
