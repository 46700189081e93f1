# Made from orm_async.py by tools/psycopg_sync.py: change that, not this.
"""Sessions and pools of SQLAlchemy's ORM.

Each op has a `Session` of its own, as the documentation's "session per unit of work" has
it: a session that lives on answers from its identity map. So each op also takes a
connection out of the engine's pool and gives it back.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, TextClause, insert, text
from sqlalchemy.orm import Session, sessionmaker

from harness.drivers.sqlalchemy import models
from harness.drivers.sqlalchemy.statements import (
    NativeRows,
    Params,
    bound,
    many,
    rows_of,
    steps_of,
    table_of,
)
from harness.plugin import Call, Profile, SyncOp


class Query:
    """What a `Session` executes for a statement: of entities, if its rows have a key."""

    def __init__(self, statement: TextClause) -> None:
        self.known: Any = None
        self._statement = statement

    def find(self, session: Session, params: Params) -> Any:
        """Ask for the columns once, before the first answer is timed."""
        self.known = self._found(session, params)
        return self.known

    def _found(self, session: Session, params: Params) -> Any:
        statement = self._statement
        if not models.can_be_described(statement):
            return statement
        result: Any = session.execute(models.description(statement), params)
        columns = (
            [(column[0], column[1]) for column in result.cursor.description]
            if result.returns_rows
            else []
        )
        if not models.are_entities(columns):
            return statement
        oids = [oid for _, oid in columns]
        names = session.execute(text(models.TYPE_NAMES), {"oids": oids})
        return models.entities(statement, columns, {oid: name for name, oid in names})


class Units(NativeRows):
    """Units of work: a `Session` for each op, of one engine in AUTOCOMMIT."""

    connection = None  # a session takes one for each unit of work

    def __init__(self, engine: Engine, transactions: Engine, profile: Profile) -> None:
        self._engine = engine
        self._session = sessionmaker(engine)
        self._transactions = sessionmaker(transactions)
        self._profile = profile

    def close(self) -> None:
        """`engine.dispose`."""
        self._engine.dispose()
        self._transactions.kw["bind"].dispose()

    def rows(self, native: Any) -> list[tuple[Any, ...]]:
        """Entities and rows as tuples; `None` is a row that was not there."""
        return [
            row[0].values() if row and isinstance(row[0], models.Entity) else tuple(row)
            for row in native
            if row is not None
        ]

    def execute(self, call: Call) -> SyncOp:
        """`session.execute`."""
        make_session = self._session
        statement, params = bound(call, self._profile)

        def op() -> None:
            with make_session() as session:
                session.execute(statement, next(params))

        return op

    def fetch_all(self, call: Call) -> SyncOp:
        """`session.execute`, then `result.all`."""
        make_session = self._session
        statement, params = bound(call, self._profile)
        query = Query(statement)

        def op() -> Any:
            given = next(params)
            with make_session() as session:
                entities = query.known
                if entities is None:
                    entities = query.find(session, given)
                return session.execute(entities, given).all()

        return op

    def fetch_one(self, call: Call) -> SyncOp:
        """`session.execute`, then `result.first`."""
        make_session = self._session
        statement, params = bound(call, self._profile)
        query = Query(statement)

        def op() -> Any:
            given = next(params)
            with make_session() as session:
                entities = query.known
                if entities is None:
                    entities = query.find(session, given)
                return session.execute(entities, given).first()

        return op

    def fetch_val(self, call: Call) -> SyncOp:
        """`session.scalar`."""
        make_session = self._session
        statement, params = bound(call, self._profile)

        def op() -> Any:
            with make_session() as session:
                return session.scalar(statement, next(params))

        return op

    def sequential(self, call: Call) -> SyncOp:
        """One statement after another in a session."""
        make_session, steps = self._session, steps_of(call, self._profile)

        def op() -> list[Any]:
            results: list[Any] = []
            with make_session() as session:
                for statement, params in steps:
                    result: Any = session.execute(statement, params)
                    results.append(result.all() if result.returns_rows else None)
            return results

        return op

    def transaction(self, call: Call) -> SyncOp:
        """`with sessions.begin()`."""
        begin, steps = self._transactions.begin, steps_of(call, self._profile)

        def op() -> list[Any]:
            results: list[Any] = []
            with begin() as session:
                for statement, params in steps:
                    result: Any = session.execute(statement, params)
                    results.append(result.all() if result.returns_rows else None)
            return results

        return op


class OrmSession(Units):
    """Units of work on an engine with one connection, and one more for transactions."""

    def execute_many(self, call: Call) -> SyncOp:
        """`session.execute` with a list: the driver's `executemany`."""
        make_session = self._session
        statement, rows = many(call, self._profile)

        def op() -> None:
            with make_session() as session:
                session.execute(statement, rows)

        return op

    def batch_helper(self, call: Call) -> SyncOp:
        """`session.execute(insert(Model), rows)`: "ORM bulk insert"."""
        make_session, rows = self._session, rows_of(call)
        statement = insert(models.mapped(table_of(call)))

        def op() -> None:
            with make_session() as session:
                session.execute(statement, rows)

        return op

    def savepoint(self, call: Call) -> SyncOp:
        """`with sessions.begin()`, and `begin_nested` inside."""
        begin, steps = self._transactions.begin, steps_of(call, self._profile)

        def op() -> list[Any]:
            results: list[Any] = []
            with begin() as session, session.begin_nested():
                for statement, params in steps:
                    result: Any = session.execute(statement, params)
                    results.append(result.all() if result.returns_rows else None)
            return results

        return op


class OrmPool(Units):
    """Units of work on an engine with a pool; transactions share it."""

    def checkout(self, call: Call) -> SyncOp:
        """`session.connection`, which takes one for the session's transaction."""
        make_session = self._session

        def op() -> None:
            with make_session() as session:
                session.connection()

        return op
