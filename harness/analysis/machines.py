"""What several machines say together: one ratio per machine, cell and driver, combined.

A machine is a block. Within a run the ratio of two drivers repeats to a fraction of a per
cent, from machine to machine it moves by a quarter; so a machine counts once, however many
rounds or runs it made, and what is uncertain is how machines differ. Of each run only its
ratios are kept: thousands of runs fit into the memory.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import TYPE_CHECKING, NamedTuple

from harness.analysis.times import RunTimes, measured, paired_log_ratios
from harness.core.stats import (
    Combined,
    Effect,
    Estimate,
    combined,
    hodges_lehmann,
    student_quantile,
)
from harness.core.verdicts import Verdict

if TYPE_CHECKING:  # at run time this module needs the standard library only
    from harness.results.records import ArmFacts, CellFacts, Machine, Run, ServerFacts

Fingerprint = tuple[str, ...]


class RatioKey(NamedTuple):
    """Which ratio: the time of `arm` over that of `base` in a cell. Another major version
    of the server makes it another question."""

    server: str
    cell: str
    base: str
    arm: str


@dataclass(frozen=True, slots=True)
class MachineRatio:
    """The log-ratio on one machine, by its number. `error` is the standard error, None
    where there were too few rounds for an interval; `runs` are those that it rests on."""

    machine: int
    ratio: Estimate
    error: float | None
    runs: int


@dataclass(frozen=True, slots=True)
class AcrossMachines:
    """A ratio over all machines that have it; `together` is None of fewer than five."""

    key: RatioKey
    facts: CellFacts
    machines: tuple[MachineRatio, ...]
    together: Combined | None

    @property
    def faster(self) -> int:
        """On how many machines the driver is faster than its base, beyond doubt."""
        return sum(
            found.ratio.high is not None and found.ratio.high < 0 for found in self.machines
        )

    @property
    def slower(self) -> int:
        """On how many it is slower, beyond doubt."""
        return sum(
            found.ratio.low is not None and found.ratio.low > 0 for found in self.machines
        )

    @property
    def turns(self) -> bool:
        """Whether the direction differs between machines."""
        return bool(self.faster and self.slower)


@dataclass(slots=True)
class MachineFacts:
    """A machine, and all that was seen of it in its runs."""

    machine: Machine
    runs: int = 0
    seen: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))

    def value(self, name: str) -> str:
        """What was seen under a name; several values where runs differ."""
        return " / ".join(sorted(self.seen.get(name, ())))


@dataclass(frozen=True, slots=True)
class Machines:
    """All machines, in an order of their own, and what they say together.

    `unlike` are the cells that not all runs ask alike; of them only what was asked first
    is in. `without_base` are those in which the base has no time.
    """

    base: str
    machines: tuple[MachineFacts, ...]
    ratios: tuple[AcrossMachines, ...]
    unlike: tuple[str, ...] = ()
    without_base: tuple[str, ...] = ()


class MachineBlocks:
    """Takes runs, one after the other, and keeps their ratios.

    `base` is the driver to which ratios are taken; unless it is named, the first one of the
    first run.
    """

    def __init__(self, base: str = "") -> None:
        self.base = base
        self._cells: dict[str, CellFacts] = {}
        self._facts: dict[Fingerprint, MachineFacts] = {}
        self._ratios: dict[RatioKey, dict[Fingerprint, list[Estimate]]] = {}
        self._unlike: set[str] = set()
        self._baseless: set[str] = set()

    def add(self, run: Run) -> None:
        """Take the ratios of a run of times; others have none."""
        arms = [arm for arm in run.header.arms if arm.competes and not arm.problem]
        if not arms or not len(run.trials):
            return
        self.base = self.base or arms[0].id
        fingerprint = run.header.machine.fingerprint
        ratios = dict(self._ratios_of(run, arms))
        for key, ratio in ratios.items():
            self._ratios.setdefault(key, {}).setdefault(fingerprint, []).append(ratio)
        if ratios:
            facts = self._facts.setdefault(fingerprint, MachineFacts(run.header.machine))
            _note(facts, run, arms)

    def _ratios_of(
        self, run: Run, arms: Sequence[ArmFacts]
    ) -> Iterator[tuple[RatioKey, Estimate]]:
        base = next((arm for arm in arms if arm.id == self.base), None)
        found, server = measured(run), major(run.header.server)
        for cell in run.header.cells:
            if not self._asked_alike(cell):
                continue
            if base is None or not _exact(found, cell, base):
                self._baseless.add(cell.id)
                continue
            for arm in arms:
                if arm is not base and _exact(found, cell, arm) and _alike(cell, arm, base):
                    key = RatioKey(server, cell.id, base.id, arm.id)
                    if logs := _logs(found, key):
                        yield key, hodges_lehmann(logs)

    def _asked_alike(self, cell: CellFacts) -> bool:
        first = self._cells.setdefault(cell.id, cell)
        if not first.asks_as(cell):
            self._unlike.add(cell.id)
            return False
        return True

    def result(self) -> Machines:
        """What all runs say that were taken."""
        order = sorted(self._facts)
        numbers = {fingerprint: number for number, fingerprint in enumerate(order)}
        ratios = (
            _across(key, self._cells[key.cell], by_machine, numbers)
            for key, by_machine in self._ratios.items()
        )
        with_base = {key.cell for key in self._ratios}
        return Machines(
            base=self.base,
            machines=tuple(self._facts[fingerprint] for fingerprint in order),
            ratios=tuple(sorted(ratios, key=lambda across: across.key)),
            unlike=tuple(sorted(self._unlike)),
            without_base=tuple(sorted(self._baseless - with_base)),
        )


def major(server: ServerFacts) -> str:
    """The major version of a server: `18`."""
    return server.version.partition(".")[0]


def _exact(found: RunTimes, cell: CellFacts, arm: ArmFacts) -> bool:
    """Whether an arm may be ranked in a cell: what is not exact may be less work."""
    worst = found.worst.get((cell.id, arm.id))
    return worst is not None and worst.verdict is Verdict.EXACT


def _alike(cell: CellFacts, arm: ArmFacts, base: ArmFacts) -> bool:
    """Whether two arms do the same work: many clients are threads or tasks."""
    return not cell.clients or (arm.kind == "async") == (base.kind == "async")


def _logs(found: RunTimes, key: RatioKey) -> list[float]:
    own, base = (found.series.get((key.cell, name)) for name in (key.arm, key.base))
    return paired_log_ratios(own, base) if own and base else []


# --- a machine ----------------------------------------------------------------------------


def _note(facts: MachineFacts, run: Run, arms: Sequence[ArmFacts]) -> None:
    """What of a run may tell one machine from another."""
    facts.runs += 1
    header, server = run.header, run.header.server
    for name, value in (
        ("PostgreSQL", server.version),
        ("transport", server.transport),
        ("kernel", header.machine.release),
        ("Python", header.machine.python),
        ("placement", _listed(header.placement)),
        ("pgdyno", header.pgdyno),
        *((f"{arm.id}, version", arm.terms.get("version", "")) for arm in arms),
        *((f"server’s {name}", value) for name, value in _settings(server)),
    ):
        facts.seen[name][value] = None


def _settings(server: ServerFacts) -> Iterator[tuple[str, str]]:
    """A server's settings but for its version, which stands on its own."""
    return (pair for pair in server.settings.items() if pair[0] != "server_version")


def _listed(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(values.items()))


# --- a ratio ------------------------------------------------------------------------------


def _across(
    key: RatioKey,
    facts: CellFacts,
    by_machine: Mapping[Fingerprint, Sequence[Estimate]],
    numbers: Mapping[Fingerprint, int],
) -> AcrossMachines:
    machines = sorted(
        (
            _of_machine(numbers[fingerprint], runs)
            for fingerprint, runs in by_machine.items()
        ),
        key=lambda found: found.machine,
    )
    sure = [
        Effect(found.ratio.point, found.error)
        for found in machines
        if found.error is not None
    ]
    return AcrossMachines(key, facts, tuple(machines), combined(sure))


def _of_machine(number: int, runs: Sequence[Estimate]) -> MachineRatio:
    """The runs of a machine as one: their mean. Its error is the greater of what their
    rounds and what they themselves tell, and its interval holds all of theirs: a machine
    that was started again may give another ratio than its rounds allow."""
    sure = [run for run in runs if run.low is not None and run.high is not None]
    if not sure:
        point = fmean(run.point for run in runs)
        return MachineRatio(number, Estimate(point, None, None, 0, None), None, len(runs))
    if len(sure) == 1:
        return MachineRatio(number, sure[0], _error(sure[0]), 1)
    points = [run.point for run in sure]
    within = math.hypot(*map(_error, sure)) / len(sure)
    between = stdev(points) / math.sqrt(len(sure))
    ratio = Estimate(
        point=fmean(points),
        low=min(run.low for run in sure if run.low is not None),
        high=max(run.high for run in sure if run.high is not None),
        n=sum(run.n for run in sure),
        confidence=min(run.confidence for run in sure if run.confidence is not None),
    )
    return MachineRatio(number, ratio, max(within, between), len(sure))


def _error(run: Estimate) -> float:
    """The standard error that an interval stands for: half of its width in units of the
    quantile of Student's t that it would have."""
    assert run.low is not None
    assert run.high is not None
    assert run.confidence is not None
    confidence = min(run.confidence, 1 - 1e-9)
    return (run.high - run.low) / 2 / student_quantile((1 + confidence) / 2, run.n - 1)
