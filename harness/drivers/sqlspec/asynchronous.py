"""Sessions and pools of SQLSpec's async configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.drivers.sqlspec.shared import (
    SqlspecRows,
    config_class,
    offered,
    params_of,
    records_of,
    stack_of,
    steps_of,
)
from harness.plugin import (
    FIND_VECTOR,
    AsyncOp,
    Call,
    Profile,
    Target,
    Unsupported,
    Wrapper,
    sql,
    unregistered_vector,
)


class SqlspecAsyncSession(SqlspecRows):
    """A session over a connection of its own; `connection` is the session."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def close(self) -> None:
        """Close the driver's connection."""
        await self.connection.connection.close()

    def execute(self, call: Call) -> AsyncOp:
        """`session.execute`."""
        execute, query, params = self.connection.execute, call.sql, params_of(call)

        async def op() -> Any:
            return await execute(query, *next(params))

        return op

    def fetch_all(self, call: Call) -> AsyncOp:
        """`session.select`: a list of dicts."""
        select, query, params = self.connection.select, call.sql, params_of(call)

        async def op() -> Any:
            return await select(query, *next(params))

        return op

    def fetch_one(self, call: Call) -> AsyncOp:
        """`session.select_one_or_none`, which refuses a second row."""
        select_one, query = self.connection.select_one_or_none, call.sql
        params = params_of(call)

        async def op() -> Any:
            return await select_one(query, *next(params))

        return op

    def fetch_val(self, call: Call) -> AsyncOp:
        """`session.select_value`, which refuses no row, and a second one."""
        select_value, query = self.connection.select_value, call.sql
        params = params_of(call)

        async def op() -> Any:
            return await select_value(query, *next(params))

        return op

    def execute_many(self, call: Call) -> AsyncOp:
        """`session.execute_many`."""
        execute_many, query, rows = self.connection.execute_many, call.sql, list(call.rows)

        async def op() -> None:
            await execute_many(query, rows)

        return op

    def sequential(self, call: Call) -> AsyncOp:
        """One statement after another, by `session.execute`, then `result.all`."""
        execute, steps = self.connection.execute, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            for query, params, returns_rows in steps:
                result = await execute(query, *params)
                results.append(result.all() if returns_rows else None)
            return results

        return op

    def transaction(self, call: Call) -> AsyncOp:
        """`async with session.transaction()`."""
        execute, steps = self.connection.execute, steps_of(call)
        transaction = offered(self.connection, "transaction")

        async def op() -> list[Any]:
            results: list[Any] = []
            async with transaction():
                for query, params, returns_rows in steps:
                    result = await execute(query, *params)
                    results.append(result.all() if returns_rows else None)
            return results

        return op

    def savepoint(self, call: Call) -> AsyncOp:
        """Two nested `transaction()` blocks; the inner one is a savepoint."""
        execute, steps = self.connection.execute, steps_of(call)
        transaction = offered(self.connection, "transaction")

        async def op() -> list[Any]:
            results: list[Any] = []
            async with transaction(), transaction():
                for query, params, returns_rows in steps:
                    result = await execute(query, *params)
                    results.append(result.all() if returns_rows else None)
            return results

        return op


class SqlspecAsyncStackSession(SqlspecAsyncSession):
    """A session whose stacks are sent in libpq's pipeline mode: psycopg's."""

    def pipeline(self, call: Call) -> AsyncOp:
        """`session.execute_stack`, which puts a transaction around the stack."""
        execute_stack = offered(self.connection, "execute_stack")
        stack, steps = stack_of(call), steps_of(call)
        returns_rows = [returns for _, _, returns in steps]

        async def op() -> list[Any]:
            results = await execute_stack(stack)
            return [
                result.get_result().all() if returns else None
                for result, returns in zip(results, returns_rows, strict=True)
            ]

        return op

    def copy_in(self, call: Call) -> AsyncOp:
        """`load_from_records` for rows; for bytes the cursor of `with_cursor`."""
        if call.data:
            return self._copy_bytes(call)
        if call.format != "text":
            raise Unsupported(
                f"SQLSpec encodes rows for text COPY on psycopg, not for {call.format}"
            )
        load = offered(self.connection, "load_from_records")
        table, records, columns = records_of(call)

        async def op() -> None:
            await load(table, records, columns=columns)

        return op

    def _copy_bytes(self, call: Call) -> AsyncOp:
        connection, data = self.connection, call.data
        query = sql.copy_in_statement(call.table, call.columns, call.format)

        async def op() -> None:
            async with (
                connection.with_cursor(connection.connection) as cursor,
                cursor.copy(query) as copy,
            ):
                await copy.write(data)

        return op

    def copy_out(self, call: Call) -> AsyncOp:
        """The cursor of `with_cursor`, as SQLSpec's documentation exports."""
        connection = self.connection
        query = sql.copy_out_statement(call.sql, call.format)

        async def op() -> bytes:
            async with (
                connection.with_cursor(connection.connection) as cursor,
                cursor.copy(query) as copy,
            ):
                return b"".join([bytes(data) async for data in copy])

        return op


# async only
class SqlspecRecordSession(SqlspecAsyncSession):
    """A session that loads records by binary COPY: asyncpg's and psqlpy's."""

    def copy_in(self, call: Call) -> AsyncOp:
        """`session.load_from_records`."""
        if call.format != "binary":
            raise Unsupported(f"SQLSpec loads by binary COPY here, not by {call.format}")
        load = offered(self.connection, "load_from_records")
        table, records, columns = records_of(call)

        async def op() -> None:
            await load(table, records, columns=columns)

        return op


class SqlspecAsyncPool(SqlspecRows):
    """A configuration with its pool: each op has a session of it, by `provide_session`."""

    def __init__(self, config: Any) -> None:
        self._config = config

    async def close(self) -> None:
        """`config.close_pool`."""
        await self._config.close_pool()

    def checkout(self, call: Call) -> AsyncOp:
        """`async with config.provide_session()`."""
        config = self._config

        async def op() -> None:
            async with config.provide_session():
                pass

        return op

    def execute(self, call: Call) -> AsyncOp:
        """`session.execute`."""
        config, query, params = self._config, call.sql, params_of(call)

        async def op() -> Any:
            async with config.provide_session() as session:
                return await session.execute(query, *next(params))

        return op

    def fetch_all(self, call: Call) -> AsyncOp:
        """`session.select`."""
        config, query, params = self._config, call.sql, params_of(call)

        async def op() -> Any:
            async with config.provide_session() as session:
                return await session.select(query, *next(params))

        return op

    def fetch_one(self, call: Call) -> AsyncOp:
        """`session.select_one_or_none`."""
        config, query, params = self._config, call.sql, params_of(call)

        async def op() -> Any:
            async with config.provide_session() as session:
                return await session.select_one_or_none(query, *next(params))

        return op

    def fetch_val(self, call: Call) -> AsyncOp:
        """`session.select_value`."""
        config, query, params = self._config, call.sql, params_of(call)

        async def op() -> Any:
            async with config.provide_session() as session:
                return await session.select_value(query, *next(params))

        return op

    def sequential(self, call: Call) -> AsyncOp:
        """`provide_session` around one statement after another."""
        config, steps = self._config, steps_of(call)

        async def op() -> list[Any]:
            results: list[Any] = []
            async with config.provide_session() as session:
                for query, params, returns_rows in steps:
                    result = await session.execute(query, *params)
                    results.append(result.all() if returns_rows else None)
            return results

        return op

    def transaction(self, call: Call) -> AsyncOp:
        """`provide_session` around `session.transaction`."""
        config, steps = self._config, steps_of(call)
        offered(config.driver_type, "transaction")

        async def op() -> list[Any]:
            results: list[Any] = []
            async with config.provide_session() as session, session.transaction():
                for query, params, returns_rows in steps:
                    result = await session.execute(query, *params)
                    results.append(result.all() if returns_rows else None)
            return results

        return op


class SqlspecAsyncOpening:
    """How the driver of an async configuration opens what it works with.

    A driver names its configuration's `_package` and `_config_name`; `_arguments` and
    `_pool_arguments` are what that configuration calls host, user and sizes.
    """

    _package: str
    _config_name: str
    _session: type[SqlspecAsyncSession] = SqlspecAsyncSession
    _features: Mapping[str, Any] = {}
    wrappers: Mapping[str, Wrapper] = {}

    def _arguments(self, target: Target) -> dict[str, Any]:
        raise NotImplementedError

    def _pool_arguments(self, size: int) -> dict[str, Any]:
        return {"min_size": size, "max_size": size}

    def opening(self, target: Target) -> AsyncOp:
        """`config.create_connection`, and a session over it."""
        config_of = config_class(self._package, self._config_name)
        arguments = self._config_arguments(target)

        async def op() -> Any:
            config = config_of(**arguments)
            connection = await config.create_connection()
            return config.driver_type(
                connection=connection,
                statement_config=config.statement_config,
                driver_features=config.driver_features,
            )

        return op

    async def open(self, target: Target, profile: Profile) -> SqlspecAsyncSession:
        """Connect; SQLSpec registers all that it knows by itself."""
        session = self._session(await self.opening(target)())
        session.wrappers = self.wrappers
        if profile == "configured":
            session.unregistered = await self._unregistered(session.connection)
        return session

    async def _unregistered(self, connection: Any) -> Mapping[str, str]:
        (found,) = await connection.select(FIND_VECTOR)
        return unregistered_vector(*found.values())

    async def open_pool(
        self, target: Target, profile: Profile, size: int
    ) -> SqlspecAsyncPool:
        """A configuration whose pool is full."""
        tried = await self.open(target, profile)  # a pool would retry for ever
        await tried.close()
        config = self._config(target, size)
        await self._fill(await config.create_pool(), size)
        opened = SqlspecAsyncPool(config)
        opened.wrappers, opened.unregistered = tried.wrappers, tried.unregistered
        return opened

    async def _fill(self, pool: Any, size: int) -> None:
        """Wait until all connections of a pool are open."""

    def _config(self, target: Target, size: int = 0) -> Any:
        config_of = config_class(self._package, self._config_name)
        return config_of(**self._config_arguments(target, size))

    def _config_arguments(self, target: Target, size: int = 0) -> dict[str, Any]:
        sizes = self._pool_arguments(size) if size else {}
        arguments = {"connection_config": self._arguments(target) | sizes}
        if self._features:
            arguments["driver_features"] = dict(self._features)
        return arguments

    def connect(self, target: Target, profile: Profile) -> AsyncOp:
        """`config.create_connection`, and close it."""
        create_connection = self._config(target).create_connection

        async def op() -> None:
            await (await create_connection()).close()

        return op

    def connect_query(self, target: Target, profile: Profile, sql: str) -> AsyncOp:
        """Connect, fetch one value by a session, close."""
        config = self._config(target)

        async def op() -> Any:
            connection = await config.create_connection()
            try:
                session = config.driver_type(connection=connection)
                return await session.select_value(sql)
            finally:
                await connection.close()

        return op
