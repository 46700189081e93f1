"""When a client waits: the one thing that no stream of bytes tells.

Whether a client would have spoken on before an answer came depends on who was faster, and
counts that depend on it differ from one time to the next. So a proxy hands an answer on
only when the client waits for it: all threads of its process are asleep, and it has said
nothing more. Where a system does not tell that, a pause does: the client has said nothing
for `PAUSE_S`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

PAUSE_S = 0.005
LONGEST_S = 2.0
"""How long an answer is held for a client that works and works, s."""
LATER_S = 0.02
"""The same for one that never slept in `LONGEST_S`."""
_ASLEEP = b"StTZXxI"
_STAT_BYTES = 128
"""More than stand before the state: a number, and a name of 64 bytes at most."""


class Doing(Enum):
    """What a client does."""

    WORKS = auto()
    WAITS = auto()
    DONE = auto()  # with what it was asked to do: it waits for nobody but us


class Client:
    """A process whose answers are held until it waits. `busy` says whether it is still at
    what it was asked to do."""

    def __init__(self, pid: Callable[[], int], busy: Callable[[], bool]) -> None:
        self._pid = pid
        self._busy = busy

    def does(self, silent_s: float) -> Doing:
        """What it does now; it has said nothing for `silent_s`."""
        asleep = is_asleep(self._pid())
        if asleep is None:
            asleep = silent_s >= PAUSE_S
        # In this order: it says that it is done before it falls asleep.
        if not asleep:
            return Doing.WORKS
        return Doing.WAITS if self._busy() else Doing.DONE


def is_asleep(pid: int) -> bool | None:
    """Whether all threads of a process wait for something; None if nobody can tell."""
    folder = f"/proc/{pid}/task"
    try:
        return all(_state(f"{folder}/{number}") in _ASLEEP for number in os.listdir(folder))  # noqa: PTH208
    except OSError:
        return None if not Path("/proc/self/task").exists() else True


def _state(thread: str) -> bytes:
    """The letter of a thread's state; that of a dead one if it has just ended.

    It is asked for each answer that is held: a file object would take twice as long.
    """
    try:
        number = os.open(f"{thread}/stat", os.O_RDONLY)
    except OSError:
        return b"X"
    try:
        told = os.read(number, _STAT_BYTES)
    except OSError:
        return b"X"
    finally:
        os.close(number)
    return told[told.rindex(b")") + 2 :][:1]
