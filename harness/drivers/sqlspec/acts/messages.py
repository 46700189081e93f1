# Made from acts_async/messages.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLSpec: what errors tell, and notifying."""

from __future__ import annotations

from typing import Any

from sqlspec.exceptions import SQLSpecError


def diagnose(connection: Any, sql: str) -> dict[str, Any]:
    """SQLSpec's class; all else stands on its `__cause__`, the driver's own exception."""
    try:
        connection.execute(sql)
    except SQLSpecError as error:
        kind = type(error)
        named = {"class": f"{kind.__module__}.{kind.__qualname__}"}
        return {**_diagnostics(error.__cause__), **named}
    return {}


def _diagnostics(cause: Any) -> dict[str, Any]:
    """psycopg has the fields in `diag`, asyncpg on the exception, psqlpy nowhere."""
    diag = getattr(cause, "diag", cause)
    told = {
        "sqlstate": getattr(cause, "sqlstate", None),
        "severity": getattr(diag, "severity", None),
        "message": _either(diag, "message_primary", "message"),
        "detail": _either(diag, "message_detail", "detail"),
        "hint": _either(diag, "message_hint", "hint"),
        "position": _either(diag, "statement_position", "position"),
        "schema": getattr(diag, "schema_name", None),
        "table": getattr(diag, "table_name", None),
        "column": getattr(diag, "column_name", None),
        "datatype": _either(diag, "datatype_name", "data_type_name"),
        "constraint": getattr(diag, "constraint_name", None),
        "context": getattr(diag, "context", None),
    }
    return {name: value for name, value in told.items() if value is not None}


def _either(owner: Any, first: str, second: str) -> Any:
    return getattr(owner, first, getattr(owner, second, None))


def notify(connection: Any, channel: str, payload: str) -> None:
    """The function `pg_notify`, because `notify` takes no parameters."""
    connection.execute("select pg_notify($1, $2)", channel, payload)
