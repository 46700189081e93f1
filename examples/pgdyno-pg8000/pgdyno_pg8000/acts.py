"""What a user of pg8000 writes for some acts: as many as a reproduction needs."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pg8000.native import Connection


def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Connection:
    """`Connection(…)`, which takes no URI and is always in autocommit."""
    if options or autocommit is False:
        raise NotImplementedError("pg8000 has no such option")
    parts = urlsplit(dsn)
    settings = dict(parse_qsl(parts.query))
    return Connection(
        unquote(parts.username or ""),
        host=unquote(parts.hostname or ""),
        port=parts.port,
        password=unquote(parts.password or ""),
        database=unquote(parts.path[1:]),
        application_name=settings.pop("application_name", None),
        startup_params=settings,
    )


def close(connection: Connection) -> None:
    """`connection.close`."""
    connection.close()


def execute(connection: Connection, sql: str) -> None:
    """`connection.run`."""
    connection.run(sql)


def execute_script(connection: Connection, sql: str) -> None:
    """`connection.run` takes several statements where there are no parameters."""
    connection.run(sql)


def fetch(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    """`connection.run`, whose rows are lists."""
    return [tuple(row) for row in connection.run(sql) or ()]


def fetch_val(connection: Connection, sql: str) -> Any:
    """The first value of the first row."""
    rows = connection.run(sql)
    return rows[0][0] if rows else None
