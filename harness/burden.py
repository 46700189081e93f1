"""Ops made slower by a known amount of CPU time: to see what a comparison finds.

A burdened op turns an empty loop before it calls the real op. How many turns a nanosecond
buys is measured in the process that will turn them. Standard library only.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from itertools import repeat
from time import process_time_ns
from typing import Any

_TURNS = 20_000
_LOOKS = 9


def turns_for(ns: float) -> int:
    """How many turns of the empty loop burn so many nanoseconds here and now."""
    if ns <= 0:
        return 0
    per_turn = statistics.median(_look() for _ in range(_LOOKS)) / _TURNS
    return round(ns / per_turn)


def _look() -> int:
    start = process_time_ns()
    for _ in repeat(None, _TURNS):
        pass
    return process_time_ns() - start


def burdened(op: Callable[[], Any], turns: int) -> Callable[[], Any]:
    """The op with so many empty turns before it; it returns what the op returns.

    Also one of no turns is wrapped, so that all burdened arms pay for the same call.
    """

    def slowed() -> Any:
        for _ in repeat(None, turns):
            pass
        return op()

    return slowed
