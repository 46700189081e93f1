"""Null references: SQLSpec alone, its driver's connection answers from memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.drivers.sqlspec import (
    SqlspecAsyncpg,
    SqlspecPsqlpy,
    SqlspecPsycopg,
    SqlspecPsycopgAsync,
)
from harness.plugin.isolated import isolated
from harness.plugin.replay import AsyncConnection, Connection
from harness.plugin.replay_native import AsyncpgConnection, PsqlpyConnection


def _under(taped: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Put a connection that answers from memory under a session of SQLSpec."""

    def put(session: Any) -> None:
        driver = session.connection
        driver.connection = taped(driver.connection)

    return put


PsycopgAlone = isolated(SqlspecPsycopg, _under(Connection))
PsycopgAsyncAlone = isolated(SqlspecPsycopgAsync, _under(AsyncConnection))
AsyncpgAlone = isolated(SqlspecAsyncpg, _under(AsyncpgConnection))
PsqlpyAlone = isolated(SqlspecPsqlpy, _under(PsqlpyConnection))
