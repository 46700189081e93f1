"""Changes as a chart of characters: `|      ├─●──┤` with its axis in per cent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from harness.report import format as fmt
from harness.report.comparison import Axis, axis, comparing, word

if TYPE_CHECKING:
    from harness.analysis.changes import CellChange
    from harness.core.stats import Estimate

_CHART = 25
_ARM = 18
_WORD = 16


def chart(rows: Sequence[CellChange], lane: str, width: int) -> Iterator[str]:
    """The rows by cell, each with its change on a common axis, or with its reason."""
    scale = axis(rows)
    if any(row.shift for row in rows):
        left, right = (f"{sign}{scale.bound:,} %" for sign in (fmt.MINUS, "+"))
        middle = _CHART - len(left) - len(right)
        yield f"{'':{_ARM + 6}}{left}{'0':^{middle}}{right}"
    for (change, cell), found in groupby(rows, key=lambda row: (row.change, row.cell)):
        name = word(change, lane)
        yield f"{name:<{_WORD}}{fmt.shorten(cell, width - _WORD)}"
        for row in found:
            yield from _row(row, lane, scale, width)
            if row.fresh is not None and row.fresh.shift is not None:
                again = replace(row.fresh, arm="  measured again")
                yield from _row(again, lane, scale, width)


def _row(row: CellChange, lane: str, scale: Axis, width: int) -> Iterator[str]:
    arm = row.arm.rpartition(" → ")[2]  # the base stands above
    name = f"    {fmt.shorten_arm(arm, _ARM):<{_ARM}}  "
    if row.shift is None:
        yield from fmt.wrapped(row.reason, width, first=name, rest=" " * len(name))
        return
    decimals = comparing(lane).WORDS.decimals
    change = fmt.change(row.shift.point, decimals=decimals)
    interval = fmt.change_interval(row.shift, decimals=decimals)
    yield f"{name}{_bar(row.shift, scale)}{change:>10}  {interval}"


def _bar(shift: Estimate, scale: Axis) -> str:
    """The interval, its point and the line of no change."""
    cells = [" "] * _CHART
    cells[_CHART // 2] = "|"
    if shift.low is not None and shift.high is not None:
        low, high = _place(shift.low, scale), _place(shift.high, scale)
        cells[low : high + 1] = "─" * (high + 1 - low)
        cells[low], cells[high] = "├", "┤"
    cells[_place(shift.point, scale)] = "●"
    return "".join(cells)


def _place(log_ratio: float, scale: Axis) -> int:
    return round(scale.at(log_ratio) * (_CHART - 1))
