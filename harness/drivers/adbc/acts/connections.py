"""Connections of adbc: opening, telling, cancelling."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from adbc_driver_postgresql import dbapi


def connect(dsn: str, *, autocommit: bool | None = True, **options: Any) -> Any:
    """`dbapi.connect` with a URI that has libpq's options; its default is no autocommit."""
    if options:
        mark = "&" if "?" in dsn else "?"
        dsn = f"{dsn}{mark}{urlencode(options, quote_via=quote)}"
    if autocommit is None:
        return dbapi.connect(dsn)
    return dbapi.connect(dsn, autocommit=autocommit)


def close(connection: Any) -> None:
    """`connection.close`."""
    connection.close()


def info(connection: Any) -> dict[str, Any]:
    """`connection.adbc_get_info`, and the properties for catalog."""
    told = connection.adbc_get_info()
    return {
        "server_version": int(told["vendor_version"]),
        "dbname": connection.adbc_current_catalog,
    }


def cancel(connection: Any) -> None:
    """`connection.adbc_cancel`, from another thread."""
    connection.adbc_cancel()
