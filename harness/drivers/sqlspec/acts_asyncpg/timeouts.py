"""Acts of SQLSpec over asyncpg: a time limit for a statement."""

from __future__ import annotations

from typing import Any


async def execute_timeout(connection: Any, sql: str, seconds: float) -> None:
    """`execution_args` of a `StatementConfig`, which goes to asyncpg."""
    config = connection.statement_config.replace(execution_args={"timeout": seconds})
    await connection.execute(sql, statement_config=config)
