"""Programs that run as a server's user: as our children, and never longer than we do."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.servers.folder import Account, Folder

_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_PR_SET_PDEATHSIG = 1
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
    """Run a program to its end and keep what it says."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        **identity(account),
    )


def spawn(
    command: Sequence[str | Path],
    folder: Folder,
    cwd: Path,
    ends_by: signal.Signals = signal.SIGQUIT,
) -> subprocess.Popen[bytes]:
    """Start a program that writes to the folder's log, and ends when we are killed.

    Linux ends it together with the thread that calls this, however that one ends.
    """
    with folder.log.open("wb") as log, warnings.catch_warnings():
        # From CPython 3.12 on: code between fork and exec beside threads. It is one call.
        warnings.simplefilter("ignore", DeprecationWarning)
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is for us, we stop it ourselves
            preexec_fn=_die_with_parent(ends_by),
            **identity(folder.account),
        )


def end(
    process: subprocess.Popen[bytes], patience_s: Mapping[signal.Signals, float]
) -> None:
    """Ask it to end, signal by signal, and kill it when every patience is over."""
    try:
        for signum, seconds in patience_s.items():
            process.send_signal(signum)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
                return
    finally:  # also when a second Ctrl-C ends our patience
        if process.poll() is None:
            process.kill()
            process.wait()


def tail(text: str, lines: int = 8) -> str:
    """The end of a log."""
    return "\n".join(text.strip().splitlines()[-lines:]) or "no word of why"


def hint(text: str) -> str:
    """What to do about an error that a log tells; empty if it is none that we know."""
    return next((hint for sign, hint in _HINTS if sign in text), "")


def _die_with_parent(signum: signal.Signals) -> Callable[[], None] | None:
    """On Linux: the signal when the thread that started it ends, however it ends.

    It is asked for after the change of user, which would undo it.
    """
    if sys.platform != "linux":
        return None
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return ask
