"""Queues of known capacity: what a server under load would answer, from a seed."""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass
from typing import Literal

_NS = 1e9


@dataclass(frozen=True, slots=True)
class Queue:
    """`servers` that take ops from a queue; all of them together answer `capacity` ops a
    second. Service takes a `fixed` time (M/D/c) or is `exponential` (M/M/c).

    `between` is the standard deviation of the logarithm of the capacity between repeats,
    `within` the same between the rates of a repeat: a machine's weather.
    """

    capacity: float
    servers: int = 1
    service: Literal["fixed", "exponential"] = "fixed"
    between: float = 0.0
    within: float = 0.0

    @property
    def name(self) -> str:
        """In Kendall's notation: `M/D/1`."""
        return f"M/{'D' if self.service == 'fixed' else 'M'}/{self.servers}"


@dataclass(frozen=True, slots=True)
class Slot:
    """What ops did that arrived by chance: the last was due at `planned_ns`, the last
    answer came at `wall_ns`; `response_ns` are in the order in which ops were due."""

    planned_ns: int
    wall_ns: int
    response_ns: list[int]


def slot(
    rng: random.Random, queue: Queue, rate: float, seconds: float, luck: float = 0.0
) -> Slot:
    """A rate for so many seconds, first come, first served, beginning with nobody waiting.
    `luck` is the logarithm of what the repeat's capacity differs by."""
    capacity = queue.capacity * math.exp(luck + rng.gauss(0, queue.within))
    mean = queue.servers / capacity
    fixed, draw = queue.service == "fixed", rng.expovariate
    free, due, last = [0.0] * queue.servers, 0.0, 0.0
    responses = []
    for _ in range(round(rate * seconds)):
        due += draw(rate)
        done = max(due, free[0]) + (mean if fixed else draw(1 / mean))
        heapq.heapreplace(free, done)
        last = max(last, done)
        responses.append(max(1, round((done - due) * _NS)))
    return Slot(round(due * _NS), round(last * _NS), responses)
