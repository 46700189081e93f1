"""Acts of psycopg, async: what a program registers for types of its own."""

from __future__ import annotations

from psycopg import AsyncConnection
from psycopg.types.composite import CompositeInfo
from psycopg.types.composite import register_composite as _register_composite
from psycopg.types.enum import EnumInfo
from psycopg.types.enum import register_enum as _register_enum
from psycopg.types.string import TextLoader


async def register_composite(connection: AsyncConnection, name: str) -> None:
    """`CompositeInfo.fetch` and `register_composite`."""
    info = await CompositeInfo.fetch(connection, name)
    assert info is not None
    _register_composite(info, connection)


async def register_enum(connection: AsyncConnection, name: str) -> None:
    """`EnumInfo.fetch` and `register_enum`, which makes a Python Enum."""
    info = await EnumInfo.fetch(connection, name)
    assert info is not None
    _register_enum(info, connection)


async def register_text(connection: AsyncConnection, name: str) -> None:
    """`connection.adapters.register_loader`."""
    connection.adapters.register_loader(name, TextLoader)
