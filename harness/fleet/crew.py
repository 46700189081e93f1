"""Which machines are there now, and which of them may get jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from distributed import Client

from harness.core.errors import EXIT_INFRASTRUCTURE, PgdynoError
from harness.fleet import facts, machines
from harness.fleet.machines import Machine

POLL_S = 0.2


class TooFewMachinesError(PgdynoError):
    """A plan needs more machines than there are."""

    exit_code = EXIT_INFRASTRUCTURE


class Crew:
    """The machines of a fleet."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.there: dict[str, Machine] = {}
        self._facts: dict[str, Mapping[str, str]] = {}
        self._refused: set[str] = set()
        self.crowded = 0

    @property
    def present(self) -> list[str]:
        """Machines that may get jobs, by their names."""
        return [name for name in self.there if name in self._facts]

    def hash_of(self, name: str) -> str:
        """What results say of a machine; its name is nobody's business."""
        return self._facts.get(name, {}).get("machine", "") if name else ""

    def gather(self, client: Client, least: int, wait_s: float) -> None:
        """Wait for so many machines, and see that all are alike.

        Raises:
            TooFewMachinesError: there are fewer.
            UnlikeMachinesError: they have not the same pgdyno.
        """
        deadline = time.monotonic() + wait_s
        while len(self._look(client)) < least:
            if time.monotonic() > deadline:
                raise _too_few(len(self.there), least)
            time.sleep(POLL_S)
        told = _asked(client, self.there.values())
        facts.check(told)
        self._facts.update(told)

    def meet(self, client: Client) -> None:
        """See who is there; a machine that came later must be like the others."""
        before = set(self.there)
        self._look(client)
        for name in sorted(before - set(self.there)):
            self._say(f"machine {name} is gone")
        known = {*self._facts, *self._refused}
        new = [machine for machine in self.there.values() if machine.name not in known]
        for name, told in _asked(client, new).items() if new else ():
            self._admit(name, told)

    def _admit(self, name: str, told: Any) -> None:
        try:
            facts.check({name: told})
        except facts.UnlikeMachinesError as error:
            self._refused.add(name)
            self._say(f"machine {name} gets no jobs: {error}")
        else:
            self._facts[name] = told
            self._say(f"machine {name} joined")

    def _look(self, client: Client) -> dict[str, Machine]:
        known = [machine.address for machine in self.there.values()]
        workers = client.scheduler_info(n_workers=-1)["workers"]
        self.there = {machine.name: machine for machine in machines.found(workers, known)}
        self.crowded = machines.crowded(workers)
        return self.there


def _asked(client: Client, which: Iterable[Machine]) -> dict[str, Any]:
    """What machines say of themselves, by their names."""
    names = {machine.address: machine.name for machine in which}
    told = client.run(facts.here, workers=list(names), on_error="return")
    return {names[address]: said for address, said in told.items()}


def _too_few(there: int, least: int) -> TooFewMachinesError:
    if not there:
        return TooFewMachinesError(
            f"no worker of the scheduler offers the resource {machines.RESOURCE}",
            hint="start each with `dask worker ADDRESS --nthreads 1 "
            f"--resources {machines.RESOURCE}=1`; --wait 60 waits for them",
        )
    return TooFewMachinesError(
        f"the plan needs {least} machines, and there are {there}",
        hint="plan it for fewer (--machines), or let more join: --wait SECONDS",
    )
