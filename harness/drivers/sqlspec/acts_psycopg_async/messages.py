"""Acts of SQLSpec over psycopg, async: notifications.

SQLSpec's documentation takes psycopg's own connection for them.
"""

from __future__ import annotations

from typing import Any

from psycopg.sql import SQL, Identifier
from sqlspec.adapters.psycopg import PsycopgAsyncConfig


async def listener(dsn: str) -> Any:
    """A session in autocommit, so that nothing waits for a commit."""
    arguments = {"conninfo": dsn, "autocommit": True}
    config = PsycopgAsyncConfig(connection_config=arguments)
    connection = await config.create_connection()
    return config.driver_type(connection=connection)


async def listen(connection: Any, channel: str) -> None:
    """The statement `listen`."""
    await connection.connection.execute(SQL("listen {}").format(Identifier(channel)))


async def unlisten(connection: Any, channel: str) -> None:
    """The statement `unlisten`."""
    await connection.connection.execute(SQL("unlisten {}").format(Identifier(channel)))


async def notifications(
    connection: Any, seconds: float, at_most: int = 1
) -> list[tuple[str, str]]:
    """`notifies` of the connection."""
    arriving = connection.connection.notifies(timeout=seconds, stop_after=at_most)
    return [(message.channel, message.payload) async for message in arriving]
