"""From the ratios of many runs to series: one point for each version, commit or date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any, NamedTuple, TypeAlias

from packaging.version import InvalidVersion, Version

from harness.core.stats import MIN_ROUNDS, Estimate, hodges_lehmann

FACTS = {
    "library_version": "{series}",
    "control_version": "{control}",
    "server_version": "PostgreSQL",
    "python": "Python",
    "pgdyno": "pgdyno",
    "digest": "the question",
}
"""What may differ between two points besides the driver → what a reader calls it."""

COLUMNS = (
    *("run", "started", "cell", "arm", "series", "competes", "library_version", "commit"),
    *("control_series", "control", "control_version", "server_version", "python"),
    *("pgdyno", "digest", "log_ratio", "low", "high", "n"),
)
"""The columns of the ratios that make points."""


class StoredRatio(NamedTuple):
    """A row of the ratios: the names are those of `COLUMNS`."""

    run: str
    started: datetime
    cell: str
    arm: str
    series: str
    competes: bool
    library_version: str
    commit: str
    control_series: str
    control: str
    control_version: str
    server_version: str
    python: str
    pgdyno: str
    digest: str
    log_ratio: float
    low: float | None
    high: float | None
    n: int

    @property
    def date(self) -> str:
        """The day on which the run was started, in UTC."""
        return self.started.isoformat()[:10]

    @property
    def estimate(self) -> Estimate:
        """The log-ratio with its interval."""
        return Estimate(self.log_ratio, self.low, self.high, self.n, None)

    def of_control(self) -> StoredRatio:
        """The control arm against itself: one version of its series like the others."""
        itself = self._replace(log_ratio=0.0, low=0.0, high=0.0, commit="")
        return itself._replace(
            arm=self.control,
            series=self.control_series,
            library_version=self.control_version,
        )


Name: TypeAlias = tuple[str, str]
"""A cell and a series."""


@dataclass(frozen=True, slots=True)
class Point:
    """One place of a trend: its label, the log-ratio to the control, and what it is of."""

    label: str
    started: datetime
    ratio: Estimate
    rows: Sequence[StoredRatio]

    @property
    def runs(self) -> frozenset[str]:
        """The runs behind it."""
        return frozenset(row.run for row in self.rows)

    def values(self, fact: str) -> frozenset[str]:
        """All values that its runs have of one of the `FACTS`."""
        return frozenset(getattr(row, fact) for row in self.rows)


def with_controls(rows: Iterable[StoredRatio]) -> Iterator[StoredRatio]:
    """The rows; where other versions of the control arm were in the run, it is one, too."""
    told: set[tuple[str, str]] = set()
    for row in rows:
        yield row
        if row.series == row.control_series and (row.cell, row.run) not in told:
            told.add((row.cell, row.run))
            yield row.of_control()


def grouped(rows: Iterable[StoredRatio], by: str) -> dict[Name, list[Point]]:
    """The points of each series in their order; a row that has no label has no point."""
    found: dict[Name, dict[str, list[StoredRatio]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if label := label_of(row, by):
            found[row.cell, row.series][label].append(row)
    return {name: in_order(labels, by) for name, labels in sorted(found.items())}


def label_of(row: StoredRatio, by: str) -> str:
    """Where a row belongs on the axis."""
    if by == "version":
        return row.library_version
    return row.commit if by == "commit" else row.date


def in_order(labels: Mapping[str, Sequence[StoredRatio]], by: str) -> list[Point]:
    """Versions by their number; commits and dates by when they were first measured."""
    points = [_point(label, rows) for label, rows in labels.items()]
    return sorted(points, key=order_of(by))


def order_of(by: str) -> Callable[[Point], tuple[Any, ...]]:
    """The key by which points follow each other."""
    if by == "version":
        return lambda point: version_key(point.label)
    return lambda point: (point.started, point.label)


def version_key(text: str) -> tuple[bool, Version | str]:
    """Orders versions; what is none comes first."""
    try:
        return True, Version(text)
    except InvalidVersion:
        return False, text


def _point(label: str, rows: Sequence[StoredRatio]) -> Point:
    return Point(
        label=label,
        started=min(row.started for row in rows),
        ratio=combined([row.estimate for row in rows]),
        rows=rows,
    )


def combined(found: Sequence[Estimate]) -> Estimate:
    """Several runs as one point: runs differ by more than their rounds, so from six on they
    are the replicates; fewer have the interval that holds all of theirs."""
    if len(found) == 1:
        return found[0]
    values = [estimate.point for estimate in found]
    if len(found) >= MIN_ROUNDS:
        return hodges_lehmann(values)
    lows = [estimate.low for estimate in found if estimate.low is not None]
    highs = [estimate.high for estimate in found if estimate.high is not None]
    sure = len(lows) == len(highs) == len(found)
    low, high = (min(lows), max(highs)) if sure else (None, None)
    return Estimate(median(values), low, high, len(found), None)
