"""Programs that run as a server's user: as our children, and never longer than we do."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core import offspring
from harness.core.errors import ServerError
from harness.servers.folder import Account, Folder

RUN_S = 120.0
"""How long a program may take that is no server: initdb, say."""

_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_KILLED_S = 5.0
_HINTS = (
    ("No space left on device", "free some disk or shared memory, or set TMPDIR elsewhere"),
    ("could not map anonymous shared memory", "free some memory: it needs 256 MB at least"),
    ("Permission denied", "set TMPDIR to a folder that the server's user may execute in"),
    ("error while loading shared libraries", "this installation lacks a library"),
    ("Address already in use", "ports are taken faster than they can be used: try again"),
)


def environment() -> dict[str, str]:
    """No PG* variable, and no secret of ours in a process of another user."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**kept, "LC_ALL": "C"}


def identity(account: Account | None) -> dict[str, Any]:
    """The arguments of Popen that change the user."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def run(
    command: Sequence[str | Path], account: Account | None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and keep what it says.

    Raises:
        ServerError: it does not come to its end.
    """
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # it ends with all that it started
        **identity(account),
    ) as process:
        try:
            said, complained = process.communicate(timeout=RUN_S)
        except subprocess.TimeoutExpired:
            _kill_group(process)
            raise ServerError(
                f"{command[0]} does not end within {RUN_S:.0f} s",
                hint="is the machine, or its disk, very busy?",
            ) from None
        except BaseException:
            _kill_group(process)
            raise
    return subprocess.CompletedProcess(command, process.returncode, said, complained)


def spawn(
    command: Sequence[str | Path],
    folder: Folder,
    cwd: Path,
    ends_by: signal.Signals = signal.SIGQUIT,
) -> subprocess.Popen[bytes]:
    """Start a program that writes to the folder's log, and ends when we are killed.

    Linux ends it together with the thread that calls this, however that one ends.
    """
    account = folder.account
    user, group = (account.uid, account.gid) if account else (-1, -1)
    with folder.log.open("wb") as log:
        return subprocess.Popen(
            offspring.command([str(part) for part in command], ends_by, user, group),
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is for us, we stop it ourselves
        )


def end(
    process: subprocess.Popen[bytes], patience_s: Mapping[signal.Signals, float]
) -> None:
    """Ask it to end, signal by signal, and kill it when every patience is over."""
    try:
        for signum, seconds in patience_s.items():
            process.send_signal(signum)
            process.send_signal(signal.SIGCONT)  # a stopped process obeys nobody
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
                return
    finally:  # also when a Ctrl-C ends our patience
        if process.poll() is None:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_KILLED_S)  # one that waits for its disk cannot even be killed


def _kill_group(process: subprocess.Popen[str]) -> None:
    """Kill a program and what it started, stopped or not."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def tail(text: str, lines: int = 8) -> str:
    """The end of a log."""
    return "\n".join(text.strip().splitlines()[-lines:]) or "no word of why"


def hint(text: str) -> str:
    """What to do about an error that a log tells; empty if it is none that we know."""
    return next((hint for sign, hint in _HINTS if sign in text), "")
