"""Acts of SQLAlchemy's ORM over psycopg2: how they connect."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from harness.drivers.sqlalchemy.reach.engines import level, psycopg2_engine


def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Session:
    """`Session(engine)` without a pool; `session.connection` connects."""
    session = Session(
        psycopg2_engine(dsn, options, poolclass=NullPool, **level(autocommit))
    )
    session.connection()
    return session
