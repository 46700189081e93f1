"""The process that keeps a shared server: `python -m harness.pytest_plugin.keeper …`.

Its arguments are the folder of the locks and what to start. It starts the server, writes
its address, and stops it when nobody holds `users` any more.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from pathlib import Path

from harness import servers
from harness.core.errors import PgdynoError
from harness.pytest_plugin.playing import CONNECTIONS
from harness.pytest_plugin.sharing import ADDRESS, USERS
from harness.pytest_plugin.targets import uri


def keep(folder: Path, text: str) -> None:
    """Keep a server for as long as anybody uses it."""
    users = os.open(folder / USERS, os.O_RDWR)
    address = folder / ADDRESS
    try:
        spec = servers.parse(text, max_connections=CONNECTIONS)
        with servers.open_server(spec) as server:
            _write(address, {"dsn": uri(server.target)})
            fcntl.flock(users, fcntl.LOCK_EX)
            address.unlink()
    except PgdynoError as error:
        _write(address, {"problem": str(error), "hint": error.hint})


def _write(address: Path, told: dict[str, str]) -> None:
    """The whole file or none, and for nobody else: a DSN holds a password."""
    partial = address.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(told), "utf-8")
    partial.rename(address)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), sys.argv[2])
