"""What a trend says in sentences; its drawers place them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log1p

from harness.core.stats import Estimate
from harness.history.changes import FEWEST
from harness.history.trend import Trend, TrendChange, TrendSeries
from harness.report import format as fmt

AXES = {"version": "versions", "commit": "commits", "date": "dates"}


def subject(trend: Trend) -> str:
    """`copy/in over versions, as times psycopg2`."""
    return f"{trend.asked} over {AXES[trend.by]}, as times {trend.control.name}"


def method(trend: Trend) -> str:
    """How the numbers came about."""
    return (
        "Ratios within a run, paired by round (Hodges–Lehmann, 95 %); no time is compared "
        "with that of another run. A change is a step of more than "
        f"{fmt.change(log1p(trend.threshold), sign=False, decimals=0)} that a penalised "
        "search for change points finds."
    )


def headline(trend: Trend) -> str:
    """The conclusion."""
    judged = [series for series in trend.series if series.enough]
    if not judged:
        return too_few(trend)
    changes = sum(len(series.changes) for series in judged)
    found = fmt.plural(changes, "change") if changes else "no change"
    return f"{found} in {fmt.plural(len(judged), 'trend')}"


def too_few(trend: Trend) -> str:
    """That nothing can be concluded, and what would help."""
    most = max((len(series.points) for series in trend.series), default=0)
    if not most:
        what = f"no run says a {trend.by}, or none has another arm than the control"
        return f"inconclusive: {what}"
    word = trend.by if most == 1 else AXES[trend.by]
    return f"inconclusive: {most} {word} at most, and a change point needs {FEWEST}"


def told(series: TrendSeries, change: TrendChange, *, machine: str = "") -> str:
    """`asyncpg +22.4 % (+20.1 … +24.0 %) since 0.31.0 in copy/in#rows`."""
    where = f" on {machine}" if machine else ""
    text = f"{series.arm} {shift(change.step.shift)} since {change.label} in {series.cell}"
    return text + where + also(change)


def shift(estimate: Estimate) -> str:
    """`+22.4 % (+20.1 … +24.0 %)`; few points have no interval."""
    interval = "" if estimate.low is None else f" ({fmt.change_interval(estimate)})"
    return fmt.change(estimate.point) + interval


def also(change: TrendChange) -> str:
    """What else changed there."""
    return f"; also changed: {', '.join(change.also)}" if change.also else ""


def conclusions(trend: Trend) -> Iterator[str]:
    """Every change of every series, the greatest first."""
    several = len(trend.machines) > 1
    found = [
        (abs(change.step.shift.point), series, change, machine.machine)
        for machine in trend.machines
        for series in machine.series
        for change in series.changes
    ]
    for _, series, change, machine in sorted(found, key=lambda row: -row[0]):
        yield told(series, change, machine=machine if several else "")


def doubts(trend: Trend) -> Iterator[str]:
    """What was left out."""
    for path, why in trend.broken:
        yield f"{path} was left out, for it cannot be read: {why}"
    if trend.broken:
        yield "pgdyno store add RUN… makes the file of a run anew; remove what is foreign"


def single(found: Sequence[TrendSeries]) -> str:
    """The series with a point only, which are no trend."""
    names = (f"{series.arm} {series.points[0].label}" for series in found)
    return f"one point only: {', '.join(names)}"
