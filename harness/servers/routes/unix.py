"""`unix`: the server's Unix socket, where this user may connect to it.

A borrowed server tells where its sockets are to those who may read its settings; others
find them where PostgreSQL puts them by default. Only the socket of the very same server
is taken, which is known by the moment of its start.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg

from harness.core.calls import Target
from harness.core.errors import ServerError
from harness.servers import Server
from harness.servers.routes.way import Way, connect, said

_DEFAULTS = ("/var/run/postgresql", "/run/postgresql", "/tmp")
_STARTED = "select pg_postmaster_start_time()::text, current_setting('port')"
_FOLDERS = "select current_setting('unix_socket_directories')"


def lacks(server: Server) -> str:
    """Why its socket cannot be used; empty if it can."""
    found = _found(server)
    return found if isinstance(found, str) else ""


@contextlib.contextmanager
def open(server: Server) -> Iterator[Way]:
    """Nothing is started: the socket is there."""
    found = _found(server)
    if isinstance(found, str):
        raise ServerError(found)
    place = found

    def lead(target: Target) -> Target:
        return replace(target, host=place.host, port=place.port)

    yield Way("Unix socket", lead=lead)


def _found(server: Server) -> Target | str:
    """Where its socket is, or why there is none for us."""
    if server.target.host.startswith(("/", "@")):
        return server.target
    try:
        started, port, folders = _asked(server.target)
    except psycopg.Error as error:
        return f"the server cannot be asked for its sockets: {said(error)}"
    reasons = []
    for folder in folders:
        place = replace(server.target, host=folder, port=port)
        if folder.startswith("/") and not Path(folder, f".s.PGSQL.{port}").exists():
            continue
        try:
            with connect(place) as connection:
                if connection.execute(_STARTED).fetchone() == (started, str(port)):
                    return place
        except psycopg.Error as error:
            reasons.append(said(error))
    if reasons:
        return f"the server's Unix socket does not let us in: {reasons[0]}"
    return "the server has no Unix socket on this machine that can be found"


def _asked(target: Target) -> tuple[str, int, list[str]]:
    """When it was started, its port, and folders in which its socket may be."""
    with connect(target) as connection:
        started, port = connection.execute(_STARTED).fetchone() or ("", "0")
        told = ""
        with contextlib.suppress(psycopg.Error):  # not for everybody's eyes
            told = (connection.execute(_FOLDERS).fetchone() or ("",))[0]
    folders = [part.strip().strip('"') for part in told.split(",")] if told else _DEFAULTS
    return started, int(port), list(filter(None, folders))
