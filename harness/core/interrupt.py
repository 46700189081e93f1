"""Signals that end a run: Ctrl-C, SIGTERM, a closed terminal (SIGHUP), Ctrl-\\ (SIGQUIT).

The first one raises `KeyboardInterrupt` wherever the main thread is, so that everything is
put away. Where that happens to be a destructor, Python prints the exception and goes on;
so it is also remembered, and whoever works on for long asks `check` now and then. Where
half of a thing would be left behind, `deferred` makes it wait.

The second one ends the process within `PATIENCE_S`, whatever it waits for; a third does so
at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from harness.core.errors import EXIT_INTERRUPTED

PATIENCE_S = 5.0
"""How long a run may still tidy up when it was told twice to end."""
ECHO_S = 0.2
"""A terminal that closes may send its signal twice: that is one wish to end, not two."""

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")  # not every system has all of them

_requested = False  # not yet raised, or raised where it may have got lost
_deferrals = 0
_received: list[float] = []  # when a wish to end came
_last_resorts: list[Callable[[], None]] = []


def install() -> None:
    """End on each of these signals alike, with everything put away.

    A run under `nohup` goes on when its terminal closes.
    """
    global _requested
    _requested = False
    _received.clear()
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is None:
            continue
        if name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN:
            continue
        signal.signal(number, _handle)


def check() -> None:
    """Raise an interrupt that was asked for and got lost; in the main thread only, which
    is the one that puts everything away."""
    global _requested
    here = threading.current_thread() is threading.main_thread()
    if here and _requested and not _deferrals:
        _requested = False
        raise KeyboardInterrupt


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Finish the block first; an interrupt that came meanwhile is raised after it.

    Signals only ever interrupt the main thread, so in others there is nothing to defer.
    """
    global _deferrals
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = len(_received)
    _deferrals += 1
    try:
        yield
    finally:
        _deferrals -= 1
    if len(_received) > before:
        check()


@contextlib.contextmanager
def last_resort(act: Callable[[], None]) -> Iterator[None]:
    """What else is to be done, should the process have to end inside of the block."""
    _last_resorts.append(act)
    try:
        yield
    finally:
        _last_resorts.remove(act)


def _handle(_signal: int, _frame: FrameType | None) -> None:
    global _requested
    now = time.monotonic()
    if _received and now - _received[-1] < ECHO_S:
        return
    _received.append(now)
    if len(_received) == 1:
        _requested = True
        if not _deferrals:
            raise KeyboardInterrupt
    elif len(_received) == 2:
        threading.Thread(target=_end, args=(PATIENCE_S,), daemon=True).start()
    else:
        _end(0.0)


def _end(patience_s: float) -> None:
    """End the process without asking anybody who may not answer."""
    time.sleep(patience_s)
    for act in reversed(_last_resorts):
        with contextlib.suppress(Exception):
            act()
    os._exit(EXIT_INTERRUPTED)
