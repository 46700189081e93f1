"""The drivers that SQLAlchemy stands on: how each is reached, and what it brings along."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.plugin import Capability, ErrorFields, Target


@dataclass(frozen=True, slots=True)
class Below:
    """One driver below: its dialect, and what differs from the others.

    `register` names pgvector's function for it, if its documentation registers something
    below SQLAlchemy: over asyncpg it does not, whose codec would refuse the text that
    pgvector's own SQLAlchemy types send. `attributes` are those of its exception
    that have an error's constraint, table and column.
    """

    name: str
    dialect: str
    connect_args: Callable[[Target], dict[str, Any]]
    register: str
    attributes: Mapping[str, str]
    statement_cache: str
    wire: tuple[str, str]
    binds: str = "server"
    without: frozenset[Capability] = frozenset()


def place_of(below: Below, target: Target) -> dict[str, Any]:
    """The arguments of `URL.create`."""
    return {
        "drivername": below.dialect,
        "username": target.user,
        "password": target.password,
        "host": target.host,
        "port": target.port,
        "database": target.dbname,
    }


def _libpq(target: Target) -> dict[str, Any]:
    return {
        "options": target.options,
        "application_name": target.application_name,
        **target.libpq_tls,
    }


def _asyncpg(target: Target) -> dict[str, Any]:
    settings = {"application_name": target.application_name, **dict(target.settings)}
    return {"server_settings": settings, **target.tls_uri}


_DIAGNOSTICS = {
    "constraint": "diag.constraint_name",
    "table": "diag.table_name",
    "column": "diag.column_name",
}
_ATTRIBUTES = {
    "constraint": "driver_exception.constraint_name",
    "table": "driver_exception.table_name",
    "column": "driver_exception.column_name",
}

_PSYCOPG = Below(
    name="psycopg",
    dialect="postgresql+psycopg",
    connect_args=_libpq,
    register="pgvector.psycopg:register_vector",
    attributes=_DIAGNOSTICS,
    statement_cache="the driver prepares at the 5th execution, keeps 100 (default)",
    wire=("text", "binary where the type has a binary dumper, otherwise text"),
)
BELOW = {
    "psycopg": _PSYCOPG,
    "psycopg-async": Below(
        name="psycopg-async",
        dialect=_PSYCOPG.dialect,
        connect_args=_libpq,
        register="pgvector.psycopg:register_vector_async",
        attributes=_DIAGNOSTICS,
        statement_cache=_PSYCOPG.statement_cache,
        wire=_PSYCOPG.wire,
    ),
    "psycopg2": Below(
        name="psycopg2",
        dialect="postgresql+psycopg2",
        connect_args=_libpq,
        register="pgvector.psycopg2:register_vector",
        attributes=_DIAGNOSTICS,
        statement_cache="the driver prepares nothing",
        wire=("text", "text, put into the SQL by the client"),
        binds="client",
        without=frozenset({Capability.PREPARED}),
    ),
    "asyncpg": Below(
        name="asyncpg",
        dialect="postgresql+asyncpg",
        connect_args=_asyncpg,
        register="",
        attributes=_ATTRIBUTES,
        statement_cache="the dialect prepares at the 1st execution, keeps 100 (default)",
        wire=("binary", "binary"),
    ),
}


def pgvector_register(below: Below) -> Callable[..., Any] | None:
    """pgvector’s function that registers its types with a connection; None without it."""
    module, _, name = below.register.partition(":")
    if not module or importlib.util.find_spec("pgvector") is None:
        return None
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


def finds_no_vector(error: Exception) -> bool:
    """Whether pgvector refused because the database has none of its types."""
    return "vector type not found" in str(error)


def described_driver(below: Below, error: BaseException) -> ErrorFields:
    """What one exception tells: SQLAlchemy's own, or that of the driver below."""
    sqlstate = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    told = {field: _read(error, path) for field, path in below.attributes.items()}
    return ErrorFields(sqlstate=str(sqlstate or ""), message=str(error), **told)


def _read(error: BaseException, path: str) -> str:
    found: Any = error
    try:
        for name in path.split("."):
            found = getattr(found, name, None)
    except ValueError:  # the dialect made this exception, and the driver has none
        return ""
    return str(found or "")
