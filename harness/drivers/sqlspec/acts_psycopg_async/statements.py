"""Acts of SQLSpec over psycopg, async: its placeholders, and stacks in one pipeline."""

from __future__ import annotations

from typing import Any

from sqlspec import StatementStack
from sqlspec.exceptions import SQLSpecError

Rows = list[tuple[Any, ...]]


async def style_positional(connection: Any, first: Any, second: Any) -> Rows:
    """`%s`."""
    rows = await connection.select("select %s::int as c1, %s::int as c2", first, second)
    return [tuple(row.values()) for row in rows]


async def style_named(connection: Any, first: Any, second: Any) -> Rows:
    """`%(name)s` and a dict."""
    query = "select %(b)s::int as c1, %(a)s::int as c2, %(b)s::int as c3"
    rows = await connection.select(query, {"a": first, "b": second})
    return [tuple(row.values()) for row in rows]


async def pipeline(connection: Any, statements: list[str]) -> list[Rows]:
    """`session.execute_stack`."""
    results = await connection.execute_stack(_stack(statements))
    return [_rows(result) for result in results]


def _stack(statements: list[str]) -> StatementStack:
    stack = StatementStack()
    for statement in statements:
        stack = stack.push_execute(statement)
    return stack


def _rows(result: Any) -> Rows:
    return [tuple(row.values()) for row in result.get_result().get_data()]


async def pipeline_outcomes(connection: Any, statements: list[str]) -> list[Any]:
    """A stack raises one exception, which stands for all its statements."""
    try:
        results = await connection.execute_stack(_stack(statements))
    except SQLSpecError as error:
        failure = f"{type(error).__module__}.{type(error).__qualname__}"
        return [failure] * len(statements)
    return [_rows(result) for result in results]
