"""`pgbouncer`: PgBouncer in front of the main server, in transaction mode.

It is made anew for each case: what a driver prepared stays on a server's connection, and
would be there for the next.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from harness.core.calls import Target
from harness.servers import Server, bouncer
from harness.servers.folder import Folder, create
from harness.servers.postmaster import free_port
from harness.servers.rigs.rig import Rig


def lacks(_server: Server) -> str:
    """It is a program of its own."""
    return "" if bouncer.found() else f"there is no {bouncer.PROGRAM} program"


@contextlib.contextmanager
def open(server: Server) -> Iterator[Rig]:
    """Start it in a folder that is removed at the end, with the password in it."""
    program = bouncer.found()
    assert program
    with create() as folder:
        target = replace(server.target, host="127.0.0.1", port=free_port())
        _configure(folder, server.target, target, bouncer.version(program))
        with bouncer.Bouncer(program, folder, target) as started:
            yield Rig({"pgbouncer": target}, renew=started.restart)


def _configure(folder: Folder, server: Target, target: Target, version: str) -> None:
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
    if bouncer.since(version, 1, 21):  # from here on it could keep track of statements
        settings["max_prepared_statements"] = "0"
    databases = {"*": f"host={server.host} port={server.port}"}
    bouncer.write(folder, "pgbouncer.ini", bouncer.ini(databases, settings))
    bouncer.write(folder, "userlist.txt", f'"{server.user}" "{server.password}"\n')
