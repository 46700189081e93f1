"""A folder for what is needed while an environment is made: gone afterwards, however that
ended.

Its maker holds a lock on it. The kernel lets go of the lock when the maker ends, also by
`kill -9`, so whoever makes the next folder knows which ones nobody needs any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "pgdyno-source-"
_YOUNG_S = 60.0
"""The time that a maker has to lock what it made."""


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """An empty folder, and none that a killed run left behind."""
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        lock = os.open(name, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield Path(name)
        finally:
            os.close(lock)


def _sweep(place: Path) -> None:
    for path in place.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # of another user, or somebody was faster
            _remove_unused(path)


def _remove_unused(path: Path) -> None:
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        told = os.fstat(lock)
        if told.st_uid == os.geteuid() and time.time() - told.st_mtime > _YOUNG_S:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(lock)
