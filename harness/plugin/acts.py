"""What one step of a case can ask of a library: a closed vocabulary.

An act is a plain function over the library's own objects, named and shaped like a
method of `Acts`; that of an async driver is a coroutine function. It contains what the
library's documentation tells its user to write, uses nothing of pgdyno's, and lets
every exception pass, so that a reproduction can print it. A driver names the module
of its acts (`acts = "…"`): a file, a package, or several of them. A function that is
there is the claim that the library can do it; one that is not makes a case
`unsupported`. What only some arguments cannot say is a `NotImplementedError` whose text
says what is missing. An act reports what the library gives as it is, and keeps nothing
that the library does not.

Standard library only, because workers import this.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

Rows = list[tuple[Any, ...]]
Info = dict[str, Any]


OWN: Mapping[str, tuple[str, ...]] = {
    "wait": ("seconds",), "cancel_task": (), "logged": (),
}  # fmt: skip
"""What a step can ask of the harness itself, and the arguments that it needs."""

CLOSERS: Mapping[str, str] = {
    "connect": "close",
    "listener": "close",
    "pool_acquire": "close",
    "pool_open": "pool_close",
}
"""What opens something, and what closes it if a case does not."""


class Acts(Protocol):
    """The vocabulary. Docstrings continue "the library can …"; `dsn` is a URI.

    Nothing is inherited from this class: it is read by people, by the loader of
    scenarios and by the verification of plug-ins.
    """

    # --- connections --------------------------------------------------------------------

    def connect(self, dsn: str, *, autocommit: bool | None = True, **options: Any) -> Any:
        """Open a connection; `autocommit` None leaves the library's own default.

        Options, by their names in libpq: connect_timeout (s), sslmode, sslrootcert,
        sslcert, sslkey, target_session_attrs, load_balance_hosts, keepalives (0/1),
        keepalives_idle (s), tcp_user_timeout (ms), client_encoding. Those that the
        library takes from the URI itself are put there.
        """

    def close(self, connection: Any) -> None:
        """Close a connection."""

    def close_timeout(self, connection: Any, seconds: float) -> None:
        """Close a connection by a call that gives up after a time."""

    def closed(self, connection: Any) -> bool:
        """Tell whether a connection is closed, as far as the library knows."""

    def info(self, connection: Any) -> Info:
        """Tell about a connection by an API of its own, as far as there is one.

        Keys: server_version (int as libpq writes it: 180004), backend_pid, dbname, user,
        host, port, protocol_version, ssl (bool), and parameters (dict of ParameterStatus).
        """

    def encrypt_password(
        self, connection: Any, password: str, user: str, algorithm: str
    ) -> str:
        """Hash a password on the client; algorithm is scram-sha-256 or md5."""

    def set_client_encoding(self, connection: Any, encoding: str) -> None:
        """Change the encoding of the client by a call."""

    # --- statements ---------------------------------------------------------------------

    def execute(self, connection: Any, sql: str) -> None:
        """Execute one statement without parameters."""

    def fetch(self, connection: Any, sql: str) -> Rows:
        """Fetch the rows of a statement without parameters."""

    def fetch_val(self, connection: Any, sql: str) -> Any:
        """Fetch the first column of the first row, None without a row."""

    def fetch_times(self, connection: Any, sql: str, times: int) -> Rows:
        """Fetch a statement several times in a row; the rows of the last."""

    def row_count(self, connection: Any, sql: str) -> int:
        """Tell how many rows a statement touched, without asking the server."""

    def execute_script(self, connection: Any, sql: str) -> None:
        """Execute several statements in one string."""

    def execute_timeout(self, connection: Any, sql: str, seconds: float) -> None:
        """Give up a statement on the client after a time, as the library documents."""

    def cancel(self, connection: Any) -> None:
        """Cancel what a connection runs, from another thread or task."""

    def identifier(self, connection: Any, name: str) -> str:
        """Quote an identifier: compose `select 1 as "<name>"`; the name of the column."""

    # --- placeholder styles, as documented ----------------------------------------------

    def style_positional(self, connection: Any, first: Any, second: Any) -> Rows:
        """Bind by position: select the first parameter, then the second, as int."""

    def style_numeric(self, connection: Any, first: Any, second: Any) -> Rows:
        """Bind by number: select the second, the first and the second again, as int."""

    def style_named(self, connection: Any, first: Any, second: Any) -> Rows:
        """Bind by name from a dict: select b, a and b again, as int."""

    def style_tuple(self, connection: Any, first: Any, second: Any) -> Rows:
        """Take the parameters as a tuple."""

    def literal_percent(self, connection: Any, value: Any) -> Rows:
        """Keep a `%` inside SQL that has a parameter: `5 % 3`, `like '%a%'`, value."""

    # --- registrations ------------------------------------------------------------------

    def register_composite(self, connection: Any, name: str) -> None:
        """Register a composite type: its values become objects with its fields."""

    def register_enum(self, connection: Any, name: str) -> None:
        """Register an enum: its values become members of a Python Enum."""

    def register_text(self, connection: Any, name: str) -> None:
        """Register a codec that leaves values of a built-in type as the server's text."""

    # --- batches ------------------------------------------------------------------------

    def insert_many(self, connection: Any, rows: list[tuple[int, str]]) -> None:
        """Insert rows into items (id, name) with `executemany` or its like."""

    def insert_many_count(self, connection: Any, rows: list[tuple[int, str]]) -> int:
        """Insert many rows with `executemany` and tell their total number."""

    def insert_returning(self, connection: Any, rows: list[tuple[int, str]]) -> list[Rows]:
        """Insert many rows `returning id`, and tell what came back for each row."""

    def pipeline(self, connection: Any, statements: list[str]) -> list[Rows]:
        """Pipeline statements: send all, then read the results; the rows of each."""

    def pipeline_outcomes(self, connection: Any, statements: list[str]) -> list[Any]:
        """Pipeline statements of which one fails; the rows of each, or its exception."""

    # --- transactions -------------------------------------------------------------------

    def begin(
        self,
        connection: Any,
        *,
        isolation: str | None = None,
        read_only: bool | None = None,
        deferrable: bool | None = None,
    ) -> Any:
        """Begin a transaction by a call; its transaction object, if there is one.

        `isolation` is serializable, repeatable_read, read_committed or read_uncommitted.
        `commit` and `rollback` of the same connection end it.
        """

    def commit(self, connection: Any) -> None:
        """Commit a transaction by a call."""

    def rollback(self, connection: Any) -> None:
        """Roll a transaction back by a call."""

    def set_autocommit(self, connection: Any, on: bool) -> None:
        """Switch autocommit by an attribute or call."""

    def transaction_status(self, connection: Any) -> str:
        """Tell the state of the transaction without asking the server.

        It is idle, in transaction, in error, … in these words.
        """

    def block(self, connection: Any, statements: list[str], fails: bool = False) -> None:
        """Run statements in a transaction block; `fails` raises ValueError at its end."""

    def nested_block(self, connection: Any, outer: str, inner: str, fails: bool) -> None:
        """Nest a savepoint block in a transaction block.

        `fails` raises ValueError in the inner block; the outer one catches it and goes on.
        """

    # --- prepared statements ------------------------------------------------------------

    def prepare(self, connection: Any, sql: str) -> Any:
        """Prepare a statement by a call; a handle."""

    def run_prepared(self, statement: Any) -> Rows:
        """Run a statement that was prepared by a call; its rows."""

    def fetch_prepared(self, connection: Any, sql: str) -> Rows:
        """Prepare a statement on the server by an argument of the call that fetches."""

    # --- server-side cursors and streams ------------------------------------------------

    def cursor_count(self, connection: Any, sql: str, itersize: int) -> int:
        """Iterate over a server-side cursor by `itersize` rows; how many came."""

    def cursor_open(
        self, connection: Any, sql: str, *, scrollable: bool = False, hold: bool = False
    ) -> Any:
        """Open a server-side cursor, inside the transaction that is open."""

    def cursor_fetch(self, cursor: Any, count: int) -> Rows:
        """Fetch a number of rows from a server-side cursor."""

    def cursor_scroll(self, cursor: Any, offset: int, absolute: bool = False) -> None:
        """Move a server-side cursor, backwards where the offset is negative."""

    def cursor_close(self, cursor: Any) -> None:
        """Close a server-side cursor."""

    def stream_count(self, connection: Any, sql: str) -> int:
        """Stream rows one by one as they arrive, without a cursor; how many came."""

    # --- COPY ---------------------------------------------------------------------------

    def copy_in_text(self, connection: Any, table: str, data: str) -> None:
        """COPY text that is already encoded into a table."""

    def copy_in_rows(self, connection: Any, table: str, rows: list[Any]) -> None:
        """COPY Python rows into all columns of a table."""

    def copy_in_file(self, connection: Any, table: str, path: str) -> None:
        """COPY a file in text format into a table."""

    def copy_out_file(self, connection: Any, table: str, path: str) -> None:
        """COPY a table into a file in text format."""

    def copy_abandoned(self, connection: Any, table: str) -> None:
        """Begin to COPY rows (id int, name text) and raise ValueError midway."""

    def copy_out_abandoned(self, connection: Any, sql: str) -> int:
        """Stop reading the COPY of a query after the first block; its size in bytes."""

    def copy_arrow(self, connection: Any, table: str, count: int) -> None:
        """COPY an Arrow table (id int4, name text) of `count` rows into a table."""

    # --- errors and notices -------------------------------------------------------------

    def diagnose(self, connection: Any, sql: str) -> Info:
        """Tell what the exception of a failed statement exposes by attributes.

        Keys: class (qualified), pep249 (the base class of PEP 249 that it is, where the
        library claims that interface), sqlstate, severity, message, detail, hint,
        position (str), schema, table, column, datatype, constraint, context.
        Only what is exposed is in it.
        """

    def notices(self, connection: Any, sql: str) -> list[str]:
        """Collect the notices of the server while a statement runs: `SEVERITY: message`."""

    # --- LISTEN/NOTIFY ------------------------------------------------------------------

    def listener(self, dsn: str) -> Any:
        """Open what can listen: a connection, or what the library has instead.

        `listen`, `unlisten`, `notifications` and `close` take it.
        """

    def listen(self, connection: Any, channel: str) -> None:
        """Listen on a channel."""

    def unlisten(self, connection: Any, channel: str) -> None:
        """Stop listening on a channel."""

    def notify(self, connection: Any, channel: str, payload: str) -> None:
        """Notify a channel with a payload."""

    def notifications(
        self, connection: Any, seconds: float, at_most: int = 1
    ) -> list[tuple[str, str]]:
        """Wait for notifications; (channel, payload) of each that came in that time."""

    # --- large objects ------------------------------------------------------------------

    def lo_open(self, connection: Any, oid: int, mode: str) -> Any:
        """Open a large object in a transaction, or create one (oid 0); mode r, w, rw."""

    def lo_oid(self, lob: Any) -> int:
        """Tell the oid of a large object."""

    def lo_write(self, lob: Any, data: bytes) -> int:
        """Write bytes to a large object; how many were written."""

    def lo_read(self, lob: Any, size: int = -1) -> bytes:
        """Read bytes from a large object."""

    def lo_seek(self, lob: Any, offset: int, whence: int = 0) -> int:
        """Seek in a large object; the new position."""

    def lo_tell(self, lob: Any) -> int:
        """Tell the position in a large object."""

    def lo_truncate(self, lob: Any, size: int) -> None:
        """Truncate a large object."""

    def lo_export(self, lob: Any, path: str) -> None:
        """Export a large object into a file."""

    def lo_import(self, connection: Any, path: str) -> int:
        """Import a file as a large object; its oid."""

    def lo_unlink(self, lob: Any) -> None:
        """Delete a large object."""

    def lo_close(self, lob: Any) -> None:
        """Close a large object."""

    # --- two-phase commit ---------------------------------------------------------------

    def tpc_begin(self, connection: Any, gid: str) -> None:
        """Begin a transaction that is committed in two phases."""

    def tpc_prepare(self, connection: Any) -> None:
        """Prepare a two-phase commit."""

    def tpc_commit(self, connection: Any, gid: str = "") -> None:
        """Commit a prepared transaction; with a gid, one of another connection."""

    def tpc_rollback(self, connection: Any, gid: str = "") -> None:
        """Roll a prepared transaction back; with a gid, one of another connection."""

    def tpc_recover(self, connection: Any) -> list[str]:
        """List the gids of prepared transactions."""

    # --- asynchronous use of a blocking library, replication ----------------------------

    def poll_query(self, dsn: str, sql: str) -> Any:
        """Connect and query without blocking, by `poll`; the value."""

    def wait_callback(self, dsn: str, sql: str) -> Any:
        """Query through a wait callback of the user's; the value."""

    def replication_identify(self, dsn: str, logical: bool) -> list[str]:
        """Open a replication connection; the column names of IDENTIFY_SYSTEM."""

    def replication_stream(self, dsn: str, slot: str, publication: str, sql: str) -> int:
        """Stream logical replication; how many changed rows came.

        It creates a slot (pgoutput), runs `sql` on another connection, counts until nothing
        has come for two seconds, and drops the slot. Only changes of rows count.
        """

    # --- pools --------------------------------------------------------------------------

    def pool_open(
        self,
        dsn: str,
        *,
        min_size: int,
        max_size: int,
        timeout: float | None = None,
        max_waiting: int | None = None,
        max_lifetime: float | None = None,
        max_idle: float | None = None,
        check: bool | None = None,
        recycling: str | None = None,
    ) -> Any:
        """Open a pool of connections; times in seconds, None leaves the default."""

    def pool_acquire(self, pool: Any, timeout: float | None = None) -> Any:
        """Take a connection out of a pool."""

    def pool_release(self, pool: Any, connection: Any) -> None:
        """Give a connection back to a pool."""

    def pool_block(self, pool: Any, sql: str) -> Any:
        """Fetch a value with a connection of a pool, in the documented block."""

    def pool_size(self, pool: Any) -> int:
        """Tell how many connections a pool has."""

    def pool_idle(self, pool: Any) -> int:
        """Tell how many connections of a pool are free."""

    def pool_close(self, pool: Any) -> None:
        """Close a pool."""

    def adk_differs(self, pool: Any, question: str) -> str:
        """Put a question to google-adk's services, stored and in memory; what differs."""


@cache
def names() -> tuple[str, ...]:
    """Every act, in the order of the vocabulary."""
    return tuple(
        name
        for name, act in vars(Acts).items()
        if inspect.isfunction(act) and not name.startswith("_")
    )


def sentence(name: str) -> str:
    """What an act does, to follow "the library can": its docstring's first line.

    It stands alone wherever it is read, and refers to no other act.
    """
    return (inspect.getdoc(getattr(Acts, name)) or "").partition("\n")[0]


@cache
def parameters(name: str) -> Mapping[str, inspect.Parameter]:
    """The arguments of an act without `self`."""
    found = dict(inspect.signature(getattr(Acts, name)).parameters)
    del found["self"]
    return found


def subject(name: str) -> str:
    """What an act is done with: connection, dsn, pool, cursor, statement or lob."""
    return next(iter(parameters(name)))


def check_arguments(name: str, given: Mapping[str, Any]) -> str:
    """What is wrong with the arguments that a step gives to an act; empty if nothing.

    The subject is not among them: a step names it with `on`.
    """
    known = dict(parameters(name))
    del known[subject(name)]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        return ""
    for key in given:
        if key not in known:
            import difflib  # a worker never gives advice

            near = difflib.get_close_matches(key, known, 1)
            return f"`{name}` has no argument `{key}`" + (
                f"; did you mean `{near[0]}`?" if near else f"; it has: {', '.join(known)}"
            )
    missing = [
        key for key, parameter in known.items() if parameter.default is parameter.empty
    ]
    lacking = [key for key in missing if key not in given]
    return f"`{name}` needs the argument `{lacking[0]}`" if lacking else ""
