"""Connections of asyncpg and psqlpy that answer from memory, as `replay` says."""

from __future__ import annotations

from typing import Any

from harness.plugin.replay import FromMemory, key_of


class _Block:
    """A transaction that begins nothing: in autocommit, what is asked in it stands."""

    async def start(self) -> None:
        """Nothing to begin."""

    async def commit(self) -> None:
        """Nothing to commit."""

    async def rollback(self) -> None:
        """Nothing to roll back."""

    async def __aenter__(self) -> _Block:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass


class _Asked(FromMemory):
    """Methods of asyncpg that a connection and a prepared statement share."""

    async def _answered(self, how: str, *args: Any, **more: Any) -> Any:
        key = key_of(how, "", args)
        if key not in self._tape:
            self._tape[key] = await getattr(self._real, how)(*args, **more)
        return self._tape[key]

    async def fetch(self, *args: Any, **more: Any) -> Any:
        """All rows, in a new list."""
        return list(await self._answered("fetch", *args, **more))

    async def fetchrow(self, *args: Any, **more: Any) -> Any:
        """The first row."""
        return await self._answered("fetchrow", *args, **more)

    async def fetchval(self, *args: Any, **more: Any) -> Any:
        """A value of the first row."""
        return await self._answered("fetchval", *args, **more)


class AsyncpgStatement(_Asked):
    """A prepared statement of asyncpg."""

    async def executemany(self, rows: Any, **more: Any) -> Any:
        """Told apart by the number of rows."""
        rows = list(rows)
        key = ("executemany", len(rows))
        if key not in self._tape:
            self._tape[key] = await self._real.executemany(rows, **more)
        return self._tape[key]


class AsyncpgConnection(_Asked):
    """A connection of asyncpg."""

    async def execute(self, *args: Any, **more: Any) -> Any:
        """The status that the server told."""
        return await self._answered("execute", *args, **more)

    async def executemany(self, statement: str, rows: Any, **more: Any) -> Any:
        """Told apart by the number of rows."""
        rows = list(rows)
        key = ("executemany", statement, len(rows))
        if key not in self._tape:
            self._tape[key] = await self._real.executemany(statement, rows, **more)
        return self._tape[key]

    async def prepare(self, statement: str, **more: Any) -> AsyncpgStatement:
        """A prepared statement that answers from memory."""
        key = ("prepare", statement)
        if key not in self._tape:
            self._tape[key] = AsyncpgStatement(await self._real.prepare(statement, **more))
        prepared: AsyncpgStatement = self._tape[key]
        return prepared

    def transaction(self, **how: Any) -> _Block:
        """A block that begins nothing."""
        del how
        return _Block()


class PsqlpyResult(FromMemory):
    """A result of psqlpy: its rows are decoded once."""

    def result(self, *args: Any, **more: Any) -> Any:
        """All rows, in a new list."""
        if "result" not in self._tape:
            self._tape["result"] = self._real.result(*args, **more)
        found = self._tape["result"]
        return list(found) if isinstance(found, list) else found


class PsqlpyConnection(FromMemory):
    """A connection of psqlpy."""

    async def _answered(self, how: str, statement: str, params: Any, more: Any) -> Any:
        key = key_of(how, statement, params)
        if key not in self._tape:
            arguments = (statement,) if params is None else (statement, params)
            told = await getattr(self._real, how)(*arguments, **more)
            self._tape[key] = PsqlpyResult(told) if hasattr(told, "result") else told
        return self._tape[key]

    async def execute(self, querystring: str, parameters: Any = None, **more: Any) -> Any:
        """A result."""
        return await self._answered("execute", querystring, parameters, more)

    async def fetch(self, querystring: str, parameters: Any = None, **more: Any) -> Any:
        """A result of rows."""
        return await self._answered("fetch", querystring, parameters, more)

    async def fetch_row(self, querystring: str, parameters: Any = None, **more: Any) -> Any:
        """A result of one row."""
        return await self._answered("fetch_row", querystring, parameters, more)

    async def fetch_val(self, querystring: str, parameters: Any = None, **more: Any) -> Any:
        """A value."""
        return await self._answered("fetch_val", querystring, parameters, more)

    async def execute_many(self, querystring: str, parameters: Any, **more: Any) -> Any:
        """Told apart by the number of rows."""
        key = ("execute_many", querystring, len(parameters))
        if key not in self._tape:
            self._tape[key] = await self._real.execute_many(querystring, parameters, **more)
        return self._tape[key]
