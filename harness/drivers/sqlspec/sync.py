# Made from asynchronous.py by tools/psycopg_sync.py: change that, not this.
"""Sessions and pools of SQLSpec's sync configurations."""

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
    Call,
    Profile,
    SyncOp,
    Target,
    Unsupported,
    Wrapper,
    sql,
    unregistered_vector,
)


class SqlspecSession(SqlspecRows):
    """A session over a connection of its own; `connection` is the session."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def close(self) -> None:
        """Close the driver's connection."""
        self.connection.connection.close()

    def execute(self, call: Call) -> SyncOp:
        """`session.execute`."""
        execute, query, params = self.connection.execute, call.sql, params_of(call)

        def op() -> Any:
            return execute(query, *next(params))

        return op

    def fetch_all(self, call: Call) -> SyncOp:
        """`session.select`: a list of dicts."""
        select, query, params = self.connection.select, call.sql, params_of(call)

        def op() -> Any:
            return select(query, *next(params))

        return op

    def fetch_one(self, call: Call) -> SyncOp:
        """`session.select_one_or_none`, which refuses a second row."""
        select_one, query = self.connection.select_one_or_none, call.sql
        params = params_of(call)

        def op() -> Any:
            return select_one(query, *next(params))

        return op

    def fetch_val(self, call: Call) -> SyncOp:
        """`session.select_value`, which refuses no row, and a second one."""
        select_value, query = self.connection.select_value, call.sql
        params = params_of(call)

        def op() -> Any:
            return select_value(query, *next(params))

        return op

    def execute_many(self, call: Call) -> SyncOp:
        """`session.execute_many`."""
        execute_many, query, rows = self.connection.execute_many, call.sql, list(call.rows)

        def op() -> None:
            execute_many(query, rows)

        return op

    def sequential(self, call: Call) -> SyncOp:
        """One statement after another, by `session.execute`, then `result.all`."""
        execute, steps = self.connection.execute, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            for query, params, returns_rows in steps:
                result = execute(query, *params)
                results.append(result.all() if returns_rows else None)
            return results

        return op

    def transaction(self, call: Call) -> SyncOp:
        """`with session.transaction()`."""
        execute, steps = self.connection.execute, steps_of(call)
        transaction = offered(self.connection, "transaction")

        def op() -> list[Any]:
            results: list[Any] = []
            with transaction():
                for query, params, returns_rows in steps:
                    result = execute(query, *params)
                    results.append(result.all() if returns_rows else None)
            return results

        return op

    def savepoint(self, call: Call) -> SyncOp:
        """Two nested `transaction()` blocks; the inner one is a savepoint."""
        execute, steps = self.connection.execute, steps_of(call)
        transaction = offered(self.connection, "transaction")

        def op() -> list[Any]:
            results: list[Any] = []
            with transaction(), transaction():
                for query, params, returns_rows in steps:
                    result = execute(query, *params)
                    results.append(result.all() if returns_rows else None)
            return results

        return op


class SqlspecStackSession(SqlspecSession):
    """A session whose stacks are sent in libpq's pipeline mode: psycopg's."""

    def pipeline(self, call: Call) -> SyncOp:
        """`session.execute_stack`, which puts a transaction around the stack."""
        execute_stack = offered(self.connection, "execute_stack")
        stack, steps = stack_of(call), steps_of(call)
        returns_rows = [returns for _, _, returns in steps]

        def op() -> list[Any]:
            results = execute_stack(stack)
            return [
                result.get_result().all() if returns else None
                for result, returns in zip(results, returns_rows, strict=True)
            ]

        return op

    def copy_in(self, call: Call) -> SyncOp:
        """`load_from_records` for rows; for bytes the cursor of `with_cursor`."""
        if call.data:
            return self._copy_bytes(call)
        if call.format != "text":
            raise Unsupported(
                f"SQLSpec encodes rows for text COPY on psycopg, not for {call.format}"
            )
        load = offered(self.connection, "load_from_records")
        table, records, columns = records_of(call)

        def op() -> None:
            load(table, records, columns=columns)

        return op

    def _copy_bytes(self, call: Call) -> SyncOp:
        connection, data = self.connection, call.data
        query = sql.copy_in_statement(call.table, call.columns, call.format)

        def op() -> None:
            with (
                connection.with_cursor(connection.connection) as cursor,
                cursor.copy(query) as copy,
            ):
                copy.write(data)

        return op

    def copy_out(self, call: Call) -> SyncOp:
        """The cursor of `with_cursor`, as SQLSpec's documentation exports."""
        connection = self.connection
        query = sql.copy_out_statement(call.sql, call.format)

        def op() -> bytes:
            with (
                connection.with_cursor(connection.connection) as cursor,
                cursor.copy(query) as copy,
            ):
                return b"".join([bytes(data) for data in copy])

        return op


class SqlspecPool(SqlspecRows):
    """A configuration with its pool: each op has a session of it, by `provide_session`."""

    def __init__(self, config: Any) -> None:
        self._config = config

    def close(self) -> None:
        """`config.close_pool`."""
        self._config.close_pool()

    def checkout(self, call: Call) -> SyncOp:
        """`with config.provide_session()`."""
        config = self._config

        def op() -> None:
            with config.provide_session():
                pass

        return op

    def execute(self, call: Call) -> SyncOp:
        """`session.execute`."""
        config, query, params = self._config, call.sql, params_of(call)

        def op() -> Any:
            with config.provide_session() as session:
                return session.execute(query, *next(params))

        return op

    def fetch_all(self, call: Call) -> SyncOp:
        """`session.select`."""
        config, query, params = self._config, call.sql, params_of(call)

        def op() -> Any:
            with config.provide_session() as session:
                return session.select(query, *next(params))

        return op

    def fetch_one(self, call: Call) -> SyncOp:
        """`session.select_one_or_none`."""
        config, query, params = self._config, call.sql, params_of(call)

        def op() -> Any:
            with config.provide_session() as session:
                return session.select_one_or_none(query, *next(params))

        return op

    def fetch_val(self, call: Call) -> SyncOp:
        """`session.select_value`."""
        config, query, params = self._config, call.sql, params_of(call)

        def op() -> Any:
            with config.provide_session() as session:
                return session.select_value(query, *next(params))

        return op

    def sequential(self, call: Call) -> SyncOp:
        """`provide_session` around one statement after another."""
        config, steps = self._config, steps_of(call)

        def op() -> list[Any]:
            results: list[Any] = []
            with config.provide_session() as session:
                for query, params, returns_rows in steps:
                    result = session.execute(query, *params)
                    results.append(result.all() if returns_rows else None)
            return results

        return op

    def transaction(self, call: Call) -> SyncOp:
        """`provide_session` around `session.transaction`."""
        config, steps = self._config, steps_of(call)
        offered(config.driver_type, "transaction")

        def op() -> list[Any]:
            results: list[Any] = []
            with config.provide_session() as session, session.transaction():
                for query, params, returns_rows in steps:
                    result = session.execute(query, *params)
                    results.append(result.all() if returns_rows else None)
            return results

        return op


class SqlspecOpening:
    """How the driver of an sync configuration opens what it works with.

    A driver names its configuration's `_package` and `_config_name`; `_arguments` and
    `_pool_arguments` are what that configuration calls host, user and sizes.
    """

    _package: str
    _config_name: str
    _session: type[SqlspecSession] = SqlspecSession
    _features: Mapping[str, Any] = {}
    wrappers: Mapping[str, Wrapper] = {}

    def _arguments(self, target: Target) -> dict[str, Any]:
        raise NotImplementedError

    def _pool_arguments(self, size: int) -> dict[str, Any]:
        return {"min_size": size, "max_size": size}

    def opening(self, target: Target) -> SyncOp:
        """`config.create_connection`, and a session over it."""
        config_of = config_class(self._package, self._config_name)
        arguments = self._config_arguments(target)

        def op() -> Any:
            config = config_of(**arguments)
            connection = config.create_connection()
            return config.driver_type(
                connection=connection,
                statement_config=config.statement_config,
                driver_features=config.driver_features,
            )

        return op

    def open(self, target: Target, profile: Profile) -> SqlspecSession:
        """Connect; SQLSpec registers all that it knows by itself."""
        session = self._session(self.opening(target)())
        session.wrappers = self.wrappers
        if profile == "configured":
            session.unregistered = self._unregistered(session.connection)
        return session

    def _unregistered(self, connection: Any) -> Mapping[str, str]:
        (found,) = connection.select(FIND_VECTOR)
        return unregistered_vector(*found.values())

    def open_pool(self, target: Target, profile: Profile, size: int) -> SqlspecPool:
        """A configuration whose pool is full."""
        tried = self.open(target, profile)  # a pool would retry for ever
        tried.close()
        config = self._config(target, size)
        self._fill(config.create_pool(), size)
        opened = SqlspecPool(config)
        opened.wrappers, opened.unregistered = tried.wrappers, tried.unregistered
        return opened

    def _fill(self, pool: Any, size: int) -> None:
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

    def connect(self, target: Target, profile: Profile) -> SyncOp:
        """`config.create_connection`, and close it."""
        create_connection = self._config(target).create_connection

        def op() -> None:
            create_connection().close()

        return op

    def connect_query(self, target: Target, profile: Profile, sql: str) -> SyncOp:
        """Connect, fetch one value by a session, close."""
        config = self._config(target)

        def op() -> Any:
            connection = config.create_connection()
            try:
                session = config.driver_type(connection=connection)
                return session.select_value(sql)
            finally:
                connection.close()

        return op
