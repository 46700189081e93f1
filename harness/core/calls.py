"""What a driver is asked, where, and under which terms it does its work."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harness.core.enums import StrEnum

if TYPE_CHECKING:
    from typing import Self  # CPython 3.10 has none

Answer = Literal["nothing", "value", "row", "rows", "arrow", "results", "stream"]
"""What the user of an op gets: `arrow` is an Arrow table, `results` are those of several
statements, a list."""


class Op(StrEnum):
    """The closed vocabulary of what a driver can be asked; a method has its name.

    All that is to say of an op stands in its line: its name, the keys that a case of it
    must have, and what it answers.
    """

    needs: tuple[str, ...]
    answer: Answer

    def __new__(cls, name: str, needs: str = "", answer: Answer = "nothing") -> Self:  # noqa: D102
        op = str.__new__(cls, name)
        op._value_ = name
        op.needs = tuple(needs.split())
        op.answer = answer
        return op

    CONNECT = "connect", "", "nothing"
    CONNECT_QUERY = "connect_query", "sql", "value"
    CHECKOUT = "checkout", "pool", "nothing"
    EXECUTE = "execute", "sql", "nothing"
    FETCH_ALL = "fetch_all", "sql", "rows"
    FETCH_ONE = "fetch_one", "sql", "row"
    FETCH_VAL = "fetch_val", "sql", "value"
    FETCH_ARROW = "fetch_arrow", "sql", "arrow"
    EXECUTE_MANY = "execute_many", "sql rows", "nothing"
    BATCH_HELPER = "batch_helper", "sql rows table columns", "nothing"
    SEQUENTIAL = "sequential", "statements", "results"
    PIPELINE = "pipeline", "statements", "results"
    TRANSACTION = "transaction", "statements", "results"
    SAVEPOINT = "savepoint", "statements", "results"
    COPY_IN = "copy_in", "table columns rows", "nothing"
    COPY_OUT = "copy_out", "sql", "stream"
    STEPS = "steps", "steps", "nothing"
    MIX = "mix", "mix", "nothing"

    @property
    def reads(self) -> bool:
        """Whether its answer is that of one statement, which can be compared."""
        return self.answer not in ("nothing", "results")


ADK: Mapping[str, tuple[str, ...]] = {
    "create_session": ("app_name", "user_id", "state"),
    "append_event": (
        "app_name", "user_id", "session_id", "invocation_id", "author", "timestamp",
        "content", "custom_metadata", "state_delta",
    ),
    "get_session": ("app_name", "user_id", "session_id"),
    "list_sessions": ("app_name", "user_id"),
    "update_session_state": ("app_name", "user_id", "session_id", "state"),
    "delete_session": ("app_name", "user_id", "session_id"),
    "whole_life": (
        "app_name", "user_id", "session_id", "event_id", "author", "state", "timestamp",
        "content",
    ),
}  # fmt: skip
"""What a session service of google-adk can be asked, and the arguments that it needs.

The names are those of its methods, and of its store's; `get_session` may have the
arguments `num_recent_events` and `after_timestamp` besides.
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement with `$n` placeholders and one call's parameters."""

    sql: str
    params: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """What a plug-in binds an op to: everything it needs, as Python objects.

    `sql` has `$n` placeholders. `params` holds one tuple per call; calls cycle
    through it, starting at `offset`. `statements` is the list of a pipeline, a
    transaction or a sequence. `rows` are the rows of an `execute_many` or a COPY,
    `data` the encoded COPY stream when the source is bytes, `types` the
    `pg_type.typname` of each column. `adk` is what a session service of google-adk is
    asked in place of the op; `names` are the arguments that `params` has for it.
    """

    op: Op
    sql: str = ""
    params: tuple[tuple[Any, ...], ...] = ()
    statements: tuple[Statement, ...] = ()
    table: str = ""
    columns: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    data: bytes = b""
    format: Literal["text", "csv", "binary"] = "text"
    offset: int = 0
    adk: str = ""
    names: tuple[str, ...] = ()

    def cycle(self) -> Iterator[tuple[Any, ...]]:
        """The endless sequence of parameters: the same for every driver."""
        start = self.offset % len(self.params) if self.params else 0
        return itertools.cycle(self.params[start:] + self.params[:start])


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, and with which session settings (sent as startup options).

    `tls` is the file of the authority that signed the server's certificate: a driver
    then connects with TLS and verifies it. Without one it is left to the library.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    dbname: str
    settings: tuple[tuple[str, str], ...] = ()
    application_name: str = "pgdyno"
    tls: str = ""

    @property
    def options(self) -> str:
        """The settings in libpq's form: `-c name=value`, with spaces escaped."""
        return libpq_options(self.settings)

    @property
    def libpq_tls(self) -> dict[str, str]:
        """How libpq is told to insist on TLS and to verify the server; nothing without."""
        return {"sslmode": "verify-full", "sslrootcert": self.tls} if self.tls else {}

    @property
    def tls_uri(self) -> dict[str, str]:
        """The same as a URI that says nothing else, for asyncpg: the argument `dsn`."""
        from urllib.parse import urlencode

        return {"dsn": f"postgresql://?{urlencode(self.libpq_tls)}"} if self.tls else {}


def libpq_options(settings: Iterable[tuple[str, str]]) -> str:
    """Settings as libpq's `options`: `-c name=value`, with blanks escaped."""
    escaped = {name: re.sub(r"([\\ ])", r"\\\1", value) for name, value in settings}
    return " ".join(f"-c {name}={value}" for name, value in escaped.items())


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a driver does its work; shown beside every number.

    Most are free text. `commits` and `binds` are compared with what the server sees before
    a driver is timed: who commits an op, the driver by itself or its user, and who binds
    the parameters, the server or the client, which puts them into the SQL. A wrapper that
    sends other SQL than it was given says in `rewrites` what it does to it.
    """

    library: str
    version: str
    implementation: str
    libpq: str
    wire_results: str
    wire_parameters: str
    row_shape: str
    placeholders: str
    statement_cache: str
    autocommit: str
    pool: str
    loop: str
    commits: Literal["driver", "user"] = "driver"
    binds: Literal["server", "client"] = "server"
    rewrites: str = ""


@dataclass(frozen=True, slots=True)
class ErrorFields:
    """What an exception of a driver tells, as far as the library exposes it.

    `on` is where a wrapper's exception has it, as its user would write that: `__cause__`,
    `orig.__cause__`; empty if it stands on the exception itself.
    """

    sqlstate: str = ""
    message: str = ""
    constraint: str = ""
    table: str = ""
    column: str = ""
    on: str = ""
