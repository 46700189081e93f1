"""The thread that starts and ends what a run has beside its server.

Linux ends a process together with the thread that started it, and a seat's thread may be
gone before the run is; so one thread of our own does all of it, one thing at a time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")


class Keeper:
    """It has no thread before it is first used."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._kept = contextlib.ExitStack()
        self._used = False

    def do(self, call: Callable[[], _T]) -> _T:
        """Let the thread do it. An interrupt of ours does not interrupt it."""
        self._used = True
        return self._thread.submit(call).result()

    def enter(self, context: contextlib.AbstractContextManager[_T]) -> _T:
        """Keep something until `close`; for use by what the thread does."""
        return self._kept.enter_context(context)

    def close(self) -> None:
        """End all that is kept, and what is still being started after an interrupt."""
        try:
            if self._used:
                self.do(self._kept.close)
        finally:
            self._thread.shutdown()
