"""The engines of acts: by SQLAlchemy's URL where the driver below speaks libpq."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def _url(dsn: str, name: str) -> URL:
    """The URI as SQLAlchemy writes it: several hosts are arguments of it."""
    parts = urlsplit(dsn)
    sign_in, _, places = parts.netloc.rpartition("@")
    if "," in places:
        query = [("host", place) for place in places.split(",")]
        given = urlencode([*parse_qsl(parts.query), *query])
        return make_url(f"{name}://{sign_in}@{parts.path}?{given}")
    return make_url(dsn).set(drivername=name)


def psycopg_engine(dsn: str, arguments: dict[str, Any], **options: Any) -> Engine:
    """`create_engine("postgresql+psycopg://…")`."""
    url = _url(dsn, "postgresql+psycopg")
    return create_engine(url, connect_args=arguments, **options)


def psycopg2_engine(dsn: str, arguments: dict[str, Any], **options: Any) -> Engine:
    """`create_engine("postgresql+psycopg2://…")`."""
    url = _url(dsn, "postgresql+psycopg2")
    return create_engine(url, connect_args=arguments, **options)


def psycopg_async_engine(
    dsn: str, arguments: dict[str, Any], **options: Any
) -> AsyncEngine:
    """`create_async_engine("postgresql+psycopg://…")`."""
    url = _url(dsn, "postgresql+psycopg")
    return create_async_engine(url, connect_args=arguments, **options)


def asyncpg_engine(dsn: str, arguments: dict[str, Any], **options: Any) -> AsyncEngine:
    """`create_async_engine("postgresql+asyncpg://…")`: asyncpg reads the URI itself.

    SQLAlchemy hands each part of a URL to `asyncpg.connect` as an argument, which has none
    for settings such as `application_name`.
    """
    url = "postgresql+asyncpg://"
    return create_async_engine(url, connect_args={"dsn": dsn, **arguments}, **options)


def asyncpg_arguments(options: dict[str, Any]) -> dict[str, Any]:
    """libpq's names as asyncpg's arguments."""
    known = {"connect_timeout": "timeout", "sslmode": "ssl"}
    for name in options:
        if name not in known:
            raise NotImplementedError(f"asyncpg has no {name}")
    return {known[name]: value for name, value in options.items()}


def level(autocommit: bool | None) -> dict[str, Any]:
    """`isolation_level`; SQLAlchemy's own default is a transaction."""
    return {"isolation_level": "AUTOCOMMIT"} if autocommit else {}


def pool_arguments(
    min_size: int,
    max_size: int,
    timeout: float | None,
    max_lifetime: float | None,
    check: bool | None,
    **others: Any,
) -> dict[str, Any]:
    """The arguments of an engine with a pool: what it keeps, and what may come on top."""
    for name, value in others.items():
        if value is not None:
            raise NotImplementedError(f"SQLAlchemy's pool has no {name}")
    if min_size == 0:
        raise NotImplementedError("`pool_size=0` means a pool without a limit")
    given = {
        "pool_timeout": timeout,
        "pool_recycle": max_lifetime,
        "pool_pre_ping": check,
    }
    return {
        "isolation_level": "AUTOCOMMIT",
        "pool_size": min_size,
        "max_overflow": max_size - min_size,
        **{name: value for name, value in given.items() if value is not None},
    }
