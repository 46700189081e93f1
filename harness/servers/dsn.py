"""`dsn:…` or `$PGDYNO_DSN`: a server that somebody else runs, borrowed as it is.

The only thing done here is to connect once and ask libpq what it connected to: so
defaults, PG* variables, service and password files mean what they mean everywhere.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from harness.core.calls import Target
from harness.core.errors import ServerError
from harness.servers import Server, ServerSpec, Transport
from harness.servers.cluster import OLDEST

VARIABLE = "PGDYNO_DSN"

# A driver gets host, port, user, password and database. What else a DSN says would be
# dropped silently, so it is refused, unless it only matters to this connection.
_TARGET = ("host", "hostaddr", "port", "user", "password", "dbname", "passfile", "service")
_HARMLESS = ("application_name", "fallback_application_name", "connect_timeout")
_TLS_BY_NEGOTIATION = ("disable", "allow", "prefer", "require")

_HINTS = (
    ("no password supplied", "put the password into the DSN, PGPASSWORD or ~/.pgpass"),
    ("password authentication failed", "the user or the password is wrong"),
    ("pg_hba.conf", "the server's pg_hba.conf does not let this user in from here"),
    ("too many clients", "the server is full"),
    ('role "', "name a user that exists: dsn:postgresql://USER@host/db"),
    ('database "', "name a database that exists: dsn:postgresql://user@host/DATABASE"),
)

SUMMARY = "a running server, borrowed: dsn:postgresql://user@host/db, or $PGDYNO_DSN"


@contextlib.contextmanager
def open(spec: ServerSpec) -> Iterator[Server]:
    """Borrow the server; nothing is started, changed or stopped.

    Raises:
        ServerError: there is no DSN, or nobody usable at its end. No message of it
            holds the password.
    """
    text = spec.argument or os.environ.get(VARIABLE, "")
    if not text:
        raise ServerError(
            "there is no DSN",
            hint=f"--server dsn:postgresql://user@host/db, or set {VARIABLE}",
        )
    params = parse(text)
    target, pid = reach(params)
    transport: Transport = "unix" if target.host.startswith(("/", "@")) else "tcp"
    yield Server(spec.label, target, False, transport, pid)


def parse(text: str) -> dict[str, str]:
    """The parameters of a URI or of key=value pairs.

    libpq's own message is not shown: it quotes what it did not understand, and that may
    be the password.
    """
    params: dict[str, str] = {}
    if not _is_torn(text):
        with contextlib.suppress(psycopg.Error):
            params = {name: str(value) for name, value in conninfo_to_dict(text).items()}
    if not params:
        raise ServerError(
            "the DSN is neither a URI nor key=value pairs that libpq understands",
            hint="postgresql://user:password@host:5432/db, special characters as %XX",
        )
    _refuse_unshared(params)
    return params


def reach(params: Mapping[str, str]) -> tuple[Target, int]:
    """Connect once; where we are, and the postmaster if it is on this machine."""
    timeout = {} if "PGCONNECT_TIMEOUT" in os.environ else {"connect_timeout": "10"}
    try:
        connection = psycopg.connect(
            make_conninfo(**{**timeout, **params}), autocommit=True
        )
    except psycopg.Error as error:
        # `from None`: the cause would be shown with its own, unscrubbed text.
        raise _unreachable(str(error), params) from None
    with contextlib.closing(connection):
        check_version(connection.info.server_version)
        return _target(connection, params), postmaster(connection)


def check_version(number: int) -> None:
    """Refuse a server that is too old to be asked anything."""
    if number < OLDEST * 10_000:
        version = f"{number // 10_000}.{number % 10_000}"
        raise ServerError(
            f"the server is PostgreSQL {version}", hint=f"pgdyno needs {OLDEST} or newer"
        )


def postmaster(connection: psycopg.Connection[Any]) -> int:
    """The postmaster's pid, or 0 where our session is not a process of this machine.

    A pid from the server may be of another machine or container; only a process whose
    title names our own end of the connection is believed.
    """
    with contextlib.suppress(psutil.Error, OSError):
        backend = psutil.Process(connection.info.backend_pid)
        title = " ".join(backend.cmdline())
        if title.startswith("postgres") and _own_end(connection) in title:
            return backend.ppid() or 0
    return 0


def _own_end(connection: psycopg.Connection[Any]) -> str:
    """How a backend's title names this client: `127.0.0.1(54321)` or `user db [local]`."""
    with socket.socket(fileno=os.dup(connection.fileno())) as end:
        if end.family == socket.AF_UNIX:
            return f"{connection.info.user} {connection.info.dbname} [local]"
        return f"({end.getsockname()[1]})"


def _target(connection: psycopg.Connection[Any], params: Mapping[str, str]) -> Target:
    info = connection.info
    host = params.get("hostaddr") or info.host
    return Target(host, info.port, info.user, info.password, info.dbname)


def _is_torn(text: str) -> bool:
    """Whether a URI's password has an unescaped separator.

    libpq then takes a part of it for host, port or database, and names it in errors.
    """
    scheme, _, rest = text.partition("://")
    if scheme not in ("postgresql", "postgres"):
        return False
    return any(mark in rest.rpartition("@")[0] for mark in "/?#@")


def _refuse_unshared(params: Mapping[str, str]) -> None:
    for name, value in params.items():
        negotiated = name == "sslmode" and value in _TLS_BY_NEGOTIATION
        if name not in _TARGET + _HARMLESS and not negotiated:
            raise ServerError(
                f"not every driver can be given '{name}' of the DSN as it stands there",
                hint="leave it out: they share host, port, user, password and dbname",
            )


def _unreachable(text: str, params: Mapping[str, str]) -> ServerError:
    password = params.get("password") or os.environ.get("PGPASSWORD", "")
    message = " ".join(scrub(text, password).split())
    fallback = "is the server running there, and does it accept connections from here?"
    hint = next((hint for sign, hint in _HINTS if sign in text), fallback)
    return ServerError(f"the server of the DSN cannot be used: {message}", hint=hint)


def scrub(text: str, password: str) -> str:
    """The text without the password, as it is or percent-encoded."""
    for form in filter(None, (password, quote(password, safe=""))):
        text = text.replace(form, "***")
    return text
