# Made from acts_async/registrations.py by tools/psycopg_sync.py: change that, not this.
"""Acts of psycopg: what a program registers for types of its own."""

from __future__ import annotations

from psycopg import Connection
from psycopg.types.composite import CompositeInfo
from psycopg.types.composite import register_composite as _register_composite
from psycopg.types.enum import EnumInfo
from psycopg.types.enum import register_enum as _register_enum
from psycopg.types.string import TextLoader


def register_composite(connection: Connection, name: str) -> None:
    """`CompositeInfo.fetch` and `register_composite`."""
    info = CompositeInfo.fetch(connection, name)
    assert info is not None
    _register_composite(info, connection)


def register_enum(connection: Connection, name: str) -> None:
    """`EnumInfo.fetch` and `register_enum`, which makes a Python Enum."""
    info = EnumInfo.fetch(connection, name)
    assert info is not None
    _register_enum(info, connection)


def register_text(connection: Connection, name: str) -> None:
    """`connection.adapters.register_loader`."""
    connection.adapters.register_loader(name, TextLoader)
