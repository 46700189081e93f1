"""A PostgreSQL of our own, from a folder of binaries: made, started, stopped, removed.

`postgres` is our direct child, not `pg_ctl`'s: so its end is noticed at once, and on
Linux the kernel ends it when we are killed. It listens on 127.0.0.1 and on a Unix
socket, asks for a SCRAM password on both, and has the settings of `profile`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from harness.errors import ServerError
from harness.model import Target
from harness.servers import Server, ServerSpec
from harness.servers.folder import Account, Folder, create, reap

NAME = "pgdyno"
"""The superuser and the database of every managed server."""

OLDEST = 13
"""The oldest major version that pgdyno knows how to work with."""

PORT_ATTEMPTS = 3

_LOCALES = ("C.UTF-8", "C")
_START_S = 60.0
_POLL_S = 0.01
_PATIENCE_S = {signal.SIGINT: 10.0, getattr(signal, "SIGQUIT", signal.SIGTERM): 5.0}
_SYSTEM_PREFIXES = (Path("/"), Path("/usr"), Path("/usr/local"))  # open, and far too big
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_PR_SET_PDEATHSIG = 1

# What libpq would otherwise take from PG* variables, which were set for another server.
_NOT_FROM_ENVIRONMENT = {
    "hostaddr": "",
    "options": "",
    "sslmode": "disable",
    "gssencmode": "disable",
    "channel_binding": "prefer",
    "target_session_attrs": "any",
    "client_encoding": "UTF8",
}

_HINTS = (
    ("No space left on device", "free some disk or shared memory, or set TMPDIR elsewhere"),
    ("could not map anonymous shared memory", "free some memory: it needs 256 MB at least"),
    ("Permission denied", "set TMPDIR to a folder that the server's user may execute in"),
    ("error while loading shared libraries", "this installation lacks a library"),
    ("Address already in use", "ports are taken faster than they can be used: try again"),
)


class _PortTakenError(ServerError):
    """Somebody took the port between our choice and the server's bind."""


def profile(spec: ServerSpec) -> dict[str, str]:
    """The settings of a managed server, each as `SHOW` tells it.

    Nothing that a user would not recognise as PostgreSQL: durability is off because a
    disk is not what is measured, and what would wake up by itself is off or far away.
    """
    return {
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "on",
        "autovacuum": "off",
        "checkpoint_timeout": "1h",
        "max_wal_size": "8GB",
        "jit": "off",
        "wal_level": "logical",
        "max_wal_senders": "10",
        "max_replication_slots": "10",
        "max_prepared_transactions": "10",
        "max_connections": str(spec.max_connections),
        "shared_buffers": "256MB",
        "logging_collector": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
    }


@contextlib.contextmanager
def run(spec: ServerSpec, binaries: Path) -> Iterator[Server]:
    """A server from the `initdb` and `postgres` of a folder; gone when the body ends.

    Raises:
        ServerError: it could not be made or started; the message ends with its log.
    """
    if os.name != "posix":
        raise ServerError(
            "managed servers need a POSIX system", hint="use dsn:… or container:… here"
        )
    reap()
    settings = profile(spec)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(create())
        if spec.transport == "unix" and folder.sockets is None:
            raise ServerError(
                f"no folder for a Unix socket has a path short enough: {folder.path}",
                hint="use TCP, or make /tmp writable",
            )
        usable = executable(folder, binaries.resolve())
        password = secrets.token_urlsafe(24)
        initialise(folder, usable, password)
        configure(folder, settings)
        process, port = _start(stack, folder, usable)
        host = str(folder.sockets) if spec.transport == "unix" else "127.0.0.1"
        target = Target(host, port, NAME, password, NAME)
        make_database(target)
        yield Server(spec.label, target, True, spec.transport, process.pid, settings)


def version_of(binaries: Path) -> int:
    """The major version of a `postgres`; raises `ServerError` when it does not run."""
    try:
        done = subprocess.run(
            [binaries / "postgres", "--version"],
            capture_output=True,
            text=True,
            env=_environment(),
        )
    except OSError as error:
        raise ServerError(
            f"{binaries / 'postgres'} does not run: {error.strerror}"
        ) from error
    found = re.search(r"\) (\d+)", done.stdout)
    if found is None:
        raise ServerError(
            f"{binaries / 'postgres'} does not tell its version: {_tail(done.stderr)}",
            hint=_hint(done.stderr),
        )
    return int(found[1])


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def executable(folder: Folder, binaries: Path) -> Path:
    """Binaries that the server's user may execute: those given, or a copy in our folder."""
    if folder.account is None or binaries.parent in _SYSTEM_PREFIXES:
        return binaries
    if _runs_as(folder.account, binaries, folder.path):
        return binaries
    install = folder.path / "install"
    usable = install / Path(*binaries.parts[-3:])
    for part in (binaries, binaries.parent / "lib", binaries.parent / "share"):
        _copy(part, usable.parent / part.name)
    # A wheel's shared libraries are beside its package, found by a relative path.
    package = binaries.parents[1]
    libraries = f"{package.name}.libs"
    _copy(package.parent / libraries, install / libraries)
    for path in (install, *install.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    return usable


def initialise(folder: Folder, binaries: Path, password: str) -> None:
    """Run `initdb`: UTF-8, SCRAM for every connection, no locale of this machine."""
    secret = folder.path / "password"
    secret.touch(mode=0o600, exist_ok=False)
    secret.write_text(password)
    folder.own(secret)
    try:
        for locale in _LOCALES:
            done = _initdb(folder, binaries, secret, locale)
            if done.returncode == 0:
                return
            if "invalid locale" not in done.stderr:
                break
    finally:
        secret.unlink()
    raise ServerError(f"initdb failed: {_tail(done.stderr)}", hint=_hint(done.stderr))


def configure(folder: Folder, settings: Mapping[str, str]) -> None:
    """Append the settings to `postgresql.conf`, where ALTER SYSTEM can still win."""
    sockets = "" if folder.sockets is None else f'"{folder.sockets}"'
    places = {"listen_addresses": "127.0.0.1", "unix_socket_directories": sockets}
    with (folder.data / "postgresql.conf").open("a") as file:
        for name, value in {**settings, **places}.items():
            quoted = value.replace("'", "''")
            file.write(f"{name} = '{quoted}'\n")


def connect(target: Target, dbname: str = "") -> psycopg.Connection[Any]:
    """A connection that depends on the target only, not on PG* variables."""
    conninfo = make_conninfo(
        host=target.host,
        port=target.port,
        user=target.user,
        password=target.password,
        dbname=dbname or target.dbname,
        application_name=target.application_name,
        connect_timeout=10,
        **_NOT_FROM_ENVIRONMENT,
    )
    return psycopg.connect(conninfo, autocommit=True)


def make_database(target: Target) -> None:
    """The database of a managed server, with `vector` where the server has it."""
    try:
        with connect(target, "postgres") as connection:
            connection.execute(f"create database {NAME}")
        with connect(target) as connection:
            make_extension(connection)
    except psycopg.Error as error:
        raise ServerError(
            f"PostgreSQL started, but does not answer as it should: {_tail(str(error))}"
        ) from error


def make_extension(connection: psycopg.Connection[Any]) -> None:
    """Create `vector` if its files are there; most servers do not have it."""
    query = "select from pg_available_extensions where name = 'vector'"
    if connection.execute(query).rowcount:
        connection.execute("create extension if not exists vector")


def _environment() -> dict[str, str]:
    """No PG* variable, and no secret of ours in a process of another user."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**kept, "LC_ALL": "C"}


def _identity(account: Account | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _runs_as(account: Account, binaries: Path, cwd: Path) -> bool:
    """Try it: permissions, ACLs and mount options are too many to reason about."""
    try:
        done = subprocess.run(
            [binaries / "postgres", "--version"],
            cwd=cwd,
            env=_environment(),
            capture_output=True,
            **_identity(account),
        )
    except PermissionError as error:
        if str(error.filename) != str(binaries / "postgres"):  # it failed before the exec
            raise ServerError(
                f"root may not become the user '{account.name}' here",
                hint="run as an ordinary user, or use dsn:…",
            ) from error
        return False
    return done.returncode == 0


def _copy(source: Path, destination: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, destination, symlinks=True, copy_function=_link)


def _link(source: str, destination: str) -> str:
    """A hard link where everybody may read the file, else a copy that everybody may.

    A link shares its permissions with the original, which are not ours to change.
    """
    mode = stat.S_IMODE(Path(source).stat().st_mode)
    everybody = mode | (mode & 0o700) >> 3 | (mode & 0o700) >> 6
    if mode & 0o005 == everybody & 0o005:
        with contextlib.suppress(OSError):
            os.link(source, destination)
            return destination
    shutil.copyfile(source, destination)
    Path(destination).chmod(everybody & 0o755)
    return destination


def _initdb(
    folder: Folder, binaries: Path, secret: Path, locale: str
) -> subprocess.CompletedProcess[str]:
    command = [
        str(binaries / "initdb"),
        f"--pgdata={folder.data}",
        f"--username={NAME}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        f"--locale={locale}",
        "--no-sync",
    ]
    return subprocess.run(
        command,
        cwd=folder.path,
        env=_environment(),
        capture_output=True,
        text=True,
        **_identity(folder.account),
    )


def _start(
    stack: contextlib.ExitStack, folder: Folder, binaries: Path
) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(PORT_ATTEMPTS - 1):
        with contextlib.suppress(_PortTakenError):
            port = free_port()
            return stack.enter_context(_postmaster(folder, binaries, port)), port
    port = free_port()
    return stack.enter_context(_postmaster(folder, binaries, port)), port


@contextlib.contextmanager
def _postmaster(
    folder: Folder, binaries: Path, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    process = _spawn(folder, binaries, port)
    try:
        _await_ready(process, folder)
        yield process
    finally:
        _stop(process)


def _spawn(folder: Folder, binaries: Path, port: int) -> subprocess.Popen[bytes]:
    with folder.log.open("wb") as log, warnings.catch_warnings():
        # From CPython 3.12 on: code between fork and exec beside threads. It is one call.
        warnings.simplefilter("ignore", DeprecationWarning)
        return subprocess.Popen(
            [binaries / "postgres", "-D", folder.data, "-p", str(port)],
            cwd=folder.path,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is for us, we stop it ourselves
            preexec_fn=_die_with_parent(),
            **_identity(folder.account),
        )


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux: SIGQUIT when the thread that started the server ends, however it ends.

    It is asked for after the change of user, which would undo it.
    """
    if sys.platform != "linux":
        return None
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGQUIT), 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return ask


def _await_ready(process: subprocess.Popen[bytes], folder: Folder) -> None:
    deadline = time.monotonic() + _START_S
    while not _is_ready(process, folder):
        if process.poll() is not None:
            raise _failure(folder, f"PostgreSQL ended with status {process.returncode}")
        if time.monotonic() > deadline:
            raise _failure(folder, f"PostgreSQL is not ready after {_START_S:.0f} s")
        time.sleep(_POLL_S)


def _is_ready(process: subprocess.Popen[bytes], folder: Folder) -> bool:
    """Whether `postmaster.pid` says so: line 1 is the process, line 8 its state."""
    try:
        lines = (folder.data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return lines[:1] == [str(process.pid)] and "".join(lines[7:8]).strip() == "ready"


def _failure(folder: Folder, what: str) -> ServerError:
    log = folder.log.read_text(errors="replace")
    kind = _PortTakenError if "Address already in use" in log else ServerError
    return kind(f"{what}: {_tail(log)}", hint=_hint(log))


def _stop(process: subprocess.Popen[bytes]) -> None:
    """A fast shutdown, then an immediate one, then none of its choice."""
    try:
        for signum, seconds in _PATIENCE_S.items():
            process.send_signal(signum)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
                return
    finally:  # also when a second Ctrl-C ends our patience
        if process.poll() is None:
            process.kill()
            process.wait()


def _tail(text: str, lines: int = 8) -> str:
    return "\n".join(text.strip().splitlines()[-lines:]) or "no word of why"


def _hint(text: str) -> str:
    return next((hint for sign, hint in _HINTS if sign in text), "")
