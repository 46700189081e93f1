"""Connections of asyncpg."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import asyncpg

_IN_DSN = ("sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs")
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


async def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Any:
    """`asyncpg.connect`, which knows no other state than autocommit."""
    if autocommit is False:
        raise NotImplementedError("asyncpg has no mode without autocommit")
    return await asyncpg.connect(**_arguments(dsn, options))


def _arguments(dsn: str, options: dict[str, Any]) -> dict[str, Any]:
    """What asyncpg takes from the URI is put there, the others are arguments."""
    arguments: dict[str, Any] = {}
    for name, value in options.items():
        if name in _IN_DSN:
            dsn += f"&{urlencode({name: value})}"
        elif name == "connect_timeout":
            arguments["timeout"] = value
        elif name == "client_encoding":
            arguments["server_settings"] = {"client_encoding": value}
        else:
            raise NotImplementedError(f"asyncpg has no {name}")
    return {"dsn": dsn, **arguments}


async def close(connection: Any) -> None:
    """`connection.close`."""
    await connection.close()


async def close_timeout(connection: Any, seconds: float) -> None:
    """`connection.close(timeout=…)`."""
    await connection.close(timeout=seconds)


async def closed(connection: Any) -> bool:
    """`connection.is_closed`."""
    return bool(connection.is_closed())


async def info(connection: Any) -> dict[str, Any]:
    """`get_server_version`, `get_server_pid` and `get_settings`."""
    version, settings = connection.get_server_version(), connection.get_settings()
    return {
        "server_version": 10_000 * version.major + 100 * version.minor + version.micro,
        "backend_pid": connection.get_server_pid(),
        "parameters": {name: getattr(settings, name, None) for name in _PARAMETERS},
    }
