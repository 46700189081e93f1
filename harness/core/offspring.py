"""End when the parent does: as a program of one's own, or by becoming another one.

Linux sends the signal when the thread that started a process ends, however that one ends.
A worker asks for it itself (`end_with_parent`). For the programs of others there is a
script, `offspring.py SIGNAL PARENT USER GROUP PROGRAM ARGUMENT…`: a program of its own
because code between fork and exec is unsafe beside threads (`preexec_fn`), and because a
change of user would undo what was asked for before it. USER and GROUP are numbers, -1
changes nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFSZ")  # what is ignored stays so in the program


def command(
    program: Sequence[str], ends_by: signal.Signals, user: int = -1, group: int = -1
) -> list[str]:
    """The command that runs a program as a child of this process, and never longer."""
    who = [str(int(ends_by)), str(os.getpid()), str(user), str(group)]
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), *who, *program]


def become(ends_by: int, parent: int, user: int, group: int, program: list[str]) -> None:
    """Change the user, ask for the signal, and become the program."""
    if user >= 0:
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    end_with_parent(ends_by, parent)
    for name in _IGNORED_BY_PYTHON:
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(program[0], program)
    except OSError as error:
        sys.exit(f"{program[0]} cannot be run: {error.strerror}")


def end_with_parent(ends_by: int, parent: int) -> None:
    """Let Linux send this process a signal when the thread that started it ends."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ends_by, 0, 0, 0)
    if os.getppid() != parent:  # it died before we could ask
        sys.exit("the process that started this one has ended")


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[1:5]]
    become(numbers[0], numbers[1], numbers[2], numbers[3], sys.argv[5:])
