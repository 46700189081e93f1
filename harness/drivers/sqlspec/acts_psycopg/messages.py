# Made from acts_psycopg_async/messages.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLSpec over psycopg: notifications.

SQLSpec's documentation takes psycopg's own connection for them.
"""

from __future__ import annotations

from typing import Any

from psycopg.sql import SQL, Identifier
from sqlspec.adapters.psycopg import PsycopgSyncConfig


def listener(dsn: str) -> Any:
    """A session in autocommit, so that nothing waits for a commit."""
    arguments = {"conninfo": dsn, "autocommit": True}
    config = PsycopgSyncConfig(connection_config=arguments)
    connection = config.create_connection()
    return config.driver_type(connection=connection)


def listen(connection: Any, channel: str) -> None:
    """The statement `listen`."""
    connection.connection.execute(SQL("listen {}").format(Identifier(channel)))


def unlisten(connection: Any, channel: str) -> None:
    """The statement `unlisten`."""
    connection.connection.execute(SQL("unlisten {}").format(Identifier(channel)))


def notifications(
    connection: Any, seconds: float, at_most: int = 1
) -> list[tuple[str, str]]:
    """`notifies` of the connection."""
    arriving = connection.connection.notifies(timeout=seconds, stop_after=at_most)
    return [(message.channel, message.payload) for message in arriving]
