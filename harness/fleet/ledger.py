"""Which job goes to which machine next, and what became of each: pure, no clock in it.

Dask could hold all jobs at once and place them itself, but it can neither keep the jobs of
a block on one machine and those of two blocks apart, nor say afterwards that a job moved.
So each machine has a single task at a time, and here is decided which.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from harness.jobs.job import Job

MOST_TRIES = 3
ASIDE = 2
"""So many jobs that failed on a machine, one after the other, and nowhere else."""


@dataclass(frozen=True, slots=True)
class Try:
    """A job on its way to a machine; `moved_from` had it before."""

    job: Job
    machine: str
    attempt: int = 0
    moved_from: str = ""


@dataclass(slots=True)
class JobState:
    """What is known of a job. `tries` are those that count against it, `attempts` all."""

    job: Job
    attempts: int = 0
    tries: int = 0
    moved_from: str = ""
    failed_on: dict[str, str] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Why it failed, once where it failed alike everywhere."""
        return "; ".join(dict.fromkeys(self.failed_on.values()))


class Ledger:
    """All jobs of a fleet and what became of them."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._states = {job.id: JobState(job) for job in jobs}
        self._waiting = dict.fromkeys(self._states)
        self.running: dict[str, Try] = {}
        self.done: dict[str, Try] = {}
        self.left: dict[str, str] = {}
        self._shards: dict[str, str] = {}
        self._blocks: dict[int, str] = {}
        self._strikes: dict[str, dict[str, int]] = defaultdict(dict)

    @property
    def open(self) -> bool:
        """Whether anything runs or waits."""
        return bool(self._waiting or self.running)

    @property
    def waiting(self) -> int:
        """How many jobs nobody has yet."""
        return len(self._waiting)

    @property
    def seconds_left(self) -> float:
        """What the plan says that all jobs take that are not done, one after the other."""
        open_jobs = [*self._waiting, *self.running]
        return sum(self._states[name].job.seconds for name in open_jobs)

    @property
    def moved(self) -> list[Try]:
        """Jobs that were done on another machine than the first that had them."""
        return [done for done in self.done.values() if done.moved_from]

    @property
    def failures(self) -> bool:
        """Whether any job is left that failed where it ran, rather than had no machine."""
        return any(self._states[name].failed_on for name in self.left)

    # --- what a machine gets ----------------------------------------------------------

    def next_for(self, machine: str, present: Collection[str]) -> Try | None:
        """The next job of a machine that is free; None if there is none for it."""
        usable = self.usable(present)
        if machine not in usable or self._busy(machine):
            return None
        ranked = ((self._rank(state, machine, usable), state) for state in self._free())
        fitting = [(rank, state) for rank, state in ranked if rank is not None]
        if not fitting:
            return None
        _, state = min(fitting, key=lambda pair: pair[0])
        return self._given(state, machine)

    def aside(self, present: Collection[str]) -> dict[str, str]:
        """Machines that get no more jobs, and why; none if no other one is left."""
        found = {
            machine: self._states[last].failed_on[machine]
            for machine in present
            if (last := self._struck(machine))
        }
        return found if len(found) < len(present) else {}

    def usable(self, present: Collection[str]) -> set[str]:
        """Machines that get jobs."""
        return set(present) - self.aside(present).keys()

    def _struck(self, machine: str) -> str:
        """The last of the jobs that set a machine aside; empty if it is in order. A job
        that failed on two machines and on none succeeded has itself to blame."""
        strikes = {
            name: weight
            for name, weight in self._strikes[machine].items()
            if name in self.done or len(self._states[name].failed_on) == 1
        }
        return next(reversed(strikes), "") if sum(strikes.values()) >= ASIDE else ""

    def _busy(self, machine: str) -> bool:
        return any(current.machine == machine for current in self.running.values())

    def _free(self) -> Iterator[JobState]:
        return (self._states[name] for name in self._waiting)

    def _rank(self, state: JobState, machine: str, usable: Collection[str]) -> int | None:
        """How well a job fits a machine, 0 best; None if it must not go there."""
        job = state.job
        if machine in state.failed_on:
            return None
        if job.block:
            home = self._blocks.get(job.block)
            vacant = home not in usable and machine not in self._blocks.values()
            return 0 if home == machine or vacant else None
        home = self._shards.get(job.shard)
        if home == machine:
            return 1
        if home not in usable:
            return 2
        # Times of a cell mean something beside others of the same machine only.
        return 3 if job.verb == "check" or home in state.failed_on else None

    def remember(self, job: Job, machine: str) -> None:
        """A machine has a job, or had it before: others like it go there, too."""
        if job.block:
            self._blocks[job.block] = machine
        else:
            self._shards[job.shard] = machine

    def _given(self, state: JobState, machine: str) -> Try:
        job = state.job
        self.remember(job, machine)
        del self._waiting[job.id]
        moved_from = state.moved_from if state.moved_from != machine else ""
        given = Try(job, machine, state.attempts, moved_from)
        state.attempts += 1
        self.running[job.id] = given
        return given

    # --- what became of it ------------------------------------------------------------

    def landed(self, given: Try) -> None:
        """Its file is there."""
        self.running.pop(given.job.id, None)
        self._waiting.pop(given.job.id, None)
        self.done[given.job.id] = given
        self._strikes[given.machine].clear()

    def failed(self, given: Try, why: str, *, machines: bool) -> None:
        """It ended without a file. `machines`: for a reason of the machine's, such as a
        driver that it lacks or a full disk."""
        state = self._returned(given)
        state.tries += 1
        state.failed_on[given.machine] = why
        self._strikes[given.machine][given.job.id] = ASIDE if machines else 1
        if state.tries >= MOST_TRIES:
            self._leave(state, state.reason)

    def lost(self, given: Try) -> None:
        """The machine went away with it."""
        state = self._returned(given)
        state.tries += 1
        if state.tries >= MOST_TRIES:
            self._leave(state, f"lost with its machine {state.tries} times")

    def returned(self, given: Try) -> None:
        """Nobody knows what became of it, and nobody is to blame: the scheduler is gone."""
        self._returned(given)

    def leave_hopeless(self, present: Collection[str]) -> None:
        """Leave the jobs that failed on every machine that there is."""
        usable = self.usable(present)
        for state in [state for state in self._free() if state.failed_on]:
            if usable and usable <= set(state.failed_on):
                self._leave(state, state.reason)

    def leave_all(self, why: str) -> None:
        """Nobody can do what is left."""
        for state in list(self._free()):
            self._leave(state, why)

    def _returned(self, given: Try) -> JobState:
        self.running.pop(given.job.id, None)
        state = self._states[given.job.id]
        state.moved_from = given.machine
        self._waiting[given.job.id] = None
        return state

    def _leave(self, state: JobState, why: str) -> None:
        self._waiting.pop(state.job.id, None)
        self.left[state.job.id] = why
