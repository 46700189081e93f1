"""What psycopg2 is sent without asking: notifications and replication streams."""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg2
from psycopg2 import sql as composed
from psycopg2.extras import LogicalReplicationConnection, PhysicalReplicationConnection


def listener(dsn: str) -> Any:
    """A connection in autocommit, as the documentation advises."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    return connection


def listen(connection: Any, channel: str) -> None:
    """`LISTEN`, as any statement."""
    with connection.cursor() as cursor:
        cursor.execute(composed.SQL("listen {}").format(composed.Identifier(channel)))


def unlisten(connection: Any, channel: str) -> None:
    """`UNLISTEN`, as any statement."""
    with connection.cursor() as cursor:
        cursor.execute(composed.SQL("unlisten {}").format(composed.Identifier(channel)))


def notify(connection: Any, channel: str, payload: str) -> None:
    """`pg_notify`, which takes parameters."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_notify(%s, %s)", (channel, payload))


def notifications(
    connection: Any, seconds: float, at_most: int = 1
) -> list[tuple[str, str]]:
    """`select`, `connection.poll`, `connection.notifies`."""
    until = time.monotonic() + seconds
    while len(connection.notifies) < at_most and (left := until - time.monotonic()) > 0:
        select.select([connection], [], [], left)
        connection.poll()
    found = [
        (notification.channel, notification.payload)
        for notification in connection.notifies[:at_most]
    ]
    del connection.notifies[:at_most]
    return found


def replication_identify(dsn: str, logical: bool) -> list[str]:
    """A connection of one of the two factories for replication."""
    factory = LogicalReplicationConnection if logical else PhysicalReplicationConnection
    connection = psycopg2.connect(dsn, connection_factory=factory)
    try:
        with connection.cursor() as cursor:
            cursor.execute("IDENTIFY_SYSTEM")
            return [column.name for column in cursor.description or ()]
    finally:
        connection.close()


def replication_stream(dsn: str, slot: str, publication: str, sql: str) -> int:
    """`create_replication_slot`, `start_replication`, `read_message`."""
    connection = psycopg2.connect(dsn, connection_factory=LogicalReplicationConnection)
    try:
        with connection.cursor() as cursor:
            cursor.create_replication_slot(slot, output_plugin="pgoutput")
            options = {"proto_version": "1", "publication_names": publication}
            cursor.start_replication(slot_name=slot, decode=False, options=options)
            _execute(dsn, sql)
            return _count_rows(cursor)
    finally:
        connection.close()
        _drop_slot(dsn, slot)


def _execute(dsn: str, sql: str) -> None:
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
    finally:
        connection.close()


def _count_rows(cursor: Any) -> int:
    """Messages of pgoutput that begin with I, U or D: inserted, updated, deleted rows."""
    count, until = 0, time.monotonic() + 2
    while (left := until - time.monotonic()) > 0:
        message = cursor.read_message()
        if message:
            count += message.payload[:1] in (b"I", b"U", b"D")
            cursor.send_feedback(flush_lsn=message.data_start)
            until = time.monotonic() + 2
        else:
            select.select([cursor], [], [], left)
    return count


def _drop_slot(dsn: str, slot: str) -> None:
    """`cursor.drop_replication_slot` does not wait until the server has let go of it."""
    connection = psycopg2.connect(dsn, connection_factory=LogicalReplicationConnection)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                composed.SQL("DROP_REPLICATION_SLOT {} WAIT").format(
                    composed.Identifier(slot)
                )
            )
    finally:
        connection.close()
