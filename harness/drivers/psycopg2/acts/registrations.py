"""Registrations of psycopg2: what a program registers for types of its own."""

from __future__ import annotations

from typing import Any

import psycopg2.extensions
import psycopg2.extras


def register_composite(connection: Any, name: str) -> None:
    """`psycopg2.extras.register_composite`."""
    psycopg2.extras.register_composite(name, connection)


def register_text(connection: Any, name: str) -> None:
    """`psycopg2.extensions.new_type` and `register_type`."""
    with connection.cursor() as cursor:
        cursor.execute("select %s::regtype::oid::int8", (name,))
        (oid,) = cursor.fetchone()
    text = psycopg2.extensions.new_type((oid,), name, psycopg2.extensions.UNICODE)
    psycopg2.extensions.register_type(text, connection)
