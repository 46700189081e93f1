"""`standby`: a primary, and a hot standby that follows it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.core.calls import Target
from harness.core.errors import ServerError
from harness.servers import Server, child
from harness.servers.cluster import configure, connect, made, start
from harness.servers.folder import Folder, create
from harness.servers.rigs.rig import Rig, settings

_PROGRAM = "pg_basebackup"
_FOLLOWS_S = 30.0
_POLL_S = 0.05


def lacks(server: Server) -> str:
    """It takes a program that not every installation has."""
    assert server.binaries is not None
    found = (server.binaries / _PROGRAM).exists()
    return "" if found else f"standby: there is no {_PROGRAM} in {server.binaries}"


@contextlib.contextmanager
def open(server: Server) -> Iterator[Rig]:
    """Start both."""
    assert server.binaries is not None
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(made(server.binaries, settings(server)))
        folder = stack.enter_context(create())
        binaries = primary.postmaster.binaries
        _copy(folder, binaries, primary.target)
        configure(folder, {})  # its own socket folder instead of the primary's
        postmaster = start(stack, folder, binaries)
        target = replace(primary.target, port=postmaster.port)
        _await_following(target)
        yield Rig({"primary": primary.target, "standby": target})


def _copy(folder: Folder, binaries: Path, primary: Target) -> None:
    """Make the standby's data folder; the password is in a file of the server's user."""
    secret = folder.path / "pgpass"
    secret.touch(mode=0o600, exist_ok=False)
    secret.write_text(f"*:*:*:*:{primary.password}\n")
    folder.own(secret)
    source = f"host={primary.host} port={primary.port} user={primary.user}"
    command = [
        str(binaries / _PROGRAM),
        f"--pgdata={folder.data}",
        f"--dbname={source} passfile='{secret}'",
        "--write-recovery-conf",
        "--checkpoint=fast",
        "--no-sync",
    ]
    done = child.run(command, folder.account, folder.path)
    if done.returncode:
        said = child.tail(done.stderr)
        raise ServerError(f"{_PROGRAM} failed: {said}", hint=child.hint(done.stderr))


def _await_following(standby: Target) -> None:
    """Until it receives what the primary writes; it takes connections before that."""
    query = "select count(*) from pg_stat_wal_receiver where status = 'streaming'"
    deadline = time.monotonic() + _FOLLOWS_S
    with connect(standby) as connection:
        while connection.execute(query).fetchone() != (1,):
            if time.monotonic() > deadline:
                raise ServerError(f"the standby does not follow within {_FOLLOWS_S:.0f} s")
            time.sleep(_POLL_S)
