"""What the server tells: errors and notifications. psqlpy hands on no notices."""

from __future__ import annotations

import asyncio
from typing import Any

import psqlpy
from psqlpy import exceptions

_KEPT = 100
_ARRIVED: dict[Any, asyncio.Queue[tuple[str, str]]] = {}
"""The last notifications of each listener: psqlpy hands them over and keeps none."""


async def diagnose(connection: Any, sql: str) -> dict[str, Any]:
    """Only the classes: what an exception of psqlpy says is in its text."""
    standard = (
        exceptions.DataError,
        exceptions.OperationalError,
        exceptions.IntegrityError,
        exceptions.InternalError,
        exceptions.ProgrammingError,
        exceptions.NotSupportedError,
        exceptions.DatabaseError,
        exceptions.InterfaceError,
    )
    try:
        await connection.execute(sql)
    except psqlpy.Error as error:
        kind = type(error)
        base = next((cls for cls in standard if isinstance(error, cls)), psqlpy.Error)
        return {"class": f"{kind.__module__}.{kind.__qualname__}", "pep249": base.__name__}
    return {}


async def listener(dsn: str) -> Any:
    """`pool.listener`: a connection cannot listen."""
    return psqlpy.ConnectionPool(dsn).listener()


async def listen(connection: Any, channel: str) -> None:
    """`add_callback`; the first one starts the listener."""
    if not isinstance(connection, psqlpy.Listener):
        raise NotImplementedError("a connection of psqlpy cannot listen, its Listener can")
    arrived = _ARRIVED.setdefault(connection, asyncio.Queue(_KEPT))

    async def keep(_: Any, payload: str, channel: str, process_id: int) -> None:  # noqa: ARG001
        if arrived.full():
            arrived.get_nowait()
        arrived.put_nowait((channel, payload))

    await connection.add_callback(channel, keep)
    if not connection.is_started:
        await connection.startup()
        connection.listen()


async def unlisten(connection: Any, channel: str) -> None:
    """`clear_channel_callbacks`."""
    await connection.clear_channel_callbacks(channel)


async def notify(connection: Any, channel: str, payload: str) -> None:
    """`pg_notify`, which takes parameters."""
    await connection.execute("select pg_notify($1, $2)", [channel, payload])


async def notifications(
    connection: Any, seconds: float, at_most: int = 1
) -> list[tuple[str, str]]:
    """What the callbacks were given, or will be in that time."""
    found: list[tuple[str, str]] = []
    inbox, clock = _ARRIVED[connection], asyncio.get_running_loop().time
    deadline = clock() + seconds
    while len(found) < at_most and (not inbox.empty() or clock() < deadline):
        if inbox.empty():
            await asyncio.sleep(0.005)
        else:
            found.append(inbox.get_nowait())
    return found
