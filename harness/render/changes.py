"""Changes as a chart of characters: `|      ├─●──┤` with its axis in per cent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from harness.report import format as fmt
from harness.report.comparison import comparing, word

if TYPE_CHECKING:
    from harness.analysis.compare import CellChange
    from harness.core import stats

_BOUNDS = (5, 10, 25, 50, 100, 200, 400, 1_000)
_CHART = 25
_ARM = 18
_WORD = 16


def chart(rows: Sequence[CellChange], lane: str, width: int) -> Iterator[str]:
    """The rows by cell, each with its change on a common axis, or with its reason."""
    bound = _bound(rows)
    if any(row.shift for row in rows):
        left, right = (f"{sign}{bound:,} %" for sign in (fmt.MINUS, "+"))
        middle = _CHART - len(left) - len(right)
        yield f"{'':{_ARM + 6}}{left}{'0':^{middle}}{right}"
    for (change, cell), found in groupby(rows, key=lambda row: (row.change, row.cell)):
        name = word(change, lane)
        yield f"{name:<{_WORD}}{fmt.shorten(cell, width - _WORD)}"
        for row in found:
            yield from _row(row, lane, bound, width)


def _row(row: CellChange, lane: str, bound: int, width: int) -> Iterator[str]:
    name = f"    {fmt.shorten(row.arm, _ARM):<{_ARM}}  "
    if row.shift is None:
        yield from fmt.wrapped(row.reason, width, first=name, rest=" " * len(name))
        return
    decimals = comparing(lane).WORDS.decimals
    change = fmt.change(row.shift.point, decimals=decimals)
    interval = fmt.change_interval(row.shift, decimals=decimals)
    yield f"{name}{_bar(row.shift, bound)}{change:>10}  {interval}"


def _bar(shift: stats.Estimate, bound: int) -> str:
    """The interval, its point and the line of no change."""
    cells = [" "] * _CHART
    cells[_CHART // 2] = "|"
    if shift.low is not None and shift.high is not None:
        low, high = _place(shift.low, bound), _place(shift.high, bound)
        cells[low : high + 1] = "─" * (high + 1 - low)
        cells[low], cells[high] = "├", "┤"
    cells[_place(shift.point, bound)] = "●"
    return "".join(cells)


def _place(log_ratio: float, bound: int) -> int:
    share = (fmt.percent_change(log_ratio) + bound) / (2 * bound)
    return round(min(1.0, max(0.0, share)) * (_CHART - 1))


def _bound(rows: Sequence[CellChange]) -> int:
    """The end of the axis: a round number that holds every interval, or the largest."""
    shifts = [row.shift for row in rows if row.shift]
    ends = [end for one in shifts for end in (one.low, one.point, one.high)]
    reach = max(
        (abs(fmt.percent_change(end)) for end in ends if end is not None), default=0.0
    )
    return next((bound for bound in _BOUNDS if bound >= reach), _BOUNDS[-1])
