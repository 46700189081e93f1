"""A standard stream that may get lost while a run goes on.

A terminal is closed, the reader of a pipe goes away, a disk is full. A run of an hour
shall not end for that, and its exit code is still the answer to who asked; but an answer
that was not written is said to be lost.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
from collections.abc import Callable
from typing import Any, TextIO


class Outlet:
    """Writes to a stream for as long as it takes anything."""

    def __init__(self, stream: TextIO | None) -> None:
        """None is what Python makes of a stream that was closed from the start."""
        self._stream = stream or io.StringIO()
        self._lost: OSError | None = None

    @property
    def complaint(self) -> str:
        """Why not all was written; empty if it was, or if the reader wanted no more."""
        if self._lost is None or self._lost.errno == errno.EPIPE:
            return ""
        return os.strerror(self._lost.errno) if self._lost.errno else str(self._lost)

    def write(self, text: str) -> int:
        """Write, or drop the text where nobody takes it any more."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Hand on what is kept back."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, act: Callable[[], object]) -> None:
        if self._lost is not None:
            return
        try:
            act()
        except OSError as error:
            self._lost = error
            self._divert()

    def _divert(self) -> None:
        """What is still kept back would fail again when the interpreter ends."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
