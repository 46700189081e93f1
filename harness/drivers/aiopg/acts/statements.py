"""Statements of aiopg: queries, parameters, errors, notices and notifications."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg2
from psycopg2 import sql as composed

Rows = list[tuple[Any, ...]]

_PEP_249 = (
    psycopg2.DataError,
    psycopg2.IntegrityError,
    psycopg2.InternalError,
    psycopg2.NotSupportedError,
    psycopg2.OperationalError,
    psycopg2.ProgrammingError,
    psycopg2.DatabaseError,
)


async def execute(connection: Any, sql: str) -> None:
    """`cursor.execute`."""
    async with connection.cursor() as cursor:
        await cursor.execute(sql)


async def execute_timeout(connection: Any, sql: str, seconds: float) -> None:
    """`cursor.execute` with a timeout."""
    async with connection.cursor() as cursor:
        await cursor.execute(sql, timeout=seconds)


async def fetch(connection: Any, sql: str) -> Rows:
    """`cursor.fetchall`."""
    async with connection.cursor() as cursor:
        await cursor.execute(sql)
        return list(await cursor.fetchall())


async def fetch_val(connection: Any, sql: str) -> Any:
    """`cursor.fetchone`."""
    async with connection.cursor() as cursor:
        await cursor.execute(sql)
        row = await cursor.fetchone()
        return row[0] if row else None


async def fetch_times(connection: Any, sql: str, times: int) -> Rows:
    """`cursor.execute` again and again; nothing is prepared."""
    rows: Rows = []
    async with connection.cursor() as cursor:
        for _ in range(times):
            await cursor.execute(sql)
            rows = await cursor.fetchall()
    return rows


async def row_count(connection: Any, sql: str) -> int:
    """`cursor.rowcount`."""
    async with connection.cursor() as cursor:
        await cursor.execute(sql)
        return int(cursor.rowcount)


async def execute_script(connection: Any, sql: str) -> None:
    """`cursor.execute` takes several statements, too."""
    async with connection.cursor() as cursor:
        await cursor.execute(sql)


async def identifier(connection: Any, name: str) -> str:
    """`sql.Identifier` of psycopg2."""
    query = composed.SQL("select 1 as {}").format(composed.Identifier(name))
    async with connection.cursor() as cursor:
        await cursor.execute(query)
        return str(cursor.description[0].name)


async def style_positional(connection: Any, first: Any, second: Any) -> Rows:
    """`%s` and a list."""
    async with connection.cursor() as cursor:
        await cursor.execute("select %s::int, %s::int", [first, second])
        return list(await cursor.fetchall())


async def style_named(connection: Any, first: Any, second: Any) -> Rows:
    """`%(name)s` and a dict."""
    query = "select %(b)s::int, %(a)s::int, %(b)s::int"
    async with connection.cursor() as cursor:
        await cursor.execute(query, {"a": first, "b": second})
        return list(await cursor.fetchall())


async def style_tuple(connection: Any, first: Any, second: Any) -> Rows:
    """`%s` and a tuple."""
    async with connection.cursor() as cursor:
        await cursor.execute("select %s::int, %s::int", (first, second))
        return list(await cursor.fetchall())


async def literal_percent(connection: Any, value: Any) -> Rows:
    """`%%` beside a parameter."""
    async with connection.cursor() as cursor:
        await cursor.execute("select 5 %% 3, 'cab' like '%%a%%', %s", (value,))
        return list(await cursor.fetchall())


async def diagnose(connection: Any, sql: str) -> dict[str, Any]:
    """`error.diag`: the exceptions are psycopg2's."""
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(sql)
    except psycopg2.Error as error:
        diag = error.diag
        told = {
            "class": f"{type(error).__module__}.{type(error).__qualname__}",
            "pep249": next((k.__name__ for k in _PEP_249 if isinstance(error, k)), None),
            "sqlstate": diag.sqlstate,
            "severity": diag.severity,
            "message": diag.message_primary,
            "detail": diag.message_detail,
            "hint": diag.message_hint,
            "position": diag.statement_position,
            "schema": diag.schema_name,
            "table": diag.table_name,
            "column": diag.column_name,
            "datatype": diag.datatype_name,
            "constraint": diag.constraint_name,
            "context": diag.context,
        }
        return {name: value for name, value in told.items() if value is not None}
    return {}


async def notices(connection: Any, sql: str) -> list[str]:
    """`connection.notices`: what libpq would print, `SEVERITY:  message` and a newline."""
    connection.notices.clear()
    async with connection.cursor() as cursor:
        await cursor.execute(sql)
    told = (notice.partition(":") for notice in connection.notices)
    return [f"{severity}: {message.strip()}" for severity, _, message in told]


async def listen(connection: Any, channel: str) -> None:
    """`LISTEN`, as any statement."""
    query = composed.SQL("listen {}").format(composed.Identifier(channel))
    async with connection.cursor() as cursor:
        await cursor.execute(query)


async def unlisten(connection: Any, channel: str) -> None:
    """`UNLISTEN`, as any statement."""
    query = composed.SQL("unlisten {}").format(composed.Identifier(channel))
    async with connection.cursor() as cursor:
        await cursor.execute(query)


async def notify(connection: Any, channel: str, payload: str) -> None:
    """`pg_notify`, which takes parameters."""
    async with connection.cursor() as cursor:
        await cursor.execute("select pg_notify(%s, %s)", (channel, payload))


async def notifications(
    connection: Any, seconds: float, at_most: int = 1
) -> list[tuple[str, str]]:
    """`connection.notifies`, a queue."""
    found: list[tuple[str, str]] = []
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    while len(found) < at_most and (left := until - clock()) > 0:
        try:
            notification = await asyncio.wait_for(connection.notifies.get(), left)
        except TimeoutError:
            break
        found.append((notification.channel, notification.payload))
    return found
