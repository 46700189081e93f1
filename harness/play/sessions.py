"""How seats that work side by side share the sessions that a server grants."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

from harness.core.cells import Cell
from harness.venue.limits import SESSIONS_OF_A_SEAT, sessions_of

_OF_A_SEAT = SESSIONS_OF_A_SEAT + 1


class SharedSessions:
    """Every seat has one session beside its control connection; more are lent.

    Where a server grants few, some seats wait until others are done.
    """

    def __init__(self, sessions: int, seats: int, cells: Sequence[Cell]) -> None:
        """`cells` are those the server has sessions for at all."""
        most = max((sessions_of(cell) - 1 for cell in cells), default=0)
        at_once = max(1, min(seats, (sessions - most) // _OF_A_SEAT))
        self._places = threading.Semaphore(at_once)
        self._to_lend = sessions - _OF_A_SEAT * at_once
        self._lent = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def seat(self) -> Iterator[None]:
        """A place among those that work at the same time."""
        with self._places:
            yield

    @contextlib.contextmanager
    def for_cell(self, cell: Cell) -> Iterator[None]:
        """The sessions of a cell beside the first, lent for as long as it is played."""
        more = sessions_of(cell) - 1
        with self._changed:
            self._changed.wait_for(lambda: self._fits(more))
            self._lent += more
        try:
            yield
        finally:
            with self._changed:
                self._lent -= more
                self._changed.notify_all()

    def _fits(self, more: int) -> bool:
        return not self._lent or self._lent + more <= self._to_lend
