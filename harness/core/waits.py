"""How long this process and its server processes waited for a processor. Standard library
only.

The kernel counts it for each thread (`/proc/…/schedstat`: ns on a processor, ns ready to
run and without one). The files stay open, so that a look costs a few microseconds.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

_LINE_BYTES = 64
_FOLDERS_OF_ONE_THREAD = 3  # `.`, `..` and the thread


class Waits:
    """The waiting of this process, and of the processes that are watched."""

    def __init__(self) -> None:
        self._own = _opened("/proc/self/schedstat")
        self._threads = Path("/proc/self/task")
        self._watched: list[int] = []

    def watch(self, pids: Sequence[int]) -> None:
        """Look at these processes from now on, if they can all be read."""
        self.forget()
        for pid in pids:
            file = _opened(f"/proc/{pid}/schedstat")
            if file is None:
                self.forget()
                return
            self._watched.append(file)

    def forget(self) -> None:
        """Watch no other process any more."""
        while self._watched:
            os.close(self._watched.pop())

    def client_ns(self) -> int | None:
        """Of all threads of this process since they began; None if nobody tells."""
        if self._own is None:
            return None
        with contextlib.suppress(OSError):
            if self._threads.stat().st_nlink > _FOLDERS_OF_ONE_THREAD:
                return sum(map(_of_thread, self._threads.iterdir()))
            return _waited(self._own)
        return None

    def server_ns(self) -> int | None:
        """Of the watched processes; None without any, or when one is gone."""
        with contextlib.suppress(OSError):
            return sum(map(_waited, self._watched)) if self._watched else None
        return None


def _of_thread(folder: Path) -> int:
    """The waiting of one of our threads; none if it has just ended."""
    with contextlib.suppress(OSError, IndexError):
        return int((folder / "schedstat").read_bytes().split()[1])
    return 0


def _waited(file: int) -> int:
    return int(os.pread(file, _LINE_BYTES, 0).split()[1])


def _opened(path: str) -> int | None:
    """A file of the kernel's, if it is there and can be read."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _waited(file)
        except BaseException:
            os.close(file)
            raise
        return file
    return None
