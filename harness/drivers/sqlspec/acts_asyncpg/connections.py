"""Acts of SQLSpec over asyncpg: connections and pools."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from sqlspec.adapters.asyncpg import AsyncpgConfig

_IN_DSN = ("sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs")


async def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Any:
    """`config.create_connection`, and a session over it."""
    if autocommit is False:
        raise NotImplementedError("asyncpg has no mode without autocommit")
    config = AsyncpgConfig(connection_config=_arguments(dsn, options))
    connection = await config.create_connection()
    return config.driver_type(
        connection=connection,
        statement_config=config.statement_config,
        driver_features=config.driver_features,
    )


def _arguments(dsn: str, options: dict[str, Any]) -> dict[str, Any]:
    """What asyncpg takes from the URI is put there, the others are keys."""
    arguments: dict[str, Any] = {}
    for name, value in options.items():
        if name in _IN_DSN:
            dsn += f"&{urlencode({name: value})}"
        elif name == "connect_timeout":
            arguments["timeout"] = value
        elif name == "client_encoding":
            arguments["server_settings"] = {"client_encoding": value}
        else:
            raise NotImplementedError(f"SQLSpec's asyncpg configuration has no {name}")
    return {"dsn": dsn, **arguments}


async def close(connection: Any) -> None:
    """`close` of the driver's connection."""
    await connection.connection.close()


async def pool_open(dsn: str, *, min_size: int, max_size: int, **options: Any) -> Any:
    """The configuration's pool, which `create_pool` opens."""
    arguments: dict[str, Any] = {"dsn": dsn, "min_size": min_size, "max_size": max_size}
    for name, value in options.items():
        if value is None:
            continue
        if name != "max_idle":
            raise NotImplementedError(f"SQLSpec's asyncpg configuration has no {name}")
        arguments["max_inactive_connection_lifetime"] = value
    config = AsyncpgConfig(connection_config=arguments)
    await config.create_pool()
    return config


async def pool_size(pool: Any) -> int:
    """`get_size` of the pool that `provide_pool` gives."""
    return int((await pool.provide_pool()).get_size())


async def pool_idle(pool: Any) -> int:
    """`get_idle_size` of the pool that `provide_pool` gives."""
    return int((await pool.provide_pool()).get_idle_size())
