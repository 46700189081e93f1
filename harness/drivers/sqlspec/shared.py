"""What the sessions of all adapters share: all of it while binding.

SQLSpec takes `$n` with every adapter, so nothing is translated here. Parameters are handed
over as one tuple: a list or a dict that is the only parameter would be unpacked.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

import sqlspec

from harness.plugin import Call, DriverError, Unsupported, Wrapper, sql, wrapped

CONFIG_ARGUMENTS = ("connection_config", "driver_features")
CONFIG_NEEDS = ("driver_type", "create_connection", "create_pool", "provide_session")
SESSION_NEEDS = (
    "execute",
    "execute_many",
    "execute_script",
    "select",
    "select_one_or_none",
    "select_value",
)


def config_class(package: str, name: str) -> Any:
    """The configuration of an adapter, if it still has what every op needs.

    Raises:
        DriverError: SQLSpec has moved something; the message names all of it.
    """
    module = importlib.import_module(f"sqlspec.adapters.{package}")
    config = getattr(module, name, None)
    lacking = [f"{module.__name__}.{name}"] if config is None else _lacking(name, config)
    if lacking:
        raise DriverError(
            f"sqlspec {sqlspec.__version__} has no {', no '.join(lacking)}",
            hint="pgdyno is written for sqlspec 0.69: another version may have moved it",
        )
    return config


def _lacking(name: str, config: Any) -> list[str]:
    known = inspect.signature(config).parameters
    missing = [f"{name}({need}=…)" for need in CONFIG_ARGUMENTS if need not in known]
    missing += [f"{name}.{need}" for need in CONFIG_NEEDS if not hasattr(config, need)]
    session = getattr(config, "driver_type", None)
    if session is None:
        return missing
    return missing + [
        f"{session.__name__}.{need}" for need in SESSION_NEEDS if not hasattr(session, need)
    ]


def offered(session: Any, name: str) -> Callable[..., Any]:
    """A method that not every version has; raises `Unsupported` without it."""
    method: Callable[..., Any] | None = getattr(session, name, None)
    if method is None:
        raise Unsupported(f"the sessions of sqlspec {sqlspec.__version__} have no {name}")
    return method


def params_of(call: Call) -> Iterator[tuple[Any, ...]]:
    """What follows the statement in each call: its parameters as one tuple, or nothing."""
    return zip(call.cycle()) if any(call.params) else repeat(())


def steps_of(call: Call) -> list[tuple[str, tuple[Any, ...], bool]]:
    """Statement, what follows it in a call, and whether it returns rows."""
    return [
        (
            statement.sql,
            (statement.params,) if statement.params else (),
            sql.returns_rows(statement.sql),
        )
        for statement in call.statements
    ]


def stack_of(call: Call) -> Any:
    """The statements as a `StatementStack`, which is made once and never changes."""
    from sqlspec import StatementStack

    stack = StatementStack()
    for query, params, _ in steps_of(call):
        stack = stack.push_execute(query, *params)
    return stack


def records_of(call: Call) -> tuple[str, list[tuple[Any, ...]], list[str]]:
    """Table, records and columns of `load_from_records`; raises `Unsupported`."""
    if call.data:
        raise Unsupported("SQLSpec loads records and Arrow, not bytes that are encoded")
    return call.table, list(call.rows), list(call.columns)


class SqlspecRows:
    """What sessions and pools have in common, sync or async.

    `unregistered` has types that the profile should have registered, and why it did not;
    `wrappers` are those of the driver below, which SQLSpec hands through.
    """

    unregistered: Mapping[str, str] = {}
    wrappers: Mapping[str, Wrapper] = {}

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """The values of the dicts; `None` is a row that was not there."""
        return [tuple(row.values()) for row in native if row is not None]

    def wrapper(self, kind: str, value: Any) -> Any:
        """A wrapper type of the driver below, or of pgvector."""
        return wrapped("sqlspec", self.wrappers, kind, value)
