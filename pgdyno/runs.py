"""Results as tables: one method per table, each a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.analysis import times
from harness.core.errors import MissingExtra, UsageError
from harness.core.metrics import READINGS
from harness.report import numbers, view
from harness.results import records, store
from pgdyno import columns

if TYPE_CHECKING:
    import pandas as pd


class Run:
    """One results file, or several side by side, which the column `run` tells apart.

    The tables need the extra `analysis`. docs/api.md describes their columns.
    """

    def __init__(self, runs: Sequence[records.Run]) -> None:
        self._runs = tuple(runs)

    @classmethod
    def read(cls, paths: Iterable[str | PathLike[str]]) -> Run:
        """Read results files.

        Raises:
            PgdynoError: a file cannot be read, or a run is named twice.
        """
        return cls(store.read_each([Path(path) for path in paths]))

    @property
    def ids(self) -> tuple[str, ...]:
        """The identities of the runs, in the order of their files."""
        return tuple(run.header.run for run in self._runs)

    @property
    def truncated(self) -> Mapping[str, str]:
        """Which runs are not complete, and why."""
        return {run.header.run: run.truncated for run in self._runs if run.truncated}

    def trials(self) -> pd.DataFrame:
        """One row per cell, arm and round that was tried."""
        return _frame("trials", (row for run in self._runs for row in _trials(run)))

    def slices(self) -> pd.DataFrame:
        """One row per timed slice."""
        return _frame("slices", (row for run in self._runs for row in _slices(run)))

    def checks(self) -> pd.DataFrame:
        """One row per check of a cell, a driver and a profile."""
        return _frame("checks", (row for run in self._runs for row in _checks(run)))

    def ratios(self, reference: str | None = None) -> pd.DataFrame:
        """Each arm against `reference`, by its id: the paired ratio of their times.

        Without a reference, against the fastest of the cell, as the report has it.

        Raises:
            UsageError: none of the runs has this arm.
        """
        known = {arm.id for run in self._runs for arm in run.header.arms}
        if reference is not None and reference not in known:
            raise UsageError(
                f"there is no arm '{reference}'", hint=f"known: {', '.join(sorted(known))}"
            )
        found = (row for run in self._runs for row in numbers.ratios(run, reference or ""))
        return _frame("ratios", (_fields(row, columns.RATIOS) for row in found))

    def numbers(self) -> pd.DataFrame:
        """Every number of the report, one row per cell, arm and metric."""
        report = view.build(self._runs)
        found = (number for shown in report.runs for number in numbers.numbers(shown))
        return _frame("numbers", (_fields(row, columns.NUMBERS) for row in found))

    def __repr__(self) -> str:
        return f"<pgdyno.Run {', '.join(self.ids) or 'of no file'}>"


def _fields(row: Any, names: Iterable[str]) -> Iterator[Any]:
    return (getattr(row, name) for name in names)


def _frame(name: str, rows: Iterable[Iterable[Any]]) -> pd.DataFrame:
    """The table of these rows, each column of its dtype also where there is no row."""
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise MissingExtra("analysis", f"Run.{name}()") from error
    dtypes = columns.TABLES[name]
    kept: list[list[Any]] = [[] for _ in dtypes]
    for row in rows:
        for column, value in zip(kept, row, strict=True):
            column.append(value)
    return pd.DataFrame(
        {
            column: pd.Series(values, dtype=_dtype(pd, dtype))
            for (column, dtype), values in zip(dtypes.items(), kept, strict=True)
        }
    )


def _dtype(pd: Any, name: str) -> Any:
    """Categories are texts also in an empty table."""
    return name if name != columns.WORD else pd.CategoricalDtype()


# --- rows -----------------------------------------------------------------------------


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


def _trials(run: records.Run) -> Iterator[tuple[Any, ...]]:
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


def _slices(run: records.Run) -> Iterator[tuple[Any, ...]]:
    clients = {cell.id: cell.clients for cell in run.header.cells}
    for trial, counts in _counted(run):
        if trial.slices is None:
            continue
        place = (run.header.run, trial.cell, trial.arm, trial.round, trial.attempt, counts)
        measured = (getattr(trial.slices, name) for name in ("wall_ns", *READINGS))
        each = (trial.slices.ops, clients.get(trial.cell))
        for number, values in enumerate(zip_longest(*measured)):
            yield (*place, number, number in trial.left_out, *each, *values)


def _checks(run: records.Run) -> Iterator[tuple[Any, ...]]:
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
