"""Acts of SQLAlchemy's ORM over psycopg2: how they connect."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from harness.drivers.sqlalchemy.reach.engines import level, psycopg2_engine


def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Session:
    """`Session(engine)` with a pool of one; `session.connection` connects."""
    session = Session(psycopg2_engine(dsn, options, pool_size=1, **level(autocommit)))
    session.connection()
    return session
