"""Which machines are there now, and which of them may get jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from distributed import Client

from harness.core.errors import EXIT_INFRASTRUCTURE, PgdynoError
from harness.fleet import facts, machines
from harness.fleet.machines import FleetMachine

POLL_S = 0.2


class TooFewMachinesError(PgdynoError):
    """A plan needs more machines than there are."""

    exit_code = EXIT_INFRASTRUCTURE


class Roster:
    """The machines of a fleet."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.there: dict[str, FleetMachine] = {}
        self._facts: dict[str, Mapping[str, str]] = {}
        self._asked: set[str] = set()
        self.crowded = 0

    @property
    def present(self) -> list[str]:
        """Machines that may get jobs, by their names."""
        return [name for name in self.there if name in self._facts]

    def hash_of(self, name: str) -> str:
        """What results say of a machine; its name is nobody's business."""
        return self._facts.get(name, {}).get("machine", "") if name else ""

    def called(self, hashed: str) -> str:
        """The name of the machine of which results say this; empty if it is not there, or
        if it is a local fleet, whose machines are one."""
        names = [name for name in self.present if self.hash_of(name) == hashed]
        return names[0] if len(names) == 1 else ""

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
        told = self._ask(client)
        facts.check(told)
        self._facts.update(told)

    def meet(self, client: Client) -> None:
        """See who is there; a machine that came later must be like the others."""
        before = set(self.there)
        self._look(client)
        for name in sorted(before - set(self.there)):
            self._say(f"machine {name} is gone")
        for name, told in self._ask(client).items():
            self._admit(name, told)

    def _admit(self, name: str, told: Any) -> None:
        self._facts.pop(name, None)  # it may have started again, as another version
        try:
            facts.check({name: told})
        except facts.UnlikeMachinesError as error:
            self._say(f"machine {name} gets no jobs: {error}")
        else:
            self._facts[name] = told
            self._say(f"machine {name} joined")

    def _ask(self, client: Client) -> dict[str, Any]:
        """What machines say of themselves that were not asked before, by their names."""
        names = {m.address: m.name for m in self.there.values()}
        new = list(names.keys() - self._asked)
        told = client.run(facts.here, workers=new, on_error="return") if new else {}
        # One that went away meanwhile says nothing of itself.
        said = {at: what for at, what in told.items() if not isinstance(what, OSError)}
        self._asked |= said.keys()
        return {names[address]: what for address, what in said.items()}

    def _look(self, client: Client) -> dict[str, FleetMachine]:
        known = [machine.address for machine in self.there.values()]
        workers = client.scheduler_info(n_workers=-1)["workers"]
        self.there = {machine.name: machine for machine in machines.found(workers, known)}
        self.crowded = machines.crowded(workers)
        return self.there


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
