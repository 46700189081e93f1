# Made from acts_async/connections.py by tools/psycopg_sync.py: change that, not this.
"""Acts of psycopg: connections."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Literal

_PARAMETERS = (
    "application_name", "client_encoding", "DateStyle", "default_transaction_read_only",
    "in_hot_standby", "integer_datetimes", "IntervalStyle", "is_superuser",
    "scram_iterations", "search_path", "server_encoding", "server_version",
    "session_authorization", "standard_conforming_strings", "TimeZone",
)  # fmt: skip


def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Connection:
    """`psycopg.connect`; its default is no autocommit."""
    return psycopg.connect(dsn, autocommit=bool(autocommit), **options)


def close(connection: Connection) -> None:
    """`connection.close`."""
    connection.close()


def closed(connection: Connection) -> bool:
    """`connection.closed`."""
    return connection.closed


def cancel(connection: Connection) -> None:
    """`connection.cancel_safe`, from another thread."""
    connection.cancel_safe(timeout=5)


def info(connection: Connection) -> dict[str, Any]:
    """`connection.info`, and libpq's own object `connection.pgconn`."""
    about = connection.info
    parameters = {name: about.parameter_status(name) for name in _PARAMETERS}
    return {
        "server_version": about.server_version,
        "backend_pid": about.backend_pid,
        "dbname": about.dbname,
        "user": about.user,
        "host": about.host,
        "port": about.port,
        "protocol_version": connection.pgconn.protocol_version,
        "ssl": connection.pgconn.ssl_in_use,
        "parameters": {
            name: value for name, value in parameters.items() if value is not None
        },
    }


def encrypt_password(
    connection: Connection, password: str, user: str, algorithm: str
) -> str:
    """`pgconn.encrypt_password`, which takes bytes."""
    hashed = connection.pgconn.encrypt_password(
        password.encode(), user.encode(), algorithm.encode()
    )
    return hashed.decode()


def set_client_encoding(connection: Connection, encoding: str) -> None:
    """`set client_encoding`, as the documentation of `info.encoding` shows."""
    connection.execute(SQL("set client_encoding to {}").format(Literal(encoding)))
