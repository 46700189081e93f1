"""What a reproduction prints of SQLAlchemy: statements, and pgvector’s registration.

An op of Core is bound with a `text()` and its typed bind parameters, which have no literal
of Python's own.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import NullType

_FLAGS = ("none_as_null", "timezone", "varying")


def written(value: Any, imports: set[str]) -> str | None:
    """Source code of a statement; None for anything else."""
    if not isinstance(value, TextClause):
        return None
    imports.add("from sqlalchemy import text")
    binds = ", ".join(_binds(value, imports))
    return f"text({value.text!r}){f'.bindparams({binds})' if binds else ''}"


def _binds(statement: TextClause, imports: set[str]) -> Iterator[str]:
    for name, bind in statement._bindparams.items():
        if not isinstance(bind.type, NullType):
            imports.add("from sqlalchemy import bindparam")
            yield f"bindparam({name!r}, type_={_type(bind.type, imports)})"


def _type(kind: Any, imports: set[str]) -> str:
    if isinstance(kind, postgresql.ARRAY):
        imports.add("from sqlalchemy.dialects import postgresql")
        return f"postgresql.ARRAY({_type(kind.item_type, imports)})"
    name = type(kind).__name__
    flags = ", ".join(f"{flag}=True" for flag in _FLAGS if getattr(kind, flag, False))
    if type(kind).__module__.startswith("pgvector."):
        imports.add(f"from pgvector.sqlalchemy import {name}")
        return f"{name}({flags})"
    imports.add("from sqlalchemy.dialects import postgresql")
    return f"postgresql.{name}({flags})"


def configure_psycopg(connection: Connection) -> None:
    """The registrations that pgvector shows for psycopg, done at the event `connect`."""
    found = connection.scalar(text("select to_regtype('vector') is not null"))
    if found and importlib.util.find_spec("pgvector"):
        from pgvector.psycopg import register_vector

        raw: Any = connection.connection.driver_connection
        register_vector(raw)


def configure_psycopg2(connection: Connection) -> None:
    """The registrations that pgvector shows for psycopg2, done at the event `connect`."""
    found = connection.scalar(text("select to_regtype('vector') is not null"))
    if found and importlib.util.find_spec("pgvector"):
        from pgvector.psycopg2 import register_vector

        raw: Any = connection.connection.driver_connection
        register_vector(raw)


async def configure_psycopg_async(connection: AsyncConnection) -> None:
    """The registrations that pgvector shows for psycopg, done at the event `connect`."""
    found = await connection.scalar(text("select to_regtype('vector') is not null"))
    if found and importlib.util.find_spec("pgvector"):
        from pgvector.psycopg import register_vector_async

        raw: Any = await connection.get_raw_connection()
        await register_vector_async(raw.driver_connection)
