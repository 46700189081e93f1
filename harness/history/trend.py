"""Did it change over time? Ratios to a pinned control arm, machine by machine.

A raw time is the machine's as much as the driver's, so none is ever compared with that of
another run: only ratios within a run are, paired by round, to an arm that was in it.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import (
    EXIT_INCONCLUSIVE,
    EXIT_INVALID,
    EXIT_PASS,
    PgdynoError,
    ResultsError,
    UsageError,
)
from harness.history import changes, controls
from harness.history.changes import Level, LevelStep
from harness.history.controls import ControlArm
from harness.history.machines import described
from harness.history.places import partitions
from harness.history.points import (
    COLUMNS,
    FACTS,
    Point,
    StoredRatio,
    grouped,
    with_controls,
)
from harness.history.summary import Month, Wanted

BY = ("version", "commit", "date")
THRESHOLD = 0.03


@dataclass(frozen=True, slots=True)
class TrendRequest:
    """What a trend is to show. `since` and `until` are dates, or beginnings of dates."""

    cell: str
    drivers: Sequence[str] = ()
    control: str = ""
    by: str = ""
    machine: str = ""
    since: str = ""
    until: str = ""
    threshold: float = THRESHOLD


@dataclass(frozen=True, slots=True)
class TrendChange:
    """A step of a series: where, how far, and what else is different since."""

    label: str
    step: LevelStep
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrendSeries:
    """One arm in one cell on one machine, over versions, commits or dates."""

    cell: str
    arm: str
    points: tuple[Point, ...]
    levels: tuple[Level, ...]
    changes: tuple[TrendChange, ...]

    @property
    def enough(self) -> bool:
        """Whether there are enough points for a change to be found."""
        return len(self.points) >= changes.FEWEST


@dataclass(frozen=True, slots=True)
class MachineTrend:
    """The series of one machine; times of another are never mixed with them."""

    machine: str
    about: str
    runs: int
    series: tuple[TrendSeries, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """What a store says. `broken` names its files that cannot be read, and why."""

    asked: str
    by: str
    control: ControlArm
    threshold: float
    machines: tuple[MachineTrend, ...]
    broken: tuple[tuple[str, str], ...] = ()

    @property
    def series(self) -> list[TrendSeries]:
        """Those of all machines."""
        return [series for machine in self.machines for series in machine.series]

    @property
    def exit_code(self) -> int:
        """4 where files of the store are broken, 3 where nothing has enough points."""
        if self.broken:
            return EXIT_INVALID
        enough = any(series.enough for series in self.series)
        return EXIT_PASS if enough else EXIT_INCONCLUSIVE


def build(store: Path, asked: TrendRequest) -> Trend:
    """Read a store and say how the ratios went.

    Raises:
        ResultsError: there is no store, or nothing in it that was measured.
        UsageError: it has no such cell, driver or control arm.
    """
    months = _months(store, asked)
    control = controls.chosen(_known(months, asked), asked.drivers, asked.control)
    found = _read(months, control, asked)
    by = asked.by or _axis(found.values())
    machines = (
        _machine(place, _about(store, months, place), rows, by, control, asked)
        for place, rows in found.items()
        if rows
    )
    broken = {path: why for month in months for path, why in month.broken.items()}
    return Trend(
        asked=asked.cell,
        by=by,
        control=control,
        threshold=asked.threshold,
        machines=tuple(machines),
        broken=tuple((str(path), why) for path, why in sorted(broken.items())),
    )


# --- what is read ---------------------------------------------------------------------


def _months(store: Path, asked: TrendRequest) -> list[Month]:
    table = store / "ratios"
    if not table.is_dir():
        raise ResultsError(
            f"there is no store at {store}", hint="pgdyno store add RUN… makes one"
        )
    found = partitions(table, asked.machine, asked.since[:7], asked.until[:7])
    months = [Month(store, place) for place in found]
    if not months:
        raise ResultsError(
            f"{store} holds no run of this machine and time",
            hint="leave out --machine, --since or --until",
        )
    return months


def _known(months: Sequence[Month], asked: TrendRequest) -> set[tuple[Any, ...]]:
    """Every arm of the cell in every run."""
    wanted = Wanted(controls.COLUMNS, asked.cell)
    known = {row for month in months for row in month.rows(wanted)}
    if not known:
        raise _no_such_cell(months, asked.cell)
    return known


def _no_such_cell(months: Sequence[Month], cell: str) -> PgdynoError:
    found = {row[0] for month in months for row in month.rows(Wanted(["cell"]))}
    cells = sorted(found)
    if not cells:
        return ResultsError(
            "nothing in the store has two arms that were timed in one cell",
            hint="pgdyno store add RUN… with runs of pgdyno bench",
        )
    near = difflib.get_close_matches(cell, [*cells, *map(_family, cells)], 3, 0.4)
    shown = ", ".join(dict.fromkeys(near or cells[:5]))
    return UsageError(f"the store has no cell '{cell}'", hint=f"it has: {shown}")


def _about(store: Path, months: Sequence[Month], machine: str) -> str:
    places = [month.place for month in months if month.place.machine == machine]
    return described(store, places)


def _family(cell: str) -> str:
    return cell.partition("/")[0]


def _read(
    months: Sequence[Month], control: ControlArm, asked: TrendRequest
) -> dict[str, list[StoredRatio]]:
    """The ratios to the control arm, by machine."""
    wanted = Wanted(COLUMNS, asked.cell, control.arms)
    found: dict[str, list[StoredRatio]] = defaultdict(list)
    for month in months:
        some = map(StoredRatio._make, month.rows(wanted))
        found[month.place.machine] += (row for row in some if _asked_for(row, asked))
    return found


def _asked_for(row: StoredRatio, asked: TrendRequest) -> bool:
    named = not asked.drivers or row.arm in asked.drivers or row.series in asked.drivers
    return row.competes and named and _in_time(row, asked)


def _in_time(row: StoredRatio, asked: TrendRequest) -> bool:
    if not asked.since and not asked.until:
        return True
    date = row.date
    return asked.since <= date and (
        not asked.until or date[: len(asked.until)] <= asked.until
    )


# --- series ---------------------------------------------------------------------------


def _axis(found: Iterable[Iterable[StoredRatio]]) -> str:
    """Versions where any arm has two of them, else dates."""
    versions: dict[str, set[str]] = defaultdict(set)
    for rows in found:
        for row in with_controls(rows):
            versions[row.series].add(row.library_version)
    return "version" if any(len(found) > 1 for found in versions.values()) else "date"


def _machine(
    machine: str,
    about: str,
    rows: Sequence[StoredRatio],
    by: str,
    control: ControlArm,
    asked: TrendRequest,
) -> MachineTrend:
    found = grouped(with_controls(rows), by)
    return MachineTrend(
        machine=machine,
        about=about,
        runs=len({row.run for row in rows}),
        series=tuple(
            _series(*name, points, by, control, asked.threshold)
            for name, points in found.items()
        ),
    )


def _series(
    cell: str,
    arm: str,
    points: Sequence[Point],
    by: str,
    control: ControlArm,
    threshold: float,
) -> TrendSeries:
    levels, steps = changes.levels(
        [point.ratio for point in points],
        threshold=threshold,
        lone=by == "version",
        shared=len({point.runs for point in points}) == 1,
    )
    found = []
    for step in steps:
        before, after = points[step.at - 1], points[step.at]
        also = _also(before, after, arm, by, control)
        found.append(TrendChange(after.label, step, tuple(also)))
    return TrendSeries(cell, arm, tuple(points), tuple(levels), tuple(found))


def _also(
    before: Point, after: Point, arm: str, by: str, control: ControlArm
) -> Iterator[str]:
    """What else is different from one point to the next: it may be the reason."""
    for fact, name in FACTS.items():
        was, now = before.values(fact), after.values(fact)
        if was & now or (by == "version" and fact == "library_version"):
            continue
        called = name.format(series=arm, control=control.name)
        told = f" {_either(was)} → {_either(now)}" if fact != "digest" else ""
        yield called + told


def _either(values: Iterable[str]) -> str:
    return " or ".join(sorted(value or "unknown" for value in values))
