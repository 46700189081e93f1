"""`pgbouncer`: PgBouncer in front of the main server, in transaction mode."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg

from harness.core.calls import Target
from harness.core.errors import ServerError
from harness.servers import Server, child
from harness.servers.cluster import connect
from harness.servers.folder import Folder, create
from harness.servers.postmaster import free_port
from harness.servers.rigs.rig import Rig

_PROGRAM = "pgbouncer"
_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")  # not on every PATH
_PATIENCE_S = {signal.SIGTERM: 5.0}
_START_S = 20.0
_POLL_S = 0.02


def lacks(_server: Server) -> str:
    """It is a program of its own."""
    return "" if _found() else f"there is no {_PROGRAM} program"


@contextlib.contextmanager
def open(server: Server) -> Iterator[Rig]:
    """Start it in a folder that is removed at the end, with the password in it."""
    program = _found()
    assert program
    with create() as folder:
        target = replace(server.target, host="127.0.0.1", port=free_port())
        _configure(folder, server.target, target, _version(program))
        with _Bouncer(program, folder, target) as bouncer:
            yield Rig({"pgbouncer": target}, renew=bouncer.restart)


class _Bouncer:
    """Its process, made anew for each case: what a driver prepared stays on a server's
    connection, and would be there for the next."""

    def __init__(self, program: str, folder: Folder, target: Target) -> None:
        self.command = [program, str(folder.data / "pgbouncer.ini")]
        self.folder = folder
        self.target = target

    def __enter__(self) -> _Bouncer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers."""
        # Where it works is how a later run finds it, should it outlive this one.
        self.process = child.spawn(
            self.command, self.folder, self.folder.data, signal.SIGKILL
        )
        try:
            self._await_answer()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it at once, with all its connections."""
        child.end(self.process, _PATIENCE_S)

    def restart(self) -> None:
        """Stop and start it."""
        self.stop()
        self.start()

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                log = self.folder.log.read_text(errors="replace")
                said = child.tail(log)
                raise ServerError(
                    f"{_PROGRAM} does not answer: {said}", hint=child.hint(log)
                )
            time.sleep(_POLL_S)

    def _answers(self) -> bool:
        try:
            connect(self.target).close()
        except psycopg.OperationalError:
            return False
        return True


def _found() -> str | None:
    path = os.pathsep.join([os.environ.get("PATH", ""), *_PLACES])
    return shutil.which(_PROGRAM, path=path)


def _version(program: str) -> tuple[int, ...]:
    done = child.run([program, "--version"], None)
    found = re.search(r"(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _configure(
    folder: Folder, server: Target, target: Target, version: tuple[int, ...]
) -> None:
    settings = {
        "listen_addr": target.host,
        "listen_port": str(target.port),
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": str(folder.data / "userlist.txt"),
        "pool_mode": "transaction",
        "default_pool_size": "4",
        "ignore_startup_parameters": "extra_float_digits,options",
    }
    if version >= (1, 21):  # from here on it could keep track of prepared statements
        settings["max_prepared_statements"] = "0"
    lines = [f"{name} = {value}" for name, value in settings.items()]
    database = f"* = host={server.host} port={server.port}"
    text = "\n".join(["[databases]", database, "[pgbouncer]", *lines, ""])
    _write(folder, "pgbouncer.ini", text)
    _write(folder, "userlist.txt", f'"{server.user}" "{server.password}"\n')


def _write(folder: Folder, name: str, text: str) -> None:
    path: Path = folder.data / name
    path.touch(mode=0o600)
    path.write_text(text)
    folder.own(path)
