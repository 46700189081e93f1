"""The promise of a network, and how it is kept: what a null op takes more through it.

A null op is an empty simple query: one message there, two short ones back, no work. It is
asked over the network and without it in turns, so that what else the machine does is in
both. A delay process has costs of its own, which depend on the machine: calibrating takes
them off the time for which it holds what passes.
"""

from __future__ import annotations

import contextlib
import heapq
import select
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any

from harness.core.calls import Target
from harness.core.errors import ServerError
from harness.servers.routes.way import connect

TOGETHER = 16
"""So many connections are asked at once besides a single one."""

_SPACING_NS = 400_000
"""Connections that are asked at once begin one after another, and none asks again before
all had their turn: 2,500 null ops a second at most. More would measure how fast the
processes work, not how late the network is."""
_CALIBRATING_S, _MEASURING_S = 0.3, 0.5
_ATTEMPTS = 3
_EXACT_NS, _EXACT_SHARE = 5_000, 0.005
_SHORT_NS = 2_000_000
"""On a network as near as this, several connections that take turns are late by more than a
single one: the processor does each thing for the first time. Half of that is taken from
both, at most so much:"""
_MOST_SHARED_NS = 25_000
_EACH = 10
_FEWEST, _MOST = 5, 200
_ANSWER_S = 10.0


@dataclass(frozen=True, slots=True)
class Extra:
    """What null ops took more through a route, in ns, with so many connections at once;
    `base_ns` is the median without it."""

    connections: int
    base_ns: int
    more_ns: tuple[int, ...]

    @property
    def median_ns(self) -> int:
        """The middle of them."""
        return round(median(self.more_ns))

    def percentile_ns(self, percent: int) -> int:
        """So many of a hundred are not longer."""
        ranked = sorted(self.more_ns)
        return ranked[min(len(ranked) - 1, len(ranked) * percent // 100)]


def calibrate(
    base: Target, through: Target, rtt_ns: int, hold: Callable[[int], None]
) -> None:
    """Let a delay hold what passes for so long that a round trip takes what it shall.

    Lower quartiles are compared: what others do on a busy machine makes ops longer, and
    is no cost of the delay.
    """
    hold_ns = rtt_ns // 2
    pairs = _count(rtt_ns, _CALIBRATING_S)
    with _connected(base) as without, _connected(through) as within:
        for _ in range(_ATTEMPTS):
            wrong_ns = _difference(*_in_turns(without, within, pairs)) - rtt_ns
            if abs(wrong_ns) < max(_EXACT_NS, _EXACT_SHARE * rtt_ns):
                break
            hold_ns = max(0, hold_ns - wrong_ns // 2)
            hold(hold_ns)
    if rtt_ns < _SHORT_NS:
        both = _together(base, _EACH), _together(through, _EACH)
        later_ns = _difference(*both) - rtt_ns
        hold(max(0, hold_ns - min(max(0, later_ns // 2), _MOST_SHARED_NS) // 2))


def measured(base: Target, through: Target, rtt_ns: int) -> tuple[Extra, Extra]:
    """What null ops take more, for one connection and for several at once."""
    count = _count(rtt_ns, _MEASURING_S)
    with _connected(base) as without, _connected(through) as within:
        base_ns, through_ns = _in_turns(without, within, count)
    single = _extra(1, base_ns, through_ns)
    each = max(2, count // TOGETHER)
    return single, _extra(TOGETHER, _together(base, each), _together(through, each))


def _extra(connections: int, base_ns: Sequence[int], through_ns: Sequence[int]) -> Extra:
    middle_ns = round(median(base_ns))
    return Extra(connections, middle_ns, tuple(ns - middle_ns for ns in through_ns))


def _difference(base_ns: Sequence[int], through_ns: Sequence[int]) -> int:
    """By how much the lower quartiles differ."""
    return sorted(through_ns)[len(through_ns) // 4] - sorted(base_ns)[len(base_ns) // 4]


def _count(rtt_ns: int, seconds: float) -> int:
    return int(min(_MOST, max(_FEWEST, seconds * 1e9 / max(rtt_ns, 1))))


@contextlib.contextmanager
def _connected(target: Target) -> Iterator[Any]:
    """A libpq connection of its own, that has asked once."""
    with contextlib.closing(connect(target)) as connection:
        connection.pgconn.exec_(b"")
        yield connection.pgconn


def _in_turns(without: Any, within: Any, pairs: int) -> tuple[list[int], list[int]]:
    """How long null ops take without a route, and through it."""
    took: tuple[list[int], list[int]] = ([], [])
    for _ in range(pairs):
        for connection, times_ns in zip((without, within), took, strict=True):
            begun = time.perf_counter_ns()
            connection.exec_(b"")
            times_ns.append(time.perf_counter_ns() - begun)
    return took


def _together(target: Target, each: int) -> Sequence[int]:
    """How long null ops take while several connections ask."""
    with contextlib.ExitStack() as stack:
        opened = [_connected(target) for _ in range(TOGETHER)]
        with ThreadPoolExecutor(TOGETHER) as threads:  # each waits for several round trips
            asked = list(threads.map(stack.enter_context, opened))
        return _Asking(asked, each).run()


class _Asking:
    """Several connections that ask and wait, in one thread."""

    def __init__(self, connections: Sequence[Any], each: int) -> None:
        begun = time.perf_counter_ns()
        self._due = [
            (begun + number * _SPACING_NS, number) for number in range(len(connections))
        ]
        self._connections = connections
        self._left = [each] * len(connections)
        self._asked_ns: dict[int, int] = {}
        self._took_ns: list[int] = []

    def run(self) -> Sequence[int]:
        """Until each has asked as often as it should."""
        while self._due or self._asked_ns:
            self._ask()
            now_ns = time.perf_counter_ns()
            wait_ns = self._due[0][0] - now_ns if self._due else _ANSWER_S * 1e9
            sockets = {self._connections[key].socket: key for key in self._asked_ns}
            ready, _, _ = select.select(list(sockets), [], [], max(0.0, wait_ns / 1e9))
            if not (ready or self._due):
                raise ServerError(f"a null op was not answered within {_ANSWER_S:.0f} s")
            for descriptor in ready:
                self._answered(sockets[descriptor])
        return self._took_ns

    def _ask(self) -> None:
        while self._due and self._due[0][0] <= time.perf_counter_ns():
            _, number = heapq.heappop(self._due)
            self._asked_ns[number] = time.perf_counter_ns()
            self._connections[number].send_query(b"")

    def _answered(self, number: int) -> None:
        connection = self._connections[number]
        connection.consume_input()
        if connection.is_busy():
            return
        now_ns = time.perf_counter_ns()
        while connection.get_result() is not None:
            pass
        asked_ns = self._asked_ns.pop(number)
        self._took_ns.append(now_ns - asked_ns)
        self._left[number] -= 1
        if self._left[number]:
            due_ns = max(now_ns, asked_ns + TOGETHER * _SPACING_NS)
            heapq.heappush(self._due, (due_ns, number))
