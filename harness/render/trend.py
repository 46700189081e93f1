"""A trend for the terminal and for programs."""

from __future__ import annotations

import json as jsonlib
import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from harness.core.visible import safe_json, visible
from harness.history import words
from harness.report import format as fmt
from harness.report import scale
from harness.report.scale import Scale

if TYPE_CHECKING:
    from harness.core.stats import Estimate
    from harness.history.trend import MachineTrend, Trend, TrendChange, TrendSeries

WIDTH = 80
_CHART = 25
_LABEL = 17
_MOST = 12
"""Points that are listed one by one; of more only the levels are."""


def text(trend: Trend) -> str:
    """Machine by machine and cell by cell; the conclusion and the exit code last."""
    lines = [
        *_pair("trend", words.subject(trend)),
        *_pair("control", f"{trend.control.name}, {trend.control.reason}"),
    ]
    for place, machine in enumerate(trend.machines):
        lines += ["", *_machine(machine)] if place else _machine(machine)
    lines += ["", *fmt.wrapped(words.method(trend), WIDTH), "", words.headline(trend)]
    for told in words.conclusions(trend):
        lines += fmt.wrapped(told, WIDTH, first="  ", rest="    ")
    for doubt in words.doubts(trend):
        lines += fmt.wrapped(f"! {doubt}", WIDTH, rest="  ")
    lines.append(f"exit {trend.exit_code}")
    return "\n".join(visible(line).rstrip() for line in lines) + "\n"


def _pair(name: str, value: str) -> list[str]:
    return fmt.wrapped(f"{name:<9}{value}", WIDTH, rest=" " * 9)


def _machine(machine: MachineTrend) -> Iterator[str]:
    about = ", ".join(filter(None, (machine.about, fmt.plural(machine.runs, "run"))))
    yield from _pair("machine", f"{machine.machine}: {about}")
    for cell, found in groupby(machine.series, key=lambda series: series.cell):
        yield ""
        yield from _cell(cell, list(found))


def _cell(cell: str, found: Sequence[TrendSeries]) -> Iterator[str]:
    yield fmt.shorten(cell, WIDTH)
    for series in found:
        if len(series.points) > 1:
            yield from _series(series)
    if single := [series for series in found if len(series.points) == 1]:
        yield from fmt.wrapped(words.single(single), WIDTH, first="  ", rest="    ")


def _series(series: TrendSeries) -> Iterator[str]:
    """An arm on an axis of its own: others may be far away, and changes are small."""
    axis = scale.around(_values(series))
    left, right = fmt.times(axis.low), fmt.times(axis.high)
    ends = f"{left}{right:>{_CHART - len(left)}}"
    yield f"  {fmt.shorten(series.arm, _LABEL - 1):<{_LABEL}}{'runs':>6}  {ends}"
    rows = _points if len(series.points) <= _MOST else _levels
    yield from rows(series, axis)


def _values(series: TrendSeries) -> Iterator[float]:
    for point in series.points:
        ends = (point.ratio.low, point.ratio.point, point.ratio.high)
        yield from (math.exp(end) for end in ends if end is not None)


def _points(series: TrendSeries, axis: Scale) -> Iterator[str]:
    changes = {change.step.at: change for change in series.changes}
    for place, point in enumerate(series.points):
        if place in changes:
            yield from _change(changes[place])
        yield _row(point.label, len(point.runs), point.ratio, axis)


def _levels(series: TrendSeries, axis: Scale) -> Iterator[str]:
    """From where each level holds, with the runs behind it."""
    changes = {change.step.at: change for change in series.changes}
    for level in series.levels:
        if level.start in changes:
            yield from _change(changes[level.start])
        points = series.points[level.start : level.end]
        runs = len(frozenset().union(*(point.runs for point in points)))
        yield _row(f"{points[0].label} …", runs, level.estimate, axis)


def _change(change: TrendChange) -> list[str]:
    said = f"── {words.shift(change.step.shift)}{words.also(change)}"
    return fmt.wrapped(said, WIDTH, first="    ", rest="       ")


def _row(label: str, runs: int, ratio: Estimate, axis: Scale) -> str:
    times = ratio.exp()
    name = f"    {fmt.shorten(label, _LABEL - 3):<{_LABEL - 2}}{runs:>6,}"
    numbers = f"{fmt.times(times.point):>7}  {fmt.ratio_interval(times)}"
    return f"{name}  {_bar(times, axis)}  {numbers}"


def _bar(times: Estimate, axis: Scale) -> str:
    """The interval and its point; `|` is the control arm, where the axis reaches it."""
    cells = [" "] * _CHART
    if axis.low <= 1 <= axis.high:
        cells[_place(1, axis)] = "|"
    if times.low is not None and times.high is not None:
        low, high = _place(times.low, axis), _place(times.high, axis)
        cells[low : high + 1] = "─" * (high + 1 - low)
        cells[low], cells[high] = "├", "┤"
    cells[_place(times.point, axis)] = "●"
    return "".join(cells)


def _place(ratio: float, axis: Scale) -> int:
    return round(axis.at(ratio) / 100 * (_CHART - 1))


# --- for programs ---------------------------------------------------------------------


def json(trend: Trend) -> str:
    """Everything, as ratios: `ratio`, `low` and `high` are times the control arm."""
    told = {
        "asked": trend.asked,
        "by": trend.by,
        "control": {"name": trend.control.name, "arms": trend.control.arms,
                    "reason": trend.control.reason},
        "threshold": trend.threshold,
        "conclusion": words.headline(trend),
        "exit_code": trend.exit_code,
        "broken": [{"file": path, "reason": why} for path, why in trend.broken],
        "machines": [_machine_object(machine) for machine in trend.machines],
    }  # fmt: skip
    return safe_json(jsonlib.dumps(told, indent=2, ensure_ascii=False)) + "\n"


def _machine_object(machine: MachineTrend) -> dict[str, Any]:
    return {
        "machine": machine.machine,
        "about": machine.about,
        "runs": machine.runs,
        "series": [_series_object(series) for series in machine.series],
    }


def _series_object(series: TrendSeries) -> dict[str, Any]:
    return {
        "cell": series.cell,
        "arm": series.arm,
        "enough": series.enough,
        "points": [
            {
                "label": point.label,
                "started": point.started.isoformat(),
                "runs": sorted(point.runs),
                **_numbers(point.ratio),
            }
            for point in series.points
        ],
        "levels": [
            {
                "from": series.points[level.start].label,
                "to": series.points[level.end - 1].label,
                "points": level.end - level.start,
                **_numbers(level.estimate),
            }
            for level in series.levels
        ],
        "changes": [
            {"at": change.label, "also": change.also, **_numbers(change.step.shift)}
            for change in series.changes
        ],
    }


def _numbers(estimate: Estimate) -> dict[str, float | None]:
    times = estimate.exp()
    return {"ratio": times.point, "low": times.low, "high": times.high}
