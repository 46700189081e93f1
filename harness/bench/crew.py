"""The seats of a run, and how all of them do something at the same time.

Only what is not timed is done side by side: on two cores workers are started, sessions
opened and answers verified in half of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager

from harness.core import interrupt
from harness.core.arms import Arm
from harness.machine.host import Placement
from harness.play.process import Launch
from harness.play.seat import LEAVING_S, Deadlines, Seat
from harness.venue.control import connected
from harness.venue.venue import Venue

DEADLINES = Deadlines(open=20, verify=30, measure=30)
_LOOK_S = 0.5

Act = Callable[[Seat], None]
Cores = tuple[int, ...]


class Crew:
    """Seats that work side by side, each from a thread of its own and with a control
    connection of its own.

    A worker ends with the thread that started it, so threads last as long as the crew.
    """

    def __init__(
        self, seats: Sequence[Seat], *, together: bool, loading: Sequence[Cores] = ((),)
    ) -> None:
        """`loading` are the cores on which drivers may be loaded, for one worker each."""
        self.seats = {seat.arm.id: seat for seat in seats}
        self._loading = loading
        self._spreads = 0
        self._together = together and len(seats) > 1
        self._threads = ThreadPoolExecutor(max(1, len(seats)), "seat")

    def each(self, seats: Sequence[Seat], act: Act, *, together: bool = True) -> None:
        """Let seats do something, and wait for all of them.

        What interrupts the wait ends their workers, so that nobody waits for long.
        """
        if not (together and self._together):
            for seat in seats:
                interrupt.check()
                act(seat)
            return
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

    def spread(self, seats: Sequence[Seat]) -> None:
        """Let half of the next workers load their drivers on the server's core, which has
        nothing to do then; who does, changes from one time to the next."""
        self._spreads += 1
        for number, seat in enumerate(seats):
            cores = self._loading[(number + self._spreads) % len(self._loading)]
            seat.loads_on = list(cores)

    def disband(self) -> None:
        """End all workers, then the threads that started them."""
        for seat in self.seats.values():
            seat.dismiss()
        self._threads.shutdown()


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
        loading = (placement.clients, *filter(None, [placement.server]))
        crew = Crew(seats, together=together, loading=loading)
        crew.spread(seats)
        stack.callback(crew.disband)
        yield crew
