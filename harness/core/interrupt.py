"""Ctrl-C and SIGTERM, so that neither is lost.

The handler raises `KeyboardInterrupt` wherever the main thread is. Where that happens to
be a destructor, Python prints the exception and goes on; so it is also remembered, and
whoever works on for long asks `check` now and then.
"""

from __future__ import annotations

import signal
from types import FrameType

_requested = False


def install() -> None:
    """End on SIGINT and SIGTERM alike, with everything put away."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _handle)


def check() -> None:
    """Raise an interrupt that was asked for and got lost."""
    global _requested
    if _requested:
        _requested = False
        raise KeyboardInterrupt


def _handle(_signal: int, _frame: FrameType | None) -> None:
    global _requested
    _requested = True
    raise KeyboardInterrupt
