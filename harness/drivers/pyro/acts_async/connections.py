"""Connections of pyro-postgres, async, and what its exceptions tell."""

from __future__ import annotations

from typing import Any

from pyro_postgres import Opts
from pyro_postgres import error as errors
from pyro_postgres.async_ import Conn


async def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Conn:
    """`Conn.new` of an `Opts`, which takes a URI; it is always in autocommit."""
    if autocommit is False:
        raise NotImplementedError("pyro-postgres is always in autocommit")
    made = Opts(dsn)
    mode = options.pop("sslmode", None)
    if options:
        raise NotImplementedError(f"pyro-postgres has no {', '.join(options)}")
    return await Conn.new(made.ssl_mode(mode) if mode else made)


async def close(connection: Conn) -> None:
    """`connection.close`."""
    await connection.close()


async def info(connection: Conn) -> dict[str, Any]:
    """`connection.server_version`, a text, and `connection.id`."""
    major, _, minor = (await connection.server_version()).partition(".")
    return {
        "server_version": int(major) * 10_000 + int(minor),
        "backend_pid": await connection.id(),
    }


async def diagnose(connection: Conn, sql: str) -> dict[str, Any]:
    """Only the class: what an exception of pyro-postgres says is in its text."""
    try:
        await connection.exec(sql)
    except errors.PostgresError as error:
        return {"class": f"{type(error).__module__}.{type(error).__qualname__}"}
    return {}
