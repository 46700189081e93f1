"""Where the wall time of a run went: how much of it was timed, and the rest by phase."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.analysis.times import has_time
from harness.core.phases import Phase
from harness.report import format as fmt
from harness.results.records import Run, Trial

_TOLD = 0.01
"""A phase that took a smaller share of the run is in no sentence."""

_MINUTE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True)
class PhaseTime:
    """What one phase took of the run."""

    name: str
    ns: int
    share: float

    @property
    def took(self) -> str:
        """For people: `47.2 s`."""
        return _took(self.ns)


@dataclass(frozen=True, slots=True)
class Spending:
    """Where the time went. `timed_ns` is what slices, open loops and single ops that were
    timed took, those that do not count among them; `phases` is empty in files that do not
    tell."""

    wall_ns: int
    timed_ns: int
    phases: tuple[PhaseTime, ...]

    @property
    def timed(self) -> float:
        """The share of the run that was timed."""
        return min(1.0, self.timed_ns / self.wall_ns)

    @property
    def sentence(self) -> str:
        """How much was timed, and what took the rest, the longest first."""
        timed = (
            f"{_took(self.timed_ns)} of {_took(self.wall_ns)} "
            f"({fmt.percentage(self.timed)}) were timed"
        )
        rest = ", ".join(f"{phase.took} {phase.name}" for phase in self._rest())
        return f"{timed}; the rest: {rest}." if rest else f"{timed}."

    def _rest(self) -> Iterator[PhaseTime]:
        return (
            phase
            for phase in self.phases
            if phase.name != Phase.TIMED and phase.share >= _TOLD
        )


def _took(ns: int) -> str:
    """`47.2 s`, `19 min 12 s`."""
    return fmt.duration(ns) if ns < _MINUTE_NS else fmt.span(ns)


def spending(run: Run) -> Spending | None:
    """Where the time of a run went that timed anything; None of a truncated one."""
    timed_ns = sum(map(timed_ns_of, run.trials))
    if run.footer is None or not timed_ns:
        return None
    told = run.footer.phases_ns
    wall_ns = max(run.footer.elapsed_ns, sum(told.values()))
    if wall_ns <= 0:
        return None
    longest = sorted(told.items(), key=lambda phase: -phase[1])
    phases = (PhaseTime(name, ns, ns / wall_ns) for name, ns in longest)
    return Spending(wall_ns, timed_ns, tuple(phases))


def timed_ns_of(trial: Trial) -> int:
    """What was timed in one trial, whether or not it counts."""
    if not has_time(trial):
        return 0
    slices = sum(trial.slices.wall_ns) if trial.slices else 0
    loop = trial.open_loop.planned_ns if trial.open_loop else 0
    return slices + trial.latency_wall_ns + loop
