"""Registrations of asyncpg: what a program registers for types of its own."""

from __future__ import annotations

from typing import Any


async def register_text(connection: Any, name: str) -> None:
    """`connection.set_type_codec`."""
    await connection.set_type_codec(
        name, schema="pg_catalog", encoder=str, decoder=str, format="text"
    )
