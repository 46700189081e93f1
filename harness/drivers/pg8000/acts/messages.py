"""What pg8000 is sent without asking: notices and notifications."""

from __future__ import annotations

import time
from typing import Any

from pg8000.native import Connection, literal
from pg8000.native import identifier as quoted


def notices(connection: Connection, sql: str) -> list[str]:
    """`connection.notices`: dicts of bytes, of which the last hundred are kept."""
    connection.notices.clear()
    connection.run(sql)
    return [
        f"{notice[b'V'].decode()}: {notice[b'M'].decode()}" for notice in connection.notices
    ]


def listen(connection: Connection, channel: str) -> None:
    """`LISTEN`, with `native.identifier`."""
    connection.run(f"LISTEN {quoted(channel)}")


def unlisten(connection: Connection, channel: str) -> None:
    """`UNLISTEN`, with `native.identifier`."""
    connection.run(f"UNLISTEN {quoted(channel)}")


def notify(connection: Connection, channel: str, payload: str) -> None:
    """`NOTIFY`, with `native.identifier` and `native.literal`."""
    connection.run(f"NOTIFY {quoted(channel)}, {literal(payload)}")


def notifications(
    connection: Connection, seconds: float, at_most: int = 1
) -> list[tuple[str, str]]:
    """`connection.notifications`, which only grows while a statement runs."""
    until, arrived = time.monotonic() + seconds, connection.notifications
    while len(arrived) < at_most and time.monotonic() < until:
        connection.run("select 1")
        time.sleep(0.005)
    found: list[Any] = [arrived.popleft() for _ in range(min(at_most, len(arrived)))]
    return [(channel, payload) for _, channel, payload in found]
