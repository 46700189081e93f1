"""Connections of pyro-postgres, and what its exceptions tell."""

from __future__ import annotations

from typing import Any

from pyro_postgres import Opts
from pyro_postgres import error as errors
from pyro_postgres.sync import Conn


def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Conn:
    """`Conn` of an `Opts`, which takes a URI; it is always in autocommit."""
    if autocommit is False:
        raise NotImplementedError("pyro-postgres is always in autocommit")
    made = Opts(dsn)
    mode = options.pop("sslmode", None)
    if options:
        raise NotImplementedError(f"pyro-postgres has no {', '.join(options)}")
    return Conn(made.ssl_mode(mode) if mode else made)


def close(connection: Conn) -> None:
    """`connection.close`."""
    connection.close()


def info(connection: Conn) -> dict[str, Any]:
    """`connection.server_version`, a text, and `connection.id`."""
    major, _, minor = (connection.server_version()).partition(".")
    return {
        "server_version": int(major) * 10_000 + int(minor),
        "backend_pid": connection.id(),
    }


def diagnose(connection: Conn, sql: str) -> dict[str, Any]:
    """Only the class: what an exception of pyro-postgres says is in its text."""
    try:
        connection.exec(sql)
    except errors.PostgresError as error:
        return {"class": f"{type(error).__module__}.{type(error).__qualname__}"}
    return {}
