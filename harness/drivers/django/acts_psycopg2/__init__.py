"""What a user of Django writes for connections over psycopg2."""

from __future__ import annotations

import sys
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
        # Django would prefer psycopg.
        sys.modules.setdefault("psycopg", None)  # type: ignore[arg-type]
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
