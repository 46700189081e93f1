"""What both APIs of pyro-postgres share: how to connect, parameters, rows, wrappers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any
from urllib.parse import quote, urlencode

from harness.plugin import Call, Target, Unsupported, Wrapper, sql, wrapped

WRAPPERS = {
    "json": Wrapper("pyro_postgres:Json"),
    "jsonb": Wrapper("pyro_postgres:Jsonb"),
}


def connect_arguments(target: Target) -> dict[str, Any]:
    """What `Opts` is made of. Settings travel as the parameters of its URL.

    Raises:
        Unsupported: TLS is asked for, with a certificate that must be verified.
    """
    if target.tls:
        raise Unsupported(
            "pyro-postgres cannot verify the certificate of a server: its ssl_mode is"
            " disable, prefer or require"
        )
    parameters = {"application_name": target.application_name, **dict(target.settings)}
    return {
        "url": f"postgres://localhost/?{urlencode(parameters, quote_via=quote)}",
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "password": target.password,
        "dbname": target.dbname,
    }


def params_of(call: Call) -> Iterator[Any]:
    """Each call's parameters; a statement without any gets `()` each time."""
    return call.cycle() if any(call.params) else repeat(())


def steps_of(call: Call) -> list[tuple[str, tuple[Any, ...], bool]]:
    """Statement, parameters, and whether it returns rows: pyro says `[]` either way."""
    return [
        (statement.sql, statement.params, sql.returns_rows(statement.sql))
        for statement in call.statements
    ]


class PyroRows:
    """What sessions of both APIs have."""

    def rows(self, native: Any) -> Sequence[tuple[Any, ...]]:
        """The rows are tuples already; `None` is a row that was not there."""
        return [row for row in native if row is not None]

    def wrapper(self, kind: str, value: Any) -> Any:
        """`Json` or `Jsonb`."""
        return wrapped("pyro-postgres", WRAPPERS, kind, value)
