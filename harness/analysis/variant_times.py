"""Where a version or a Python is faster or slower than the one before it.

Only within a run, where both were timed in the same moments: `compare` judges them with its
margin and its correction for many tests. Each run is a context of its own (a Python, a
server, a machine), and a change is told with the contexts in which it was found.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from harness.analysis.compare import compare
from harness.analysis.variants import driver_of, in_order, python_of, version_of
from harness.core.stats import Estimate
from harness.core.verdicts import Change

if TYPE_CHECKING:  # at run time this module needs the standard library only
    from harness.results.records import ArmFacts, Run

_BEYOND = (Change.IMPROVED, Change.REGRESSED)


class VersionStep(NamedTuple):
    """From one version of a driver to the next, or from one Python to the next."""

    driver: str
    axis: str
    before: str
    after: str


class StepContext(NamedTuple):
    """Where a step was timed; `other` is the Python of two versions, the version of two
    Pythons."""

    other: str
    server: str
    machine: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TimeChange:
    """A cell whose time a step changes beyond the margin: the log-ratio in each context in
    which it does, among so many in which it was judged."""

    step: VersionStep
    cell: str
    found: tuple[tuple[StepContext, Estimate], ...]
    judged: int

    @property
    def agree(self) -> bool:
        """Whether all contexts in which it changes agree about the direction."""
        return len({shift.point > 0 for _, shift in self.found}) == 1


class VariantTimes:
    """Takes runs of times, one after the other, and keeps what changed in their steps."""

    def __init__(self) -> None:
        self._found: dict[tuple[VersionStep, str], list[tuple[StepContext, Estimate]]]
        self._found = defaultdict(list)
        self._judged: dict[tuple[VersionStep, str], int] = defaultdict(int)

    def add(self, run: Run) -> None:
        """Take the steps of a run."""
        if not len(run.trials):
            return
        for step, context, before, after in _steps(run):
            compared = compare(run, run, base_arm=before.id, candidate_arm=after.id)
            for row in compared.changes:
                if row.shift is None or row.change is Change.NOT_COMPARABLE:
                    continue
                self._judged[step, row.cell] += 1
                if row.change in _BEYOND:
                    self._found[step, row.cell].append((context, row.shift))

    @property
    def steps(self) -> tuple[tuple[VersionStep, int], ...]:
        """Every step that was judged, with the number of its cells."""
        cells: dict[VersionStep, int] = defaultdict(int)
        for step, _ in self._judged:
            cells[step] += 1
        return tuple(sorted(cells.items()))

    def result(self) -> tuple[TimeChange, ...]:
        """What changed beyond the margin in any context."""
        return tuple(
            TimeChange(step, cell, tuple(sorted(found)), self._judged[step, cell])
            for (step, cell), found in sorted(self._found.items())
        )


def _steps(run: Run) -> Iterator[tuple[VersionStep, StepContext, ArmFacts, ArmFacts]]:
    """Neighbours in one axis, with all else equal."""
    header = run.header
    arms = [arm for arm in header.arms if arm.competes and not arm.problem]
    for axis in ("version", "python"):
        lines: dict[tuple[str, str], dict[str, ArmFacts]] = defaultdict(dict)
        for arm in arms:
            version, python = version_of(arm), python_of(header, arm)
            value, other = (version, python) if axis == "version" else (python, version)
            lines[driver_of(arm), other].setdefault(value, arm)
        for (driver, other), by_value in lines.items():
            context = StepContext(other, header.server.version, header.machine.fingerprint)
            for before, after in _neighbours(tuple(by_value)):
                step = VersionStep(driver, axis, before, after)
                yield step, context, by_value[before], by_value[after]


def _neighbours(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    return itertools.pairwise(in_order(values))
