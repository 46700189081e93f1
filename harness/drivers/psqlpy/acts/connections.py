"""Connections, pools and what psqlpy tells about them."""

from __future__ import annotations

from typing import Any

import psqlpy


async def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Any:
    """`psqlpy.connect`; with a DSN it takes `target_session_attrs` from there only."""
    if autocommit is False:
        raise NotImplementedError("psqlpy has no mode without autocommit")
    if "target_session_attrs" in options:
        dsn += f"&target_session_attrs={options.pop('target_session_attrs')}"
    return await psqlpy.connect(dsn, **_options(**options))


def _options(
    *,
    connect_timeout: int | None = None,
    sslmode: str | None = None,
    sslrootcert: str | None = None,
    load_balance_hosts: str | None = None,
    keepalives: int | None = None,
    keepalives_idle: int | None = None,
    tcp_user_timeout: int | None = None,
    **others: Any,
) -> dict[str, Any]:
    """The options of `psqlpy.connect`, by what they are called in libpq."""
    if others:
        raise NotImplementedError(f"psqlpy has no {', '.join(others)}")
    modes = {
        "disable": psqlpy.SslMode.Disable,
        "allow": psqlpy.SslMode.Allow,
        "prefer": psqlpy.SslMode.Prefer,
        "require": psqlpy.SslMode.Require,
        "verify-ca": psqlpy.SslMode.VerifyCa,
        "verify-full": psqlpy.SslMode.VerifyFull,
    }
    balances = {
        "disable": psqlpy.LoadBalanceHosts.Disable,
        "random": psqlpy.LoadBalanceHosts.Random,
    }
    given: dict[str, Any] = {
        "connect_timeout_sec": connect_timeout,
        "ca_file": sslrootcert,
        "keepalives_idle_sec": keepalives_idle,
    }
    if sslmode is not None:
        given["ssl_mode"] = modes[sslmode]
    if load_balance_hosts is not None:
        given["load_balance_hosts"] = balances[load_balance_hosts]
    if keepalives is not None:
        given["keepalives"] = bool(keepalives)
    if tcp_user_timeout is not None:
        given["tcp_user_timeout_sec"] = tcp_user_timeout // 1000
        given["tcp_user_timeout_nanosec"] = tcp_user_timeout % 1000 * 1_000_000
    return {name: value for name, value in given.items() if value is not None}


async def closed(connection: Any) -> bool:
    """`connection.is_closed`, which is no coroutine."""
    return bool(connection.is_closed())


async def info(connection: Any) -> dict[str, Any]:
    """Attributes of a connection; `hosts` and `ports` are those that it might have."""
    return {"dbname": connection.conn_dbname, "user": connection.user}


async def pool_open(
    dsn: str,
    *,
    min_size: int,  # noqa: ARG001 - psqlpy's pool connects on demand, and says so
    max_size: int,
    timeout: float | None = None,
    max_waiting: int | None = None,
    max_lifetime: float | None = None,
    max_idle: float | None = None,
    check: bool | None = None,
    recycling: str | None = None,
) -> Any:
    """`psqlpy.ConnectionPool`, which has no minimum."""
    lacking = {
        "timeout": timeout,
        "max_waiting": max_waiting,
        "max_lifetime": max_lifetime,
        "max_idle": max_idle,
        "check": check,
    }
    for name, value in lacking.items():
        if value is not None:
            raise NotImplementedError(f"psqlpy's pool has no {name}")
    methods = {
        "fast": psqlpy.ConnRecyclingMethod.Fast,
        "verified": psqlpy.ConnRecyclingMethod.Verified,
        "clean": psqlpy.ConnRecyclingMethod.Clean,
    }
    return psqlpy.ConnectionPool(
        dsn,
        max_db_pool_size=max_size,
        conn_recycling_method=methods[recycling] if recycling else None,
    )


async def pool_acquire(pool: Any, timeout: float | None = None) -> Any:
    """`pool.connection`."""
    if timeout is not None:
        raise NotImplementedError("psqlpy's pool has no timeout")
    return await pool.connection()


async def pool_release(pool: Any, connection: Any) -> None:  # noqa: ARG001
    """`connection.close` gives it back."""
    connection.close()


async def pool_block(pool: Any, sql: str) -> Any:
    """`pool.acquire` in a block."""
    async with pool.acquire() as connection:
        return await connection.fetch_val(sql)


async def pool_size(pool: Any) -> int:
    """`pool.status`."""
    return int(pool.status().size)


async def pool_idle(pool: Any) -> int:
    """`pool.status`."""
    return int(pool.status().available)


async def pool_close(pool: Any) -> None:
    """`pool.close`, which is no coroutine."""
    pool.close()
