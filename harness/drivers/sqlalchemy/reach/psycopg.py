"""Acts of SQLAlchemy over psycopg: how they connect, and the engine as a pool."""

from __future__ import annotations

import logging
import re
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.pool import NullPool

from harness.drivers.sqlalchemy.reach.engines import level, pool_arguments, psycopg_engine


def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Connection:
    """`engine.connect`, without a pool."""
    engine = psycopg_engine(dsn, options, poolclass=NullPool, **level(autocommit))
    return engine.connect()


def pool_open(
    dsn: str,
    *,
    min_size: int,
    max_size: int,
    timeout: float | None = None,
    max_waiting: int | None = None,
    max_lifetime: float | None = None,
    max_idle: float | None = None,
    check: bool | None = None,
    recycling: str | None = None,
) -> Engine:
    """An engine, which connects when it is asked to."""
    arguments = pool_arguments(
        min_size,
        max_size,
        timeout,
        max_lifetime,
        check,
        max_waiting=max_waiting,
        max_idle=max_idle,
        recycling=recycling,
    )
    return psycopg_engine(dsn, {}, **arguments)


def execute_script(connection: Any, sql: str) -> None:
    """`exec_driver_sql` with the option `no_parameters`, so that the driver gets none."""
    reached = connection if isinstance(connection, Connection) else connection.connection()
    options = {"no_parameters": True}
    reached.exec_driver_sql(sql, execution_options=options)


def notices(connection: Any, sql: str) -> list[str]:
    """The dialect's logger `sqlalchemy.dialects.postgresql`, at the level INFO."""
    logger = logging.getLogger("sqlalchemy.dialects.postgresql")
    heard: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        connection.execute(text(sql.replace(":", r"\:")))
    finally:
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(handler)
    return [re.sub(r":\s+", ": ", said, count=1) for said in heard]
