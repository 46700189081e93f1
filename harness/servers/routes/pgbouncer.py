"""`pgbouncer`: PgBouncer in front of the server, in transaction mode.

It takes no startup options of a client, so what a cell sets for its sessions (the schemas
in which names are looked up, above all) is an entry of its own: a database of PgBouncer's
that leads to the run's database, and whose connections begin with these settings. Entries
are added while it works, and stand side by side. A driver that resets its session (RESET
ALL, DISCARD ALL) resets them, too, as it would with any setting made by `connect_query`.

Clients have a password of the route's own: whoever gets in here is let in by the server.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import replace

from harness.core.calls import Target
from harness.core.errors import ServerError
from harness.core.sql import literal
from harness.servers import Server, bouncer
from harness.servers.cluster import connect
from harness.servers.folder import Folder, create
from harness.servers.postmaster import free_port
from harness.servers.routes.way import Way

OLDEST = (1, 12)
"""From here on it knows SCRAM on both sides, and its log is one that we understand."""

POOL_SIZE = 20
"""Sessions of the server per entry: PgBouncer's own default, and less than the clients of
the largest cells, so that these share them."""

MAX_CLIENTS = 900
"""Of all cells and arms together: with the server's sessions fewer than the 1,024 files
that most systems let a process have open."""

FULL_S = 10
"""A client waits so long for a session of the server before PgBouncer refuses it."""
IDLE_S = 20
"""A session of the server that nobody used for so long is closed."""

RETRY_S = 0.1
"""A new entry closes the sessions of all others, those included that are being opened.
PgBouncer takes that for a server that refuses, and would not try again for 15 s."""

_PREPARES = (1, 21)
_ADMIN = "pgbouncer"
_CONFIGURATION = "pgbouncer.ini"


def lacks(_server: Server) -> str:
    """It is a program of its own, and must not be too old."""
    program = bouncer.found()
    if program is None:
        return f"there is no {bouncer.PROGRAM} program: install PgBouncer, or set PATH"
    version = bouncer.version(program)
    if not bouncer.since(version, *OLDEST):
        oldest = ".".join(map(str, OLDEST))
        return f"{program} is PgBouncer {version or '?'}, older than {oldest}: update it"
    return ""


@contextlib.contextmanager
def open(server: Server) -> Iterator[Way]:
    """Start it in a folder that is removed at the end, with the passwords in it."""
    program = bouncer.found()
    assert program, "see `lacks`"
    version = bouncer.version(program)
    with create() as folder:
        place = replace(
            server.target,
            host="127.0.0.1",
            port=free_port(),
            password=secrets.token_urlsafe(24),
            settings=(),
        )
        entries = _Entries(folder, server.target, place)
        entries.write()
        with bouncer.Bouncer(program, folder, replace(place, dbname=_ADMIN)) as process:
            entries.process = process
            entries.forget()
            told = {"pgbouncer": version, **_prepared(entries, version)}
            yield Way(
                f"PgBouncer {version}, transaction mode",
                told,
                lead=entries.lead,
                pids=[process.process.pid],
            )


class _Entries:
    """Its databases: one for each way in which sessions begin."""

    process: bouncer.Bouncer

    def __init__(self, folder: Folder, server: Target, place: Target) -> None:
        self._folder, self._server, self._place = folder, server, place
        self._names: dict[tuple[str, tuple[tuple[str, str], ...]], str] = {}
        user = place.user.replace('"', '""')
        bouncer.write(folder, "userlist.txt", f'"{user}" "{place.password}"\n')

    def lead(self, target: Target) -> Target:
        """Where a client connects that wants this database with these settings."""
        key = target.dbname, target.settings
        if key not in self._names:
            self._names[key] = f"pgdyno_{len(self._names) + 1}"
            self.write()
            try:
                self.say("reload")
            finally:
                self.forget()
        place = self._place
        return replace(
            target,
            host=place.host,
            port=place.port,
            password=place.password,
            dbname=self._names[key],
            settings=(),
        )

    def write(self) -> None:
        """The configuration with all entries that there are by now."""
        place = self._place
        settings = {
            "listen_addr": place.host,
            "listen_port": str(place.port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(self._folder.data / "userlist.txt"),
            "admin_users": place.user,
            "pool_mode": "transaction",
            "default_pool_size": str(POOL_SIZE),
            "max_client_conn": str(MAX_CLIENTS),
            "query_wait_timeout": str(FULL_S),
            "server_idle_timeout": str(IDLE_S),
            "server_login_retry": str(RETRY_S),
            "server_tls_sslmode": "prefer",
            "ignore_startup_parameters": "extra_float_digits,options",
        }
        databases = {name: self._entry(*key) for key, name in self._names.items()}
        text = bouncer.ini(databases, settings)
        bouncer.write(self._folder, _CONFIGURATION, text)

    def forget(self) -> None:
        """Remove the configuration, which PgBouncer has read: the server's password is in
        it, and a run that is killed leaves its files behind."""
        (self._folder.data / _CONFIGURATION).unlink()

    def _entry(self, dbname: str, settings: tuple[tuple[str, str], ...]) -> str:
        server = self._server
        parts = {
            "host": server.host,
            "port": str(server.port),
            "dbname": dbname,
            "user": server.user,
            "password": server.password,
        }
        if settings:
            calls = (
                f"set_config({literal(name)}, {literal(value)}, false)"
                for name, value in settings
            )
            parts["connect_query"] = f"select {', '.join(calls)}"
        # PgBouncer quotes in its connection strings as SQL does.
        return " ".join(f"{name}={literal(text)}" for name, text in parts.items() if text)

    def say(self, command: str) -> list[tuple[str, ...]]:
        """Tell PgBouncer's console something; the rows that it answers.

        Raises:
            ServerError: it refuses.
        """
        with connect(self.process.target) as connection:
            result = connection.pgconn.exec_(command.encode())
            if message := result.error_message:
                raise ServerError(f"PgBouncer refuses to {command}: {message.decode()}")
            width = range(result.nfields)
            return [
                tuple((result.get_value(row, at) or b"").decode() for at in width)
                for row in range(result.ntuples)
            ]


def _prepared(entries: _Entries, version: str) -> dict[str, str]:
    """How many prepared statements it keeps track of for a client: its own default."""
    if not bouncer.since(version, *_PREPARES):
        return {"prepared statements": f"none, as before {'.'.join(map(str, _PREPARES))}"}
    config = {row[0]: row[1] for row in entries.say("show config")}
    return {"max_prepared_statements": config.get("max_prepared_statements", "?")}
