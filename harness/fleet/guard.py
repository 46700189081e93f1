"""A process beside a job: whatever becomes of Dask's worker, the job ends with it.

It sleeps in one system call until the job ends or the pipe that is its stdin closes, so
it takes nothing from what is measured. A worker that is killed closes the pipe, too, and a
guard that is killed takes its job with it: no job measures on beside the next one. Where
nobody is left to take the folder of the job away, the guard does. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence

from harness.core import offspring

PATIENCE_S = 20.0
"""How long a job may put away its server and sessions before it is killed."""


def main(folder: str, command: Sequence[str]) -> int:
    """Run a command in a session of its own until it ends or stdin closes; its code."""
    signal.signal(signal.SIGINT, lambda *_: None)  # who started this says when to end
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # the job takes it
    job = subprocess.Popen(
        offspring.command(command, signal.SIGINT),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    ended = os.pidfd_open(job.pid)
    wanted = _first(ended, sys.stdin.fileno())
    if not wanted:
        job.send_signal(signal.SIGINT)
        _first(ended, seconds=PATIENCE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGKILL)  # what is left of it
    code = job.wait()
    if not wanted:
        shutil.rmtree(folder, ignore_errors=True)
    return code if code >= 0 else 128 - code


def _first(ended: int, *others: int, seconds: float | None = None) -> bool:
    """Wait for any of these; whether the job ended."""
    ready, _, _ = select.select([ended, *others], [], [], seconds)
    return ended in ready


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
