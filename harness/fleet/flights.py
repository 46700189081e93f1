"""Jobs that are on their way: one Dask task for each, on the machine that was chosen."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from distributed import Client, Future

from harness.fleet import task
from harness.fleet.ledger import Try
from harness.fleet.machines import RESOURCE, FleetMachine
from harness.jobs import job as jobs

FETCH_S = 120.0
END_S = 45.0
"""How long jobs may take to end when they are told to."""
POLL_S = 0.3


class Flight(NamedTuple):
    """A job on its way, to which worker, and since when by our own clock."""

    given: Try
    address: str
    since: float


class Flights:
    """All that are on their way."""

    def __init__(self) -> None:
        self._flying: dict[Future[Any], Flight] = {}
        self._came: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()

    def __bool__(self) -> bool:
        return bool(self._flying)

    def __iter__(self) -> Iterator[Flight]:
        return iter(list(self._flying.values()))

    def send(
        self, client: Client, given: Try, machine: FleetMachine, moved_from: str
    ) -> None:
        """Give a job to a machine; the resource keeps others off, also of other users."""
        future = client.submit(
            task.run_job,
            jobs.line(given.job),
            given.job.id,
            given.attempt,
            moved_from,
            key=f"{given.job.id}-{given.attempt}-{time.monotonic_ns()}",
            workers=[machine.address],
            resources={RESOURCE: 1},
            pure=False,
            retries=0,
        )
        self._flying[future] = Flight(given, machine.address, time.monotonic())
        future.add_done_callback(self._came.put)

    def arrived(self, wait_s: float) -> Iterator[tuple[Try, dict[str, Any] | Exception]]:
        """What has come, or comes within this time."""
        try:
            future = self._came.get(timeout=wait_s)
            while True:
                if flight := self._flying.pop(future, None):
                    yield flight.given, _fetched(future)
                future = self._came.get_nowait()
        except queue.Empty:
            return

    def give_up(self, there: dict[str, FleetMachine]) -> list[Try]:
        """Those whose machine went away, or started again without them."""
        lost = [
            (future, flight.given)
            for future, flight in self._flying.items()
            if (machine := there.get(flight.given.machine)) is None
            or machine.address != flight.address
        ]
        for future, _ in lost:
            del self._flying[future]
            future.cancel()
        return [given for _, given in lost]

    def drop(self) -> list[Try]:
        """All of them: the scheduler that knew them is gone."""
        given = [flight.given for flight in self._flying.values()]
        self._flying.clear()
        return given

    def end(self, client: Client) -> list[str]:
        """End all processes of jobs that still run, and wait until they did; those that
        did not."""
        if not self._flying:
            return []
        ending = {flight.given.job.id: flight.address for flight in self}
        client.cancel(list(self._flying))
        self._flying.clear()
        deadline = time.monotonic() + END_S
        while left := _running(client, ending):
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_S)
        return left


def _running(client: Client, jobs: Mapping[str, str]) -> list[str]:
    """Those of these jobs that still have processes on their workers."""
    there = client.scheduler_info(n_workers=-1)["workers"].keys()
    workers = list(there & set(jobs.values()))
    told = client.run(task.running, workers=workers, on_error="return") if workers else {}
    names = {name for said in told.values() if isinstance(said, list) for name in said}
    return sorted(names & jobs.keys())


def _fetched(future: Future[Any]) -> dict[str, Any] | Exception:
    try:
        told: dict[str, Any] = future.result(timeout=FETCH_S)
    except Exception as error:
        return error
    return told
