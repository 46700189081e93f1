"""Connections of psycopg2: opening, telling, cancelling, and without blocking."""

from __future__ import annotations

import select
from typing import Any

import psycopg2
import psycopg2.extensions

_PARAMETERS = (
    "server_version",
    "server_encoding",
    "client_encoding",
    "application_name",
    "is_superuser",
    "session_authorization",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "integer_datetimes",
    "standard_conforming_strings",
)


def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Any:
    """`psycopg2.connect`; its default is no autocommit."""
    connection = psycopg2.connect(dsn, **options)
    if autocommit is not None:
        connection.autocommit = autocommit
    return connection


def close(connection: Any) -> None:
    """`connection.close`."""
    connection.close()


def closed(connection: Any) -> bool:
    """`connection.closed`: 0, 1, or 2 where something went wrong."""
    return bool(connection.closed)


def info(connection: Any) -> dict[str, Any]:
    """`connection.info`."""
    told = connection.info
    return {
        "server_version": told.server_version,
        "backend_pid": told.backend_pid,
        "dbname": told.dbname,
        "user": told.user,
        "host": told.host,
        "port": told.port,
        "protocol_version": told.protocol_version,
        "ssl": told.ssl_in_use,
        "parameters": {name: told.parameter_status(name) for name in _PARAMETERS},
    }


def encrypt_password(connection: Any, password: str, user: str, algorithm: str) -> str:
    """`extensions.encrypt_password`."""
    encrypt = psycopg2.extensions.encrypt_password
    return encrypt(password, user, scope=connection, algorithm=algorithm)


def set_client_encoding(connection: Any, encoding: str) -> None:
    """`connection.set_client_encoding`."""
    connection.set_client_encoding(encoding)


def cancel(connection: Any) -> None:
    """`connection.cancel`, from another thread."""
    connection.cancel()


def poll_query(dsn: str, sql: str) -> Any:
    """`async_=True`, and `poll` until there is nothing to wait for."""
    connection = psycopg2.connect(dsn, async_=True)
    try:
        _wait(connection)
        with connection.cursor() as cursor:
            cursor.execute(sql)
            _wait(connection)
            row = cursor.fetchone()
            return row[0] if row else None
    finally:
        connection.close()


def wait_callback(dsn: str, sql: str) -> Any:
    """`extensions.set_wait_callback`, for every connection of the process."""
    psycopg2.extensions.set_wait_callback(_wait)
    try:
        connection = psycopg2.connect(dsn)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                row = cursor.fetchone()
                return row[0] if row else None
        finally:
            connection.close()
    finally:
        psycopg2.extensions.set_wait_callback(None)


def _wait(connection: Any) -> None:
    """Wait as the documentation does: `poll` says for what."""
    while True:
        state = connection.poll()
        if state == psycopg2.extensions.POLL_OK:
            return
        if state == psycopg2.extensions.POLL_READ:
            select.select([connection.fileno()], [], [])
        elif state == psycopg2.extensions.POLL_WRITE:
            select.select([], [connection.fileno()], [])
        else:
            raise psycopg2.OperationalError(f"poll() returned {state}")
