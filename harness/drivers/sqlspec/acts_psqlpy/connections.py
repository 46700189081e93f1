"""Acts of SQLSpec over psqlpy: connections and pools.

Where psqlpy takes an enum, SQLSpec's documentation and types say a word.
"""

from __future__ import annotations

from typing import Any

from sqlspec.adapters.psqlpy import PsqlpyConfig

_KEYS = {
    "connect_timeout": "connect_timeout_sec",
    "sslmode": "ssl_mode",
    "sslrootcert": "ca_file",
    "sslcert": "sslcert",
    "sslkey": "sslkey",
    "target_session_attrs": "target_session_attrs",
    "load_balance_hosts": "load_balance_hosts",
    "client_encoding": "client_encoding",
    "keepalives_idle": "keepalives_idle_sec",
}


async def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Any:
    """`config.create_connection`, and a session over it."""
    if autocommit is False:
        raise NotImplementedError("psqlpy has no mode without autocommit")
    config = PsqlpyConfig(connection_config={"dsn": dsn, **_arguments(options)})
    connection = await config.create_connection()
    return config.driver_type(
        connection=connection,
        statement_config=config.statement_config,
        driver_features=config.driver_features,
    )


def _arguments(options: dict[str, Any]) -> dict[str, Any]:
    """The options by SQLSpec's names."""
    arguments: dict[str, Any] = {}
    for name, value in options.items():
        if name in _KEYS:
            arguments[_KEYS[name]] = value
        elif name == "keepalives":
            arguments["keepalives"] = bool(value)
        elif name == "tcp_user_timeout":
            arguments["tcp_user_timeout_sec"] = value // 1000
            arguments["tcp_user_timeout_nanosec"] = value % 1000 * 1_000_000
        else:
            raise NotImplementedError(f"SQLSpec's psqlpy configuration has no {name}")
    return arguments


async def close(connection: Any) -> None:
    """`close` of the driver's connection, which is no coroutine."""
    connection.connection.close()


async def pool_open(
    dsn: str,
    *,
    min_size: int,  # noqa: ARG001 - psqlpy's pool connects on demand, and says so
    max_size: int,
    recycling: str | None = None,
    **options: Any,
) -> Any:
    """The configuration's pool, which has no minimum."""
    for name, value in options.items():
        if value is not None:
            raise NotImplementedError(f"SQLSpec's psqlpy configuration has no {name}")
    arguments: dict[str, Any] = {"dsn": dsn, "max_db_pool_size": max_size}
    if recycling:
        arguments["conn_recycling_method"] = recycling
    config = PsqlpyConfig(connection_config=arguments)
    await config.create_pool()
    return config


async def pool_size(pool: Any) -> int:
    """`status` of the pool that `provide_pool` gives."""
    return int((await pool.provide_pool()).status().size)


async def pool_idle(pool: Any) -> int:
    """`status` of the pool that `provide_pool` gives."""
    return int((await pool.provide_pool()).status().available)
