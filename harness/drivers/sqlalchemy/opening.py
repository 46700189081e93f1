# Made from opening_async.py by tools/psycopg_sync.py: change that, not this.
"""How a driver over SQLAlchemy makes its engines and opens what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.pool import NullPool

from harness.drivers.sqlalchemy.below import (
    BELOW,
    Below,
    finds_no_vector,
    pgvector_register,
    place_of,
)
from harness.drivers.sqlalchemy.core import CorePool, CoreSession
from harness.drivers.sqlalchemy.orm import OrmPool, OrmSession
from harness.drivers.sqlalchemy.written import written
from harness.plugin import (
    FIND_VECTOR,
    Profile,
    SyncOp,
    Target,
    unregistered_vector,
)


def _register_vector(engine: Engine, below: Below) -> None:
    """pgvector's types on each new connection of a database that has them, as its
    documentation shows."""
    register = pgvector_register(below)
    if register is None:
        return

    @event.listens_for(engine, "connect")
    def connect(dbapi_connection: Any, _record: Any) -> None:
        try:
            register(dbapi_connection)
        except Exception as error:
            if not finds_no_vector(error):
                raise


def _unregistered(connection: Connection) -> Mapping[str, str]:
    """What should have been registered and is not, and why."""
    found: Any = connection.execute(text(FIND_VECTOR)).first()
    return unregistered_vector(*found)


def _filled(engine: Engine, profile: Profile, size: int) -> Mapping[str, str]:
    """Connect all connections of a pool; what should have been registered and is not."""
    connections = [engine.connect() for _ in range(size)]
    missing = _unregistered(connections[0]) if profile == "configured" else {}
    for connection in connections:
        connection.close()
    return missing


class Engines:
    """Makes engines, and connects.

    Whoever has another library below, or none, replaces `engine`. `further` are arguments
    that an option adds to the driver's.
    """

    wraps: str
    further: Mapping[str, Any] = {}

    def engine(self, target: Target, **options: Any) -> Engine:
        """`create_engine`."""
        below = BELOW[self.wraps]
        url = URL.create(**place_of(below, target))
        return create_engine(
            url, connect_args={**below.connect_args(target), **self.further}, **options
        )

    def autocommit_engine(self, target: Target, profile: Profile, size: int) -> Engine:
        """An engine in AUTOCOMMIT with a pool of a fixed size."""
        engine = self.engine(
            target, isolation_level="AUTOCOMMIT", pool_size=size, max_overflow=0
        )
        if profile == "configured":
            _register_vector(engine, BELOW[self.wraps])
        return engine

    def transaction_engine(self, target: Target, profile: Profile) -> Engine:
        """An engine at the server's level of isolation, with a pool of one."""
        engine = self.engine(target, pool_size=1, max_overflow=0)
        if profile == "configured":
            _register_vector(engine, BELOW[self.wraps])
        return engine

    def connect(self, target: Target, profile: Profile) -> SyncOp:
        """`engine.connect` and `close`, without a pool and without registrations."""
        engine = self.engine(target, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        connect = engine.connect

        def op() -> None:
            with connect():
                pass

        return op

    def connect_query(self, target: Target, profile: Profile, sql: str) -> SyncOp:
        """`engine.connect`, fetch one value, `close`; there is no pool."""
        engine = self.engine(target, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        connect, statement = engine.connect, text(sql.replace(":", r"\:"))

        def op() -> Any:
            with connect() as connection:
                return connection.scalar(statement)

        return op


class CoreOpening(Engines):
    """Opens sessions and pools of Core."""

    written = staticmethod(written)

    def opening(self, target: Target) -> SyncOp:
        """`create_engine` and `engine.connect`, as a reproduction prints them."""
        below = BELOW[self.wraps]
        arguments: dict[str, dict[str, Any]] = {
            "url": place_of(below, target),
            "options": {"connect_args": {**below.connect_args(target), **self.further}},
        }

        def op() -> Any:
            url = URL.create(**arguments["url"])
            engine = create_engine(
                url,
                isolation_level="AUTOCOMMIT",
                poolclass=NullPool,
                **arguments["options"],
            )
            return engine.connect()

        return op

    def open(self, target: Target, profile: Profile) -> CoreSession:
        """`engine.connect`."""
        connection = self.autocommit_engine(target, profile, 1).connect()
        session = CoreSession(connection, self.transaction_engine(target, profile), profile)
        if profile == "configured":
            session.unregistered = _unregistered(connection)
        return session

    def open_pool(self, target: Target, profile: Profile, size: int) -> CorePool:
        """An engine whose pool is filled: by itself it connects when it is asked to."""
        engine = self.autocommit_engine(target, profile, size)
        pool = CorePool(engine, profile)
        pool.unregistered = _filled(engine, profile, size)
        return pool


class OrmOpening(Engines):
    """Opens sessions and pools of the ORM."""

    def open(self, target: Target, profile: Profile) -> OrmSession:
        """An engine with one connection, for sessions."""
        engine = self.autocommit_engine(target, profile, 1)
        session = OrmSession(engine, self.transaction_engine(target, profile), profile)
        session.unregistered = _filled(engine, profile, 1)
        return session

    def open_pool(self, target: Target, profile: Profile, size: int) -> OrmPool:
        """An engine whose pool is filled: by itself it connects when it is asked to."""
        engine = self.autocommit_engine(target, profile, size)
        transactions = engine.execution_options(isolation_level="READ COMMITTED")
        pool = OrmPool(engine, transactions, profile)
        pool.unregistered = _filled(engine, profile, size)
        return pool
