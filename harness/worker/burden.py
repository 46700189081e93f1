"""Ops made slower by a known amount of CPU time: to see what a comparison finds.

A burdened op turns an empty loop before it calls the real op. How many turns a nanosecond
buys is measured in the process that will turn them, and what they really took is added up.
Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter_ns, process_time_ns
from typing import Any

_TURNS = 20_000
_LOOKS = 9


@dataclass(slots=True)
class Spent:
    """What burdens took so far, ns by the wall clock: a clock of processor time stands
    still while the host lends the core to others, and the op waits all the same."""

    ns: int = 0


def turns_for(ns: float) -> int:
    """How many turns of the empty loop burn so many nanoseconds here and now."""
    if ns <= 0:
        return 0
    from statistics import median  # brings much along, and few arms are slowed

    per_turn = median(_look() for _ in range(_LOOKS)) / _TURNS
    return round(ns / per_turn)


def _look() -> int:
    start = process_time_ns()
    for _ in repeat(None, _TURNS):
        pass
    return process_time_ns() - start


def burdened(op: Callable[[], Any], turns: int, spent: Spent) -> Callable[[], Any]:
    """The op with so many empty turns before it; it returns what the op returns.

    Also one of no turns is wrapped, so that all burdened arms pay for the same call.
    """

    def slowed() -> Any:
        start = perf_counter_ns()
        for _ in repeat(None, turns):
            pass
        spent.ns += perf_counter_ns() - start
        return op()

    return slowed
