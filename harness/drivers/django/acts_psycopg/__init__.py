"""What a user of Django writes for connections and pools over psycopg."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import django
from django import conf, db


def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Any:
    """An entry of `DATABASES`. Threads share its connection as in a live test server."""
    connection = _defined(dsn, options)
    connection.settings_dict["AUTOCOMMIT"] = autocommit is not False
    connection.inc_thread_sharing()
    connection.connect()
    return connection


def _defined(dsn: str, options: dict[str, Any]) -> Any:
    """The connection of a new entry of `DATABASES`; its options are those of libpq."""
    if not conf.settings.configured:
        backend = {"ENGINE": "django.db.backends.postgresql"}
        conf.settings.configure(DATABASES={"default": backend})
        django.setup()
    parts = urlsplit(dsn)
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    places = [place.rpartition(":") for place in parts.netloc.rpartition("@")[2].split(",")]
    alias = f"database_{len(db.connections.databases)}"
    db.connections.databases[alias] = {
        **db.connections.databases["default"],
        "HOST": ",".join(unquote(host) for host, _, _ in places),
        "PORT": ",".join(port for _, _, port in places),
        "USER": unquote(user),
        "PASSWORD": unquote(password),
        "NAME": unquote(parts.path[1:]),
        "OPTIONS": {**dict(parse_qsl(parts.query)), **options},
    }
    return db.connections[alias]


def pool_open(
    dsn: str, *, min_size: int, max_size: int, recycling: str | None = None, **options: Any
) -> Any:
    """`OPTIONS["pool"]`, whose options are those of psycopg_pool."""
    if recycling is not None:
        raise NotImplementedError("psycopg_pool has no recycling methods")
    check = options.pop("check", None)
    given = {name: value for name, value in options.items() if value is not None}
    sizes = {"min_size": min_size, "max_size": max_size}
    connection = _defined(dsn, {"pool": {**sizes, **given}})
    connection.settings_dict["CONN_HEALTH_CHECKS"] = bool(check)
    connection.pool.open(wait=True, timeout=given.get("timeout", 30.0))
    return connection


def pool_block(pool: Any, sql: str) -> Any:
    """A cursor, and `close`, which gives the thread's connection back."""
    try:
        with db.connections[pool.alias].cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone()
            return row[0] if row else None
    finally:
        db.connections[pool.alias].close()


def pool_size(pool: Any) -> int:
    """`pool.get_stats` of psycopg_pool."""
    return int(pool.pool.get_stats()["pool_size"])


def pool_idle(pool: Any) -> int:
    """`pool.get_stats` of psycopg_pool."""
    return int(pool.pool.get_stats()["pool_available"])


def pool_close(pool: Any) -> None:
    """`connection.close_pool`."""
    pool.close()
    pool.close_pool()
