"""A lock on a job in a folder: who holds it runs the job.

The kernel lets go of it when its holder ends, also by `kill -9`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from harness.core.errors import ResultsError


@contextlib.contextmanager
def held(folder: Path, job: str) -> Iterator[None]:
    """Nobody else runs this job into this folder meanwhile; or what else has such a name.

    Raises:
        ResultsError: somebody does, or nothing can be written there.
    """
    path = folder / f".{job}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _locked(path)
    except BlockingIOError as error:
        raise ResultsError(
            f"another process runs {job} into {folder}", hint="wait for it to end"
        ) from error
    except OSError as error:
        raise ResultsError(
            f"{folder} cannot be written: {error.strerror}", hint="name another --out"
        ) from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(lock)


def _locked(path: Path) -> int:
    """The lock; taken again where its last holder removed it in the meantime."""
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(path, lock):
                return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def _is_still(path: Path, lock: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(lock))
    except FileNotFoundError:
        return False
