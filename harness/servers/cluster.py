"""A PostgreSQL of our own, from a folder of binaries: made, started, stopped, removed.

It listens on 127.0.0.1 and on a Unix socket, asks for a SCRAM password on both, and has
the settings of `profile`.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from harness.core.calls import Target
from harness.core.errors import ServerError
from harness.core.sql import literal
from harness.servers import Server, ServerSpec, child, template
from harness.servers.folder import Account, Folder, create, reap
from harness.servers.patient import PatientConnection
from harness.servers.postmaster import PortTakenError, Postmaster
from harness.servers.postmaster import free_port as free_port

NAME = "pgdyno"
"""The superuser and the database of every managed server."""

OLDEST = 13
"""The oldest major version that pgdyno knows how to work with."""

EXTENSIONS = ("vector", "hstore")
"""What scenarios ask for, made in every server that we manage."""

PORT_ATTEMPTS = 3

_LOCALES = ("C.UTF-8", "C")
_SYSTEM_PREFIXES = (Path("/"), Path("/usr"), Path("/usr/local"))  # open, and far too big
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
    with made(binaries, settings) as cluster:
        target = cluster.target
        if spec.transport == "unix":
            if cluster.folder.sockets is None:
                raise ServerError(
                    f"no folder for a Unix socket has a path short enough: "
                    f"{cluster.folder.path}",
                    hint="use TCP, or make /tmp writable",
                )
            target = replace(target, host=str(cluster.folder.sockets))
        yield Server(
            label=spec.label,
            target=target,
            managed=True,
            transport=spec.transport,
            pid=cluster.postmaster.pid,
            profile=settings,
            binaries=cluster.postmaster.binaries,
        )


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL of our own that runs; `target` is its way over TCP."""

    folder: Folder
    postmaster: Postmaster
    target: Target


@contextlib.contextmanager
def made(
    binaries: Path,
    settings: Mapping[str, str],
    furnish: Callable[[Folder], None] = lambda _: None,
) -> Iterator[Cluster]:
    """A fresh cluster; `furnish` may change its data folder before it starts.

    Raises:
        ServerError: it could not be made or started; the message ends with its log.
    """
    with create() as folder, contextlib.ExitStack() as stack:
        usable = executable(folder, binaries.resolve())
        given = initialise(folder, usable)
        configure(folder, settings)
        furnish(folder)
        postmaster = start(stack, folder, usable)
        fresh = Target("127.0.0.1", postmaster.port, NAME, given, NAME)
        target = replace(fresh, password=secrets.token_urlsafe(24))
        make_database(fresh, target)
        yield Cluster(folder, postmaster, target)


def start(stack: contextlib.ExitStack, folder: Folder, binaries: Path) -> Postmaster:
    """Start `postgres` on a port that is free, and stop it with the stack."""
    for _ in range(PORT_ATTEMPTS - 1):
        with contextlib.suppress(PortTakenError):
            return stack.enter_context(Postmaster(folder, binaries, free_port()))
    return stack.enter_context(Postmaster(folder, binaries, free_port()))


def version_of(binaries: Path) -> int:
    """The major version of a `postgres`; raises `ServerError` when it does not run."""
    try:
        done = child.run([binaries / "postgres", "--version"], None)
    except OSError as error:
        raise ServerError(
            f"{binaries / 'postgres'} does not run: {error.strerror}"
        ) from error
    found = re.search(r"\) (\d+)", done.stdout)
    if found is None:
        raise ServerError(
            f"{binaries / 'postgres'} does not report its version: "
            f"{child.tail(done.stderr)}",
            hint=child.hint(done.stderr),
        )
    return int(found[1])


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


def initialise(folder: Folder, binaries: Path) -> str:
    """Fill the data directory, by `initdb` where nobody kept what it made earlier.

    Returns the superuser's password, with which the server starts.
    """
    name = template.key(binaries)
    if password := template.copy(name, folder):
        return password
    password = secrets.token_urlsafe(24)
    make_data(folder, binaries, password)
    template.keep(name, folder, password)
    return password


def make_data(folder: Folder, binaries: Path, password: str) -> None:
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
    raise ServerError(
        f"initdb failed: {child.tail(done.stderr)}", hint=child.hint(done.stderr)
    )


def configure(folder: Folder, settings: Mapping[str, str]) -> None:
    """Append the settings to `postgresql.conf`, where ALTER SYSTEM can still win."""
    sockets = "" if folder.sockets is None else f'"{folder.sockets}"'
    places = {"listen_addresses": "127.0.0.1", "unix_socket_directories": sockets}
    with (folder.data / "postgresql.conf").open("a") as file:
        for name, value in {**settings, **places}.items():
            file.write(f"{name} = {literal(value)}\n")


def connect(target: Target, dbname: str = "") -> PatientConnection:
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
    return PatientConnection.connect(conninfo, autocommit=True)


def make_database(fresh: Target, target: Target) -> None:
    """The database of a managed server, with the extensions that the server has, and a
    password of this server's own: a `fresh` one may have the password of a template."""
    try:
        with connect(fresh, "postgres") as connection:
            connection.execute(f"create database {NAME}")
            connection.execute(_new_password(connection, target))
        with connect(target) as connection:
            make_extensions(connection)
    except psycopg.Error as error:
        said = child.tail(str(error))
        raise ServerError(
            f"PostgreSQL started, but does not answer as it should: {said}"
        ) from error


def _new_password(connection: PatientConnection, target: Target) -> sql.Composed:
    """A statement that tells the server, and its log, no more than it has to keep."""
    secret = target.password.encode()
    hashed = connection.pgconn.encrypt_password(secret, NAME.encode(), b"scram-sha-256")
    return sql.SQL("alter role {} password {}").format(
        sql.Identifier(NAME), sql.Literal(hashed.decode())
    )


def make_extensions(connection: psycopg.Connection[Any]) -> None:
    """Create those of our extensions whose files are there; many servers lack them."""
    known = "select name from pg_available_extensions where name = any(%s)"
    for (name,) in connection.execute(known, [list(EXTENSIONS)]).fetchall():
        connection.execute(
            sql.SQL("create extension if not exists {}").format(sql.Identifier(name))
        )


def _runs_as(account: Account, binaries: Path, cwd: Path) -> bool:
    """Try it: permissions, ACLs and mount options are too many to reason about."""
    try:
        done = child.run([binaries / "postgres", "--version"], account, cwd)
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
) -> CompletedProcess[str]:
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
    return child.run(command, folder.account, folder.path)
