"""Files that get their names when they are complete."""

from __future__ import annotations

import contextlib
import filecmp
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.core.errors import ResultsError


class NameTakenError(ResultsError):
    """Something else has the name of a file that was to be written."""


@contextlib.contextmanager
def published(
    path: Path, replaces: Callable[[Path], bool] = lambda _: False
) -> Iterator[Path]:
    """A file to write, which gets its name at the end of the block: nobody ever sees a part
    of it. A file that is there is kept if it says the same, and replaced if `replaces`
    says so.

    Raises:
        ResultsError: it cannot be written.
        NameTakenError: something else has its name.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield fresh
            if not path.exists() or replaces(path):
                fresh.replace(path)
            elif not filecmp.cmp(fresh, path, shallow=False):
                raise NameTakenError(
                    f"{path} exists already, and says something else",
                    hint="results are never overwritten: name another --out",
                )
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise ResultsError(
            f"{path} cannot be written: {error.strerror}", hint="name another --out"
        ) from error
