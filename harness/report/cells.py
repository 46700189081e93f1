"""The benchmark part of a report: each cell with its arms, times, ratios and ranks.

Times are estimated over rounds in logarithms, so that a time and a ratio of times obey
the same arithmetic. Ratios are paired by round, because a round's weather is shared.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from harness.analysis.times import (
    RunTimes,
    Timings,
    WorstVerdict,
    measured,
)
from harness.core import stats
from harness.core.metrics import METRICS
from harness.core.verdicts import Verdict
from harness.report import format as fmt
from harness.report.ranks import ranked
from harness.report.sections import Value, turns_of
from harness.results.records import ArmFacts, CellFacts, Run, changed

_ASKED = {"sync": "called", "async": "awaited"}

PERCENTILES = (0.5, 0.9, 0.99, 0.999)
CURVE = (0.0, *(step / 20 for step in range(1, 20)), 0.98, 0.99, 0.995, 0.998, 0.999, 1.0)
"""The shares of single ops at which a picture of their distribution has its points."""


@dataclass(frozen=True, slots=True)
class OpenLoopView:
    """How an arm kept to a fixed arrival rate, over all rounds. `asked` and `achieved` are
    ops per second; `lags` are percentiles of how late ops began, ns, as `PERCENTILES`."""

    asked: float
    achieved: float
    lags: tuple[float | None, ...]


def _nothing_read() -> Mapping[str, float | None]:
    return dict.fromkeys(metric.name for metric in METRICS)


@dataclass(frozen=True, slots=True)
class Row:
    """One arm in one cell. `verdict` is None where the arm was not even tried.

    Times are ns per op, of an open loop response times; CPU and switches are per op too.
    `latencies` are `PERCENTILES` of single ops, `curve` their least times at the shares of
    `CURVE`. `ratio` is times the fastest of the group,
    `trimmed` the same by trimmed means, `detectable` the smallest log-ratio to it that
    this run would have detected; `p` is of the test that the two are equal, `p_adjusted`
    corrected over the whole report; `over_floor` is times the cell's floor. `turns` is how
    often the driver waits for the server in an op, where that was counted. `rank` is None
    where the arm may not be ranked; `tied` says that it shares rank 1 with others.
    """

    arm: str
    verdict: Verdict | None
    detail: str
    observed: str = ""
    expected: str = ""
    rounds: tuple[float, ...] = ()
    time: stats.Estimate | None = None
    ratio: stats.Estimate | None = None
    trimmed: stats.Estimate | None = None
    detectable: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    over_floor: stats.Estimate | None = None
    rank: int | None = None
    tied: bool = False
    per_op: Mapping[str, float | None] = field(default_factory=_nothing_read)
    latencies: tuple[float | None, ...] = (None,) * len(PERCENTILES)
    curve: tuple[float, ...] = ()
    open_loop: OpenLoopView | None = None
    rss_bytes: int = 0
    turns: Value | None = None

    @property
    def mark(self) -> str:
        """`1`, `= 1` if it cannot be told from the fastest, `≠` if timed but not ranked."""
        if self.rank is not None:
            return f"= {self.rank}" if self.rank == 1 and self.tied else str(self.rank)
        return "≠" if self.verdict is Verdict.DIFFERS and self.time else ""

    @property
    def status(self) -> str:
        """In a word, why there is no number, or `exact`."""
        if self.verdict is None:
            return "not tried"
        return "no number" if self.verdict.timeable and not self.time else str(self.verdict)

    @property
    def sure(self) -> bool:
        """Whether its time has an interval."""
        return self.time is not None and self.time.low is not None


@dataclass(frozen=True, slots=True)
class RankGroup:
    """Arms that may be ranked together. `label` is `threads`, `tasks` or empty; `first` is
    the arm to which ratios are taken, as `ranks` defines it; `order_note` says why times or
    ratios are not in the order shown, where they are not. `pairs` has the ratio of every
    arm to every later one, paired by round: any of them can be the baseline."""

    label: str
    rows: tuple[Row, ...]
    first: str = ""
    order_note: str = ""
    pairs: Mapping[tuple[str, str], stats.Estimate] = field(default_factory=dict)

    @property
    def fastest(self) -> Row | None:
        """The row of the fastest arm; its ratio is 1."""
        return next((row for row in self.rows if row.arm == self.first), None)


@dataclass(frozen=True, slots=True)
class Reference:
    """An arm that is no competitor. A program is what drivers are compared with. Another
    one's `share` is its part in the time of the driver `of`, the fastest of its kind.
    """

    row: Row
    stands_for: str
    kind: str
    share: float | None = None
    of: str = ""

    @property
    def program(self) -> bool:
        """Whether it does what drivers do, and is no part of the harness."""
        return self.kind == "program"

    @property
    def label(self) -> str:
        """What a reader calls it: `floor: pgbench`."""
        return f"{'floor' if self.program else 'harness'}: {self.row.arm}"


@dataclass(frozen=True, slots=True)
class CellView:
    """One question with the answers of all arms, and the references below them."""

    facts: CellFacts
    groups: tuple[RankGroup, ...]
    references: tuple[Reference, ...] = ()

    @property
    def point(self) -> str:
        """The cell's place on its axes: `rows = 100`."""
        return ", ".join(f"{name} = {value}" for name, value in self.facts.point.items())

    @property
    def family(self) -> str:
        """The folder of its scenario."""
        return self.facts.scenario.partition("/")[0]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of all groups."""
        return tuple(row for group in self.groups for row in group.rows)

    @property
    def counted(self) -> bool:
        """Whether turns were counted beside its times."""
        return any(row.turns for row in self.rows)

    @property
    def floor(self) -> Reference | None:
        """What drivers are compared with besides each other, if it has a time."""
        return next(
            (
                reference
                for reference in self.references
                if reference.program and reference.row.time
            ),
            None,
        )

    @property
    def harness_costs(self) -> tuple[Reference, ...]:
        """What of a driver's time is the harness, as far as it was measured."""
        return tuple(
            reference for reference in self.references if reference.share is not None
        )

    @property
    def harness_sentence(self) -> str:
        """What the harness itself costs, for people; empty where nobody knows."""
        parts = [
            f"{fmt.duration(reference.row.time.point)} of each op {_ASKED[reference.kind]} "
            f"({fmt.percentage(reference.share)} of {reference.of})"
            for reference in self.harness_costs
            if reference.row.time and reference.share is not None
        ]
        return f"The harness itself costs {' and '.join(parts)}." if parts else ""

    def rate(self, row: Row) -> float | None:
        """Units per second of one row."""
        if row.time is None:
            return None
        per_second = row.open_loop.achieved if row.open_loop else 1e9 / row.time.point
        return self.facts.units_per_op * per_second


def cell_views(run: Run) -> tuple[CellView, ...]:
    """All cells of a run in the order of its header; no driver is left out."""
    return _with_turns(run, views_of(run, measured(run)))


def _with_turns(run: Run, cells: tuple[CellView, ...]) -> tuple[CellView, ...]:
    """With the turns that the run counted beside its times."""
    found = turns_of(run)
    if not found:
        return cells

    def counted(cell: CellView, group: RankGroup) -> RankGroup:
        rows = (
            replace(row, turns=found.get((cell.facts.id, row.arm))) for row in group.rows
        )
        return replace(group, rows=tuple(rows))

    return tuple(
        replace(cell, groups=tuple(counted(cell, group) for group in cell.groups))
        for cell in cells
    )


def views_of(run: Run, found: RunTimes) -> tuple[CellView, ...]:
    """The same from what was found in the run's trials, however they were counted."""
    arms = [arm for arm in run.header.arms if arm.competes]
    drafts = [
        CellView(_titled(cell), tuple(_groups(cell, arms, found)))
        for cell in run.header.cells
    ]
    return ranked(drafts, found.series)


def _titled(cell: CellFacts) -> CellFacts:
    """A baseline has no titles; an id is better than nothing."""
    return cell if cell.title else changed(cell, title=cell.id)


# --- one row --------------------------------------------------------------------------


def _groups(
    cell: CellFacts, arms: Sequence[ArmFacts], found: RunTimes
) -> Iterable[RankGroup]:
    """One group, or threads and tasks apart where clients work at the same time."""
    labels = ("threads", "tasks") if cell.clients else ("",)
    for label in labels:
        here = [
            arm for arm in arms if not label or (arm.kind == "async") == (label == "tasks")
        ]
        rows = [
            row_of(
                arm, found.worst.get((cell.id, arm.id)), found.series.get((cell.id, arm.id))
            )
            for arm in here
        ]
        if rows:
            yield RankGroup(label, tuple(rows))


def row_of(arm: ArmFacts, worst: WorstVerdict | None, series: Timings | None) -> Row:
    """One arm in one cell, not yet ranked."""
    if worst is None:
        return Row(arm.id, None, arm.problem or "not measured")
    row = Row(arm.id, worst.verdict, worst.detail, worst.observed, worst.expected)
    if not worst.verdict.timeable:
        return row
    if not series:
        return replace(row, detail=worst.detail or "no undisturbed round")
    return _timed(row, series)


def _timed(row: Row, series: Timings) -> Row:
    ordered = sorted(series.latencies())
    return replace(
        row,
        rounds=tuple(series.walls),
        time=stats.hodges_lehmann([math.log(value) for value in series.walls]).exp(),
        per_op={name: _middle(values) for name, values in series.per_op.items()},
        latencies=percentiles(ordered),
        curve=_curve(ordered),
        open_loop=_open_loop(series) if series.loops else None,
        rss_bytes=series.rss_bytes,
    )


def _curve(ordered: Sequence[int]) -> tuple[float, ...]:
    """The times of single ops at each share, empty where there are few."""
    if len(ordered) < len(CURVE):
        return ()
    last = len(ordered) - 1
    return tuple(float(ordered[round(share * last)]) for share in CURVE)


def percentiles(values: Sequence[float]) -> tuple[float | None, ...]:
    """The `PERCENTILES` of these values, None where there are too few for one."""
    ordered = sorted(values)
    found = (stats.percentile(ordered, share) for share in PERCENTILES)
    return tuple(None if value is None else float(value) for value in found)


def _open_loop(series: Timings) -> OpenLoopView:
    return OpenLoopView(
        asked=float(series.cell.rate),
        achieved=series.achieved_rate,
        lags=percentiles(series.lags()),
    )


def _middle(values: Sequence[float]) -> float | None:
    """The median over rounds; None where nothing was told."""
    return median(values) if values else None
