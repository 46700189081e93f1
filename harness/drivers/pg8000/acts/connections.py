"""Connections of pg8000's native API."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pg8000.native import Connection


def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Connection:
    """`Connection(…)`, which takes no URI and is always in autocommit."""
    if autocommit is False:
        raise NotImplementedError("pg8000's native API is always in autocommit")
    return Connection(**_arguments(dsn, **options))


def _arguments(
    dsn: str,
    *,
    connect_timeout: int | None = None,
    sslmode: str | None = None,
    sslrootcert: str | None = None,
    keepalives: int | None = None,
    client_encoding: str | None = None,
    **others: Any,
) -> dict[str, Any]:
    """The arguments of `Connection`, by a URI and what they are called in libpq."""
    if others:
        raise NotImplementedError(f"pg8000 has no {', '.join(others)}")
    parts = urlsplit(dsn)
    if "," in parts.netloc:
        raise NotImplementedError("pg8000 connects to one host")
    settings = dict(parse_qsl(parts.query))
    if client_encoding:
        settings["client_encoding"] = client_encoding
    given = {
        "host": unquote(parts.hostname or ""),
        "port": parts.port,
        "password": unquote(parts.password or "") or None,
        "database": unquote(parts.path[1:]) or None,
        "application_name": settings.pop("application_name", None),
        "ssl_context": _ssl_context(sslmode, sslrootcert),
        "timeout": connect_timeout,
        "tcp_keepalive": keepalives != 0,
        "startup_params": settings,
    }
    return {"user": unquote(parts.username or ""), **given}


def _ssl_context(mode: str | None, root: str | None) -> Any:
    """None tries TLS, False does without, True insists, a context verifies."""
    match mode:
        case None | "prefer":
            return None
        case "disable":
            return False
        case "require":
            return True
        case "verify-ca" | "verify-full":
            context = ssl.create_default_context(cafile=root)
            context.check_hostname = mode == "verify-full"
            return context
    raise NotImplementedError(f"pg8000 has nothing like sslmode={mode}")


def close(connection: Connection) -> None:
    """`connection.close`."""
    connection.close()


def info(connection: Connection) -> dict[str, Any]:
    """`connection.parameter_statuses`."""
    return {"parameters": dict(connection.parameter_statuses)}


def replication_identify(dsn: str, logical: bool) -> list[str]:
    """`replication`, as a startup parameter."""
    connection = Connection(
        **_arguments(dsn), replication="database" if logical else "true"
    )
    try:
        connection.run("IDENTIFY_SYSTEM")
        return [str(column["name"]) for column in connection.columns]
    finally:
        connection.close()
