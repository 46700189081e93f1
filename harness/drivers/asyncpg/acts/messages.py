"""Notifications of asyncpg."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

_KEPT = 100
_INBOXES: dict[Any, asyncio.Queue[tuple[str, str]]] = {}
"""The last notifications of each connection: asyncpg hands them over and keeps none."""


async def listener(dsn: str) -> Any:
    """A connection."""
    return await asyncpg.connect(dsn)


async def listen(connection: Any, channel: str) -> None:
    """`connection.add_listener`."""
    _INBOXES.setdefault(connection, asyncio.Queue(_KEPT))
    await connection.add_listener(channel, _received)


async def unlisten(connection: Any, channel: str) -> None:
    """`connection.remove_listener`."""
    await connection.remove_listener(channel, _received)


async def notify(connection: Any, channel: str, payload: str) -> None:
    """`pg_notify`, which takes parameters."""
    await connection.execute("select pg_notify($1, $2)", channel, payload)


async def notifications(
    connection: Any, seconds: float, at_most: int = 1
) -> list[tuple[str, str]]:
    """What the listener put into a queue, or will in that time."""
    inbox = _INBOXES.setdefault(connection, asyncio.Queue(_KEPT))
    found: list[tuple[str, str]] = []
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while len(found) < at_most and (not inbox.empty() or clock() < deadline):
        if inbox.empty():
            await asyncio.sleep(0.005)
        else:
            found.append(inbox.get_nowait())
    return found


def _received(connection: Any, _pid: int, channel: str, payload: object) -> None:
    inbox = _INBOXES[connection]
    if inbox.full():
        inbox.get_nowait()
    inbox.put_nowait((channel, str(payload)))
