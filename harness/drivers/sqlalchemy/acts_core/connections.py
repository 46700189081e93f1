# Made from acts_core_async/connections.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLAlchemy Core: connections, and the engine as a pool."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, text


def close(connection: Connection) -> None:
    """`connection.close`: without a pool it ends the session."""
    connection.close()


def closed(connection: Connection) -> bool:
    """`connection.closed`; `invalidated` if SQLAlchemy gave up the driver's."""
    return bool(connection.closed or connection.invalidated)


def info(connection: Connection) -> dict[str, Any]:
    """`dialect.server_version_info` and `engine.url`."""
    dialect: Any = connection.dialect
    major, minor = dialect.server_version_info
    url = connection.engine.url
    told = {
        "server_version": 10_000 * major + minor,
        "dbname": url.database,
        "user": url.username,
        "host": url.host,
        "port": url.port,
    }
    return {name: value for name, value in told.items() if value is not None}


def set_autocommit(connection: Connection, on: bool) -> None:
    """The option `isolation_level`; `commit` ends what SQLAlchemy began in AUTOCOMMIT."""
    if not on:
        connection.commit()
    level = "AUTOCOMMIT" if on else connection.default_isolation_level
    connection.execution_options(isolation_level=level)


def pool_acquire(pool: Engine, timeout: float | None = None) -> Connection:
    """`engine.connect`; a timeout is an argument of the engine."""
    if timeout is not None:
        raise NotImplementedError("SQLAlchemy's pool has one timeout: `pool_timeout`")
    return pool.connect()


def pool_block(pool: Engine, sql: str) -> Any:
    """`with engine.connect()`."""
    with pool.connect() as connection:
        return connection.scalar(text(sql.replace(":", r"\:")))
