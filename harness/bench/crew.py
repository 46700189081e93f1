"""The seats of a run, and how all of them do something at the same time.

Only what is not timed is done side by side: on two cores workers are started, sessions
opened and answers verified in half of the time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

from harness.core import interrupt
from harness.core.arms import Arm
from harness.machine import host
from harness.machine.host import NOWHERE, Placement
from harness.play.admission import LEAVING_S
from harness.play.process import Launch
from harness.play.seat import Deadlines, Seat
from harness.venue.control import connected
from harness.venue.venue import Venue

DEADLINES = Deadlines(open=20, verify=30, measure=30)
_LOOK_S = 0.5

Act = Callable[[Seat], None]


class Crew:
    """Seats that work side by side, each from a thread of its own and with a control
    connection of its own.

    A worker ends with the thread that started it, so threads last as long as the crew.
    """

    def __init__(
        self,
        seats: Sequence[Seat],
        *,
        together: bool,
        placement: Placement = NOWHERE,
    ) -> None:
        self.seats = {seat.arm.id: seat for seat in seats}
        self._clients = placement.clients
        self._shares = [
            cores for cores in (placement.clients, placement.server) if cores
        ] or [()]
        self._turn = 0
        self._together = together and len(seats) > 1
        roam = partial(_roam, placement.free)
        self._threads = ThreadPoolExecutor(max(1, len(seats)), "seat", roam)

    def each(
        self,
        seats: Sequence[Seat],
        act: Act,
        *,
        together: bool = True,
        spread: bool = False,
    ) -> None:
        """Let seats do something that is not timed, and wait for all of them.

        `spread` lets half of the clients do it on the server's core: where it has nothing
        to do for them. Otherwise all backends work there, as much as all clients do. What
        interrupts the wait ends their workers, so that nobody waits for long.
        """
        if not (together and self._together):
            for seat in seats:
                interrupt.check()
                act(seat)
            return
        if spread:
            self._spread(seats)
        futures = [self._threads.submit(act, seat) for seat in seats]
        try:
            _await(futures)
        except BaseException:
            for seat in seats:
                seat.kill()
                seat.control.abandon()
            wait(futures)
            raise
        for future in futures:
            future.result()
        if spread:
            self._gather(seats)

    def _spread(self, seats: Sequence[Seat]) -> None:
        """One core for each client, and both cores for all of them; who is where changes
        from one time to the next. A library that sizes its threads by its cores has one."""
        self._turn += 1
        for number, seat in enumerate(seats):
            cores = self._shares[(number + self._turn) % len(self._shares)]
            seat.loads_on = list(cores)
            if cores and seat.pid:
                host.move(seat.pid, cores)

    def _gather(self, seats: Sequence[Seat]) -> None:
        """All clients on their core, where they are timed."""
        for seat in seats if self._clients else ():
            if seat.pid:
                host.move(seat.pid, self._clients)

    def disband(self) -> None:
        """End all workers, then the threads that started them."""
        for seat in self.seats.values():
            seat.dismiss()
        self._threads.shutdown()


def _roam(cores: Sequence[int]) -> None:
    """Let this thread, which does nothing while somebody is timed, use all cores."""
    if cores:
        with suppress(OSError):
            os.sched_setaffinity(0, cores)


def _await(futures: Sequence[Future[None]]) -> None:
    pending = set(futures)
    while pending:
        _, pending = wait(pending, timeout=_LOOK_S)
        interrupt.check()


@contextmanager
def assembled(
    place: Venue, arms: Sequence[Arm], placement: Placement, *, together: bool = True
) -> Iterator[Crew]:
    """A crew for these arms, none of its workers started yet; gone when the body ends.

    Where the server has no session to spare for each of them all share the control
    connection of the venue, and work one after another.
    """
    with ExitStack() as stack:
        seats = []
        for arm in arms:
            control = place.control
            if together:
                target = place.server.target
                control = stack.enter_context(connected(target, LEAVING_S))
            cores, launch = list(placement.clients), Launch(priority=placement.priority)
            seats.append(
                Seat(arm, place.stage, control, place.folder, cores, DEADLINES, launch)
            )
        crew = Crew(seats, together=together, placement=placement)
        stack.callback(crew.disband)
        yield crew
