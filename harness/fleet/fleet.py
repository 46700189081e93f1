"""Carries the jobs of a ledger to machines and their results home, until all are done.

Nobody's clock is compared with another's: this process waits by its own monotonic clock,
and a machine tells how long something took, never when it was.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, Protocol

from distributed import Client
from distributed.scheduler import KilledWorker

from harness.core import interrupt
from harness.fleet import landing, quiet
from harness.fleet.connection import GONE, SchedulerGoneError
from harness.fleet.flights import Flights
from harness.fleet.ledger import Ledger, Try
from harness.fleet.roster import Roster
from harness.jobs.job import Job

LOOK_S = 1.0
"""So often is looked which machines there are."""
GRACE_S = 60.0
"""How long a fleet waits for a machine when it has none for what is left."""


class FleetListener(Protocol):
    """Who tells a person what happens."""

    def say(self, text: str) -> None:
        """Something happened that stays on the screen."""

    def show(self, fleet: Fleet) -> None:
        """Draw what is going on, where that is drawn."""


class Fleet:
    """A scheduler's client, the machines that it has, and what runs on them."""

    def __init__(
        self,
        ledger: Ledger,
        out: Path,
        listener: FleetListener,
        connect: Callable[[], Client],
        grace_s: float = GRACE_S,
    ) -> None:
        self.ledger, self.out, self.listener = ledger, out, listener
        self._connect, self._grace_s = connect, grace_s
        self.client = connect()
        self.roster = Roster(listener.say)
        self.flights = Flights()
        self._told_aside: set[str] = set()
        self._busy_at = time.monotonic()

    def remember(self, done: Iterable[tuple[Job, str]]) -> None:
        """Which machines did jobs before, as results call them."""
        for job, hashed in done:
            if name := self.roster.called(hashed):
                self.ledger.remember(job, name)

    def run(self) -> None:
        """Until every job is done or left.

        Raises:
            SchedulerGoneError: it went away and did not come back.
            KeyboardInterrupt: the user ends it; nothing runs any more then.
        """
        self._busy_at = time.monotonic()
        try:
            while self.ledger.open:
                try:
                    self._step()
                except GONE:
                    self._come_back()
        except BaseException as stop:
            self._end(stop)
            raise

    @property
    def dashboard(self) -> str:
        """The address of Dask's own pages; empty where they are not shown."""
        shown = self.client.run_on_scheduler(quiet.has_dashboard)
        return str(self.client.dashboard_link) if shown else ""

    def close(self) -> None:
        """Leave the scheduler."""
        with contextlib.suppress(*GONE):
            self.client.close(timeout=5)

    def _step(self) -> None:
        if self.client.status != "running":
            raise ConnectionError("the scheduler is gone")
        self.roster.meet(self.client)
        for given in self.flights.give_up(self.roster.there):
            self.ledger.lost(given)
            self._tell(given, "was lost with it")
        self._start()
        self.listener.show(self)
        for given, told in self.flights.arrived(LOOK_S):
            self._take(given, told)

    # --- out --------------------------------------------------------------------------

    def _start(self) -> None:
        present = self.roster.present
        self.ledger.leave_hopeless(present)
        self._tell_aside(present)
        for name in present:
            with interrupt.deferred():  # what was sent has to be known, or nobody ends it
                if given := self.ledger.next_for(name, present):
                    moved_from = self.roster.hash_of(given.moved_from)
                    machine = self.roster.there[name]
                    self.flights.send(self.client, given, machine, moved_from)
        if self.flights:
            self._busy_at = time.monotonic()
        elif time.monotonic() - self._busy_at > self._grace_s:
            self.ledger.leave_all("there was no machine for it")

    def _tell_aside(self, present: list[str]) -> None:
        aside = self.ledger.aside(present)
        for name in aside.keys() - self._told_aside:
            self.listener.say(f"machine {name} gets no more jobs: {aside[name]}")
        for name in self._told_aside - aside.keys():
            self.listener.say(f"machine {name} gets jobs again")
        self._told_aside = set(aside)

    # --- home -------------------------------------------------------------------------

    def _take(self, given: Try, told: dict[str, Any] | BaseException) -> None:
        if isinstance(told, KilledWorker):
            self.ledger.lost(given)
            self._tell(given, "was lost with it")
        elif isinstance(told, BaseException):
            if isinstance(told, CancelledError) or self.client.status != "running":
                self.ledger.returned(given)  # by a scheduler that goes away
            else:
                self._fail(given, f"{type(told).__name__}: {told}")
        else:
            self._land(given, told)

    def _land(self, given: Try, told: dict[str, Any]) -> None:
        landed = landing.land(self.out, given.job, told)
        if landed.why:
            self._fail(given, landed.why, machines=landed.machines)
            return
        if landed.twice:
            self._tell(given, "came twice: the first result stays")
        self.ledger.landed(given)

    def _fail(self, given: Try, why: str, *, machines: bool = False) -> None:
        self.ledger.failed(given, why, machines=machines)
        self._tell(given, f"failed: {why}")

    def _tell(self, given: Try, what: str) -> None:
        self.listener.say(f"machine {given.machine}: {given.job.id} {what}")

    # --- the end ----------------------------------------------------------------------

    def _come_back(self) -> None:
        """Find the scheduler again; what was on its way runs again."""
        self.listener.say("the scheduler is gone; waiting for it")
        for given in self.flights.drop():
            self.ledger.returned(given)
        with contextlib.suppress(*GONE):
            self.client.close(timeout=1)
        self.client = self._connect()
        self.listener.say("the scheduler is there again")
        self._busy_at = time.monotonic()

    def _end(self, stop: BaseException) -> None:
        """Let nothing run on, whatever ended it."""
        if isinstance(stop, SchedulerGoneError):
            return  # workers end with their scheduler, and jobs with their workers
        try:
            for job in self.flights.end(self.client):
                stop.add_note(f"{job} may still be running")
        except GONE as error:
            stop.add_note(f"whether jobs still run is not known: {error}")
