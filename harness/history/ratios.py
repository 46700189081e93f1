"""The ratios within a run, from which trends are made: every arm against every other.

They are worked out when a run is added, so that a trend over thousands of runs reads a
few numbers of each, and never its slices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

from harness.analysis.times import ArmTimes, arm_times, paired_log_ratios
from harness.core.stats import Estimate, hodges_lehmann
from harness.history.places import started
from harness.history.series import commit_of, python_of, series_of
from harness.results.records import Run


def rows(run: Run) -> Iterator[Iterable[Any]]:
    """Two rows for two arms of a cell: each is the other's control. Paired by round, so
    what the machine did is in both."""
    header = run.header
    facts = (header.run, started(header), header.pgdyno, header.server.version)
    python = header.machine.python
    for first, second in _pairs(run):
        logs = paired_log_ratios(first.series, second.series)
        if logs:
            shift = hodges_lehmann(logs)
            yield (*facts, *_arm(first, python), *_control(second), *_numbers(shift))
            yield (
                *facts,
                *_arm(second, python),
                *_control(first),
                *_numbers(_inverse(shift)),
            )


def _pairs(run: Run) -> Iterator[tuple[ArmTimes, ArmTimes]]:
    """What may be compared: arms that have a number; with clients those of one kind, for
    threads and tasks are different work."""
    by_cell: dict[tuple[str, str], list[ArmTimes]] = defaultdict(list)
    for (cell, _), times in arm_times(run).items():
        if times.number is not None:
            kind = times.arm.kind if times.cell.clients else ""
            by_cell[cell, kind].append(times)
    for arms in by_cell.values():
        yield from combinations(arms, 2)


def _arm(times: ArmTimes, python: str) -> tuple[Any, ...]:
    arm, cell = times.arm, times.cell
    return (
        python_of(arm, python),
        cell.id,
        cell.digest,
        arm.id,
        series_of(arm),
        arm.driver,
        arm.terms.get("version", ""),
        commit_of(arm),
        arm.competes,
        times.verdict,
    )


def _control(times: ArmTimes) -> tuple[Any, ...]:
    arm = times.arm
    version = arm.terms.get("version", "")
    return (arm.id, series_of(arm), version, arm.competes, times.verdict)


def _numbers(shift: Estimate) -> tuple[Any, ...]:
    return (shift.n, shift.point, shift.low, shift.high)


def _inverse(shift: Estimate) -> Estimate:
    low = None if shift.high is None else -shift.high
    high = None if shift.low is None else -shift.low
    return Estimate(-shift.point, low, high, shift.n, shift.confidence)
