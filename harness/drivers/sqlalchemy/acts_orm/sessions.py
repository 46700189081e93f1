# Made from acts_orm_async/sessions.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLAlchemy's ORM: sessions, and the engine as their pool."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session


def close(connection: Session) -> None:
    """`session.close`, which gives its connection back, and `engine.dispose`."""
    engine: Any = connection.bind
    connection.close()
    engine.dispose()


def pool_acquire(pool: Engine, timeout: float | None = None) -> Session:
    """`Session(engine)`, which takes a connection for its transaction."""
    if timeout is not None:
        raise NotImplementedError("SQLAlchemy's pool has one timeout: `pool_timeout`")
    session = Session(pool)
    session.connection()
    return session


def pool_block(pool: Engine, sql: str) -> Any:
    """`with Session(engine)`."""
    with Session(pool) as session:
        return session.scalar(text(sql.replace(":", r"\:")))
