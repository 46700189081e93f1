"""A run as rows of tables, for programs: the columns are those of `columns`.

Trials are read from their file one after another, so a run may be larger than the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from harness.analysis import times
from harness.core.metrics import READINGS
from harness.results import records


def _run_facts(run: records.Run) -> tuple[str, ...]:
    header = run.header
    return (header.run, header.pgdyno, header.machine.python, header.server.version)


def _arm_facts(arm: records.ArmFacts | None) -> tuple[str, str, str, str]:
    if arm is None:
        return ("", "", "", "")
    library, version = arm.terms.get("library", ""), arm.terms.get("version", "")
    return (arm.driver, arm.profile, library, version)


def _counted(run: records.Run) -> Iterator[tuple[records.Trial, bool]]:
    """Each trial, and whether the report counts its block; of two trials of one round the
    later one counts."""
    counts = times.counting(run)
    last = {_place(trial): number for number, trial in enumerate(run.trials)}
    for number, trial in enumerate(run.trials):
        yield trial, counts(trial) and last[_place(trial)] == number


def _place(trial: records.Trial) -> tuple[str, str, int, int]:
    return (trial.cell, trial.arm, trial.round, trial.attempt)


def trials(run: records.Run) -> Iterator[tuple[Any, ...]]:
    """One row per cell, arm and round that was tried."""
    facts = _run_facts(run)
    arms = {arm.id: arm for arm in run.header.arms}
    cells = {cell.id: cell for cell in run.header.cells}
    for trial, counts in _counted(run):
        cell, arm = cells.get(trial.cell), arms.get(trial.arm)
        slices = trial.slices
        timed = cell is not None and times.has_time(trial)
        yield (
            *facts,
            trial.cell,
            trial.arm,
            trial.round,
            trial.attempt,
            counts,
            *_arm_facts(arm),
            arm.kind if arm else "",
            trial.verdict,
            trial.detail,
            trial.observed,
            trial.expected,
            trial.disturbed,
            trial.steady,
            slices.ops if slices else None,
            cell.clients if cell else None,
            cell.units_per_op if cell else None,
            len(slices.wall_ns) if slices else 0,
            times.wall_per_op(trial, cell) if timed and cell else None,
            len(trial.latency_ns),
            trial.rss_peak_bytes or None,
        )


def slices(run: records.Run) -> Iterator[tuple[Any, ...]]:
    """One row per timed slice."""
    clients = {cell.id: cell.clients for cell in run.header.cells}
    for trial, counts in _counted(run):
        if trial.slices is None:
            continue
        place = (run.header.run, trial.cell, trial.arm, trial.round, trial.attempt, counts)
        measured = (getattr(trial.slices, name) for name in ("wall_ns", *READINGS))
        each = (trial.slices.ops, clients.get(trial.cell))
        for number, values in enumerate(zip_longest(*measured)):
            yield (*place, number, number in trial.left_out, *each, *values)


def checks(run: records.Run) -> Iterator[tuple[Any, ...]]:
    """One row per check of a cell, a driver and a profile."""
    facts = _run_facts(run)
    arms = {arm.id: arm for arm in run.header.arms}  # of one version in both profiles
    for check in run.checks:
        _, _, library, version = _arm_facts(arms.get(check.driver))
        yield (
            *facts,
            check.scenario,
            check.case,
            check.cell,
            check.driver,
            check.driver,
            check.profile,
            library,
            version,
            check.verdict,
            check.detail,
            check.observed,
            check.expected,
            check.expected_verdict,
            check.drift,
            check.deviation,
            check.link,
            check.elapsed_ns,
        )
