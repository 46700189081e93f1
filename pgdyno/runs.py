"""Results as tables: one method per table, each a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.errors import UsageError, needing
from harness.report import columns, numbers, rows, view
from harness.results import records, store

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
        return _frame("trials", (row for run in self._runs for row in rows.trials(run)))

    def slices(self) -> pd.DataFrame:
        """One row per timed slice."""
        return _frame("slices", (row for run in self._runs for row in rows.slices(run)))

    def checks(self) -> pd.DataFrame:
        """One row per check of a cell, a driver and a profile."""
        return _frame("checks", (row for run in self._runs for row in rows.checks(run)))

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


def _frame(name: str, found: Iterable[Iterable[Any]]) -> pd.DataFrame:
    """The table of these rows, each column of its dtype also where there is no row."""
    with needing("analysis", f"Run.{name}()"):
        import pandas as pd
    dtypes = columns.TABLES[name]
    kept: list[list[Any]] = [[] for _ in dtypes]
    for row in found:
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
