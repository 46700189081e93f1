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
    OrmAsyncpg,
    OrmPsycopg,
    OrmPsycopg2,
    OrmPsycopgAsync,
)
from harness.plugin.isolated import isolated
from harness.plugin.replay import AsyncConnection, Connection
from harness.plugin.replay_native import AsyncpgConnection

Taped = Callable[[Any], Any]


def _core(taped: Taped) -> Callable[[Any], None]:
    """Put a connection that answers from memory under a session of Core."""

    def put(session: Any) -> None:
        connection = session.connection
        fairy = getattr(connection, "sync_connection", connection).connection
        _swapped(taped, fairy.dbapi_connection, fairy._connection_record, fairy)
        event.listen(_sync(session._transactions), "connect", _opened(taped))

    return put


def _orm(taped: Taped) -> Callable[[Any], None]:
    """The same for units of work: each takes a connection of a pool, which is filled."""

    def put(session: Any) -> None:
        taken = set[Any]()

        def checked_out(dbapi: Any, record: Any, fairy: Any) -> None:
            if record not in taken:
                taken.add(record)
                _swapped(taped, dbapi, record, fairy)

        event.listen(_sync(session._engine), "checkout", checked_out)
        transactions = session._transactions.kw["bind"]
        event.listen(_sync(transactions), "connect", _opened(taped))

    return put


def _sync(engine: Any) -> Any:
    return getattr(engine, "sync_engine", engine)


def _swapped(taped: Taped, dbapi: Any, record: Any, fairy: Any) -> None:
    """In the pool's record, and in what the pool gave out."""
    fairy.dbapi_connection = record.dbapi_connection = _put(dbapi, taped)


def _put(dbapi: Any, taped: Taped) -> Any:
    """The dialect's connection of an asynchronous driver keeps the driver's inside."""
    if not hasattr(dbapi, "run_async"):
        return taped(dbapi)
    dbapi._connection = taped(dbapi._connection)
    return dbapi


def _opened(taped: Taped) -> Callable[[Any, Any], None]:
    """Do it with a connection that a pool has yet to open."""

    def connected(dbapi: Any, record: Any) -> None:
        record.dbapi_connection = _put(dbapi, taped)

    return connected


CorePsycopgAlone = isolated(CorePsycopg, _core(Connection))
CorePsycopgAsyncAlone = isolated(CorePsycopgAsync, _core(AsyncConnection))
CorePsycopg2Alone = isolated(CorePsycopg2, _core(Connection))
CoreAsyncpgAlone = isolated(CoreAsyncpg, _core(AsyncpgConnection))
OrmPsycopgAlone = isolated(OrmPsycopg, _orm(Connection))
OrmPsycopgAsyncAlone = isolated(OrmPsycopgAsync, _orm(AsyncConnection))
OrmPsycopg2Alone = isolated(OrmPsycopg2, _orm(Connection))
OrmAsyncpgAlone = isolated(OrmAsyncpg, _orm(AsyncpgConnection))
