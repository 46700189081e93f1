"""Files that a command writes where the user says."""

from __future__ import annotations

from pathlib import Path

from harness.core.errors import ResultsError


def write(path: Path, content: bytes) -> Path:
    """Write a file, and the folders above it where they are missing; its path.

    Raises:
        ResultsError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise ResultsError(
            f"{path} cannot be written: {error.strerror}", hint="name another --out"
        ) from error
    return path
