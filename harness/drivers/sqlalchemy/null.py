"""Null references: SQLAlchemy alone, its driver's connection answers from memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from harness.drivers.sqlalchemy import (
    CoreAsyncpg,
    CorePsycopg,
    CorePsycopg2,
    CorePsycopgAsync,
)
from harness.plugin.isolated import isolated
from harness.plugin.replay import AsyncConnection, Connection
from harness.plugin.replay_native import AsyncpgConnection

Taped = Callable[[Any], Any]


def _under(taped: Taped) -> Callable[[Any], None]:
    """Put a connection that answers from memory under a session of Core."""

    def put(session: Any) -> None:
        connection = session.connection
        fairy = getattr(connection, "sync_connection", connection).connection
        found = _put(fairy.dbapi_connection, taped)
        fairy.dbapi_connection = fairy._connection_record.dbapi_connection = found
        engine = session._transactions
        event.listen(getattr(engine, "sync_engine", engine), "connect", _later(taped))

    return put


def _put(dbapi: Any, taped: Taped) -> Any:
    """The dialect's connection of an asynchronous driver keeps the driver's inside."""
    if not hasattr(dbapi, "run_async"):
        return taped(dbapi)
    dbapi._connection = taped(dbapi._connection)
    return dbapi


def _later(taped: Taped) -> Callable[[Any, Any], None]:
    """Do it with a connection that a pool has yet to open."""

    def connected(dbapi: Any, record: Any) -> None:
        record.dbapi_connection = _put(dbapi, taped)

    return connected


CorePsycopgAlone = isolated(CorePsycopg, _under(Connection))
CorePsycopgAsyncAlone = isolated(CorePsycopgAsync, _under(AsyncConnection))
CorePsycopg2Alone = isolated(CorePsycopg2, _under(Connection))
CoreAsyncpgAlone = isolated(CoreAsyncpg, _under(AsyncpgConnection))
