# Made from acts_psycopg_async/connections.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLSpec over psycopg: connections and pools."""

from __future__ import annotations

from typing import Any

from sqlspec.adapters.psycopg import PsycopgSyncConfig


def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Any:
    """`config.create_connection`, and a session over it; no autocommit is the default."""
    arguments = {"conninfo": dsn, "autocommit": bool(autocommit), **options}
    config = PsycopgSyncConfig(connection_config=arguments)
    connection = config.create_connection()
    return config.driver_type(
        connection=connection,
        statement_config=config.statement_config,
        driver_features=config.driver_features,
    )


def close(connection: Any) -> None:
    """`close` of the driver's connection."""
    connection.connection.close()


def pool_open(
    dsn: str,
    *,
    min_size: int,
    max_size: int,
    recycling: str | None = None,
    **options: Any,
) -> Any:
    """The configuration's pool, which `create_pool` opens."""
    from psycopg_pool import ConnectionPool

    if recycling is not None:
        raise NotImplementedError("psycopg_pool has no recycling methods")
    given = {name: value for name, value in options.items() if value is not None}
    if given.pop("check", None):
        given["check"] = ConnectionPool.check_connection
    arguments = {"conninfo": dsn, "autocommit": True, **given}
    sizes = {"min_size": min_size, "max_size": max_size}
    config = PsycopgSyncConfig(connection_config={**arguments, **sizes})
    pool = config.create_pool()
    pool.wait(given.get("timeout", 30.0))
    return config


def pool_size(pool: Any) -> int:
    """`get_stats` of the pool that `provide_pool` gives."""
    native = pool.provide_pool()
    return int(native.get_stats()["pool_size"])


def pool_idle(pool: Any) -> int:
    """`get_stats` of the pool that `provide_pool` gives."""
    native = pool.provide_pool()
    return int(native.get_stats()["pool_available"])
