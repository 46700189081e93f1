"""What drawers put on common axes: a panel for each cell of each machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import exp

from harness.history.points import order_of
from harness.history.trend import MachineTrend, Trend, TrendSeries
from harness.report import scale
from harness.report.scale import Scale


@dataclass(frozen=True, slots=True)
class Panel:
    """A cell of a machine, and its series of two points or more.

    `labels` are the places of all series in their order, `axis` holds all ratios.
    """

    machine: MachineTrend
    cell: str
    series: Sequence[TrendSeries]
    labels: Sequence[str]
    axis: Scale


def panels(trend: Trend) -> list[Panel]:
    """All that has something to draw."""
    return [
        _panel(machine, cell, shown, trend.by)
        for machine in trend.machines
        for cell, found in groupby(machine.series, key=lambda series: series.cell)
        if (shown := [series for series in found if len(series.points) > 1])
    ]


def _panel(
    machine: MachineTrend, cell: str, shown: Sequence[TrendSeries], by: str
) -> Panel:
    points = [point for series in shown for point in series.points]
    ends = [end for point in points for end in (point.ratio.low, point.ratio.high)]
    ends += [point.ratio.point for point in points]
    return Panel(
        machine=machine,
        cell=cell,
        series=shown,
        labels=[*dict.fromkeys(point.label for point in sorted(points, key=order_of(by)))],
        axis=scale.around((exp(end) for end in ends if end is not None), margin=0.12),
    )
