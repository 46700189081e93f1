# Made from acts_async/messages.py by tools/psycopg_sync.py: change that, not this.
"""Acts of psycopg: errors, notices, notifications."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier

_PEP249 = (
    psycopg.DataError, psycopg.IntegrityError, psycopg.InternalError,
    psycopg.NotSupportedError, psycopg.OperationalError, psycopg.ProgrammingError,
    psycopg.DatabaseError, psycopg.InterfaceError, psycopg.Error,
)  # fmt: skip


def diagnose(connection: Connection, sql: str) -> dict[str, Any]:
    """`error.diag`."""
    try:
        connection.execute(sql)
    except psycopg.Error as error:
        return _diagnostics(error)
    return {}


def _diagnostics(error: psycopg.Error) -> dict[str, Any]:
    diag = error.diag
    told = {
        "class": f"{type(error).__module__}.{type(error).__qualname__}",
        "pep249": next(cls.__name__ for cls in _PEP249 if isinstance(error, cls)),
        "sqlstate": error.sqlstate,
        "severity": diag.severity,
        "message": diag.message_primary,
        "detail": diag.message_detail,
        "hint": diag.message_hint,
        "position": diag.statement_position,
        "schema": diag.schema_name,
        "table": diag.table_name,
        "column": diag.column_name,
        "datatype": diag.datatype_name,
        "constraint": diag.constraint_name,
        "context": diag.context,
    }
    return {name: value for name, value in told.items() if value is not None}


def notices(connection: Connection, sql: str) -> list[str]:
    """`connection.add_notice_handler`."""
    received: list[str] = []

    def handler(diag: psycopg.errors.Diagnostic) -> None:
        received.append(f"{diag.severity}: {diag.message_primary}")

    connection.add_notice_handler(handler)
    connection.execute(sql)
    connection.remove_notice_handler(handler)
    return received


def listener(dsn: str) -> Connection:
    """A connection, in autocommit so that nothing waits for a commit."""
    return psycopg.connect(dsn, autocommit=True)


def listen(connection: Connection, channel: str) -> None:
    """The statement `listen`."""
    connection.execute(SQL("listen {}").format(Identifier(channel)))


def unlisten(connection: Connection, channel: str) -> None:
    """The statement `unlisten`."""
    connection.execute(SQL("unlisten {}").format(Identifier(channel)))


def notify(connection: Connection, channel: str, payload: str) -> None:
    """The function `pg_notify`, because `notify` takes no parameters."""
    connection.execute("select pg_notify(%s, %s)", [channel, payload])


def notifications(
    connection: Connection, seconds: float, at_most: int = 1
) -> list[tuple[str, str]]:
    """`connection.notifies(timeout=…, stop_after=…)`."""
    arriving = connection.notifies(timeout=seconds, stop_after=at_most)
    return [(message.channel, message.payload) for message in arriving]
