"""One server for all processes of an xdist session, by locks of files.

    mutex     held while a process looks for the server, or has it started
    users     held shared by each process that uses it, exclusively by its keeper at the end
    address   where it is, or why there is none; written whole by the keeper

The keeper is a process of its own that nobody's Ctrl-C reaches (`keeper`). It waits for the
exclusive lock: the kernel lets go of locks however their holders end, so when the last
process is gone, killed or not, the keeper stops the server and ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.core.errors import ServerError

START_S = 120.0
_POLL_S = 0.02
MUTEX, USERS, ADDRESS, LOG = "mutex", "users", "address", "log"


def is_shared(config: pytest.Config, server: str) -> bool:
    """Whether other processes of this session want the same server, and it is pgdyno's."""
    borrowed = server.startswith(("dsn", "postgres"))
    return hasattr(config, "workerinput") and not borrowed


@contextlib.contextmanager
def joined(config: pytest.Config, server: str) -> Iterator[str]:
    """The server that all processes share, as a spec, for as long as the block lasts.

    Raises:
        ServerError: it does not start.
    """
    folder = _folder(config)
    users = _opened(folder / USERS)
    try:
        mutex = _opened(folder / MUTEX)
        try:
            fcntl.flock(mutex, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)  # after a keeper that is about to end
            address = _address(folder) or _started(folder, server)
        finally:
            os.close(mutex)
        if "problem" in address:
            raise ServerError(address["problem"], hint=address["hint"])
        yield f"dsn:{address['dsn']}"
    finally:
        os.close(users)


def _folder(config: pytest.Config) -> Path:
    """Beside the temporary folders of all processes: xdist gives each one of its own."""
    folder = Path(str(config.getoption("basetemp"))).parent / "pgdyno"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _opened(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _address(folder: Path) -> dict[str, str]:
    """What the keeper wrote; empty where there is none."""
    try:
        told: dict[str, str] = json.loads((folder / ADDRESS).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told


def _started(folder: Path, server: str) -> dict[str, str]:
    """Start a keeper, and wait for what it has to say."""
    command = [sys.executable, "-m", "harness.pytest_plugin.keeper", str(folder), server]
    with (folder / LOG).open("wb") as log:
        keeper = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_S
    while not (told := _address(folder)):
        if keeper.poll() is not None or time.monotonic() > deadline:
            keeper.kill()
            said = (folder / LOG).read_text("utf-8", "replace").strip()
            raise ServerError(
                f"no server for this session: {said[-400:] or 'no word of why'}"
            )
        time.sleep(_POLL_S)
    return told
