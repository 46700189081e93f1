"""Acts of SQLSpec over asyncpg: placeholders that asyncpg itself does not take."""

from __future__ import annotations

from typing import Any

Rows = list[tuple[Any, ...]]


async def style_positional(connection: Any, first: Any, second: Any) -> Rows:
    """`?`."""
    rows = await connection.select("select ?::int as c1, ?::int as c2", first, second)
    return [tuple(row.values()) for row in rows]


async def style_named(connection: Any, first: Any, second: Any) -> Rows:
    """`:name` and a dict."""
    query = "select :b::int as c1, :a::int as c2, :b::int as c3"
    rows = await connection.select(query, {"a": first, "b": second})
    return [tuple(row.values()) for row in rows]
