"""A comparison for the terminal and for programs."""

from __future__ import annotations

import io
import json as jsonlib
import math
from collections.abc import Iterator
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

from harness.core.verdicts import Change
from harness.core.visible import safe_json, visible
from harness.render.changes import chart
from harness.report import format as fmt
from harness.report.commands import command
from harness.report.comparison import (
    comparing,
    controlled,
    differs,
    doubts,
    method,
    most_suspicious,
    score,
    told,
    undecided,
)
from harness.report.next_steps import next_steps

if TYPE_CHECKING:
    from harness.analysis.changes import CellChange, Comparison

WIDTH = 80
_AS_IT_IS = "none"
"""The style of what is to be copied: a terminal may break it, we do not."""


# --- terminal -----------------------------------------------------------------------

_STYLES = {
    Change.REGRESSED: "bold red",
    Change.INCONCLUSIVE: "bold yellow",
    Change.NOT_COMPARABLE: "bold yellow",
    Change.IMPROVED: "bold green",
    Change.SAME: "bold",
}


def text(
    comparison: Comparison,
    *,
    width: int = WIDTH,
    colour: bool = False,
    every: bool = False,
) -> str:
    """For a terminal: what changed, what is undecided and why, the exit code last; with
    `every` also each comparison, in sections by change, worst first."""
    from rich.console import Console
    from rich.text import Text

    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=colour, no_color=not colour)
    for line, style in _lines(comparison, width, every):
        shown = Text(visible(line), style=style)
        console.print(shown, highlight=False, soft_wrap=style == _AS_IT_IS)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _lines(comparison: Comparison, width: int, every: bool) -> Iterator[tuple[str, str]]:
    yield f"base       {comparison.base}", ""
    yield f"candidate  {comparison.candidate}", ""
    for name, sentence in (
        ("differs", differs(comparison)),
        ("controls", controlled(comparison)),
    ):
        lines = fmt.wrapped(sentence, width, first=f"{name:<11}", rest=" " * 11)
        yield from ((line, "") for line in lines)
    for doubt in doubts(comparison):
        yield f"! {doubt}", "yellow"
    if every:
        yield from _sections(comparison, width)
    yield "", ""
    yield score(comparison), "bold"
    yield from ((line, "") for line in _changed(comparison, width, every))
    for words in next_steps(comparison):
        yield f"next: {command(*words, width=width - len('next: '))}", _AS_IT_IS
    if any(row.shift is not None for row in comparison.changes):
        yield f"{method(comparison)}. {comparing(comparison.lane).WORDS.note}", "dim"
    yield f"exit {comparison.exit_code}", "bold"


def _changed(comparison: Comparison, width: int, every: bool) -> Iterator[str]:
    """What changed, and what is undecided."""
    if not every:
        yield from chart(told(comparison), comparison.lane, width)
    yield from fmt.wrapped(undecided(comparison), width, rest="  ")
    if row := most_suspicious(comparison):
        assert row.shift is not None
        name = fmt.shorten(f"{row.cell} {row.arm}", 40)
        change = f"{fmt.change(row.shift.point)} ({fmt.change_interval(row.shift)})"
        more = "" if every else "; --all lists them"
        yield from fmt.wrapped(f"most suspicious: {name} {change}{more}", width, rest="  ")


def _sections(comparison: Comparison, width: int) -> Iterator[tuple[str, str]]:
    words = comparing(comparison.lane).WORDS
    for kind, rows in groupby(comparison.changes, key=lambda row: row.change):
        title = f"{'change':>9}{words.interval:>18}{words.last:>12}"
        yield "", ""
        yield f"{kind.upper():<{width - 50}}{'was':>9}  {title}", _STYLES[kind]
        for cell, found in groupby(rows, key=lambda row: row.cell):
            yield cell, ""
            for row in found:
                yield from ((line, "") for line in _row(row, comparison.lane, width))


def _row(row: CellChange, lane: str, width: int) -> Iterator[str]:
    """A line of numbers, or the reason why there are none."""
    name = f"  {fmt.shorten_arm(row.arm, width - 54)}"
    was, change, interval, last = columns(row, lane)
    start = f"{name:<{width - 50}}{was:>9}  "
    if row.shift is not None:
        yield f"{start}{change:>9}{interval:>18}{last:>12}"
        if row.torn:
            yield f"    by trimmed means (Yuen): {trimmed(row)}"
    elif len(start) + len(row.reason) <= width:
        yield start + row.reason
        return
    else:
        yield start
    yield from (f"    {line}" for line in wrap(row.reason, width - 4))


def columns(row: CellChange, lane: str) -> tuple[str, str, str, str]:
    """What it was, the change, its interval or range, and what limits it."""
    words = comparing(lane).WORDS
    was, last = words.number(row.base_number), words.limit(row)
    if row.shift is None:
        return was, fmt.NONE, fmt.NONE, last
    change = fmt.change(row.shift.point, decimals=words.decimals)
    return was, change, fmt.change_interval(row.shift, decimals=words.decimals), last


def trimmed(row: CellChange) -> str:
    """The change by trimmed means, with its interval."""
    if row.trimmed is None:
        return fmt.NONE
    return f"{fmt.change(row.trimmed.point)}, {fmt.change_interval(row.trimmed)}"


# --- programs -----------------------------------------------------------------------


def json(comparison: Comparison) -> str:
    """One JSON object; ratios are candidate/base, numbers per op, null where unknown."""
    shift = comparison.common_shift
    data = {
        "base": comparison.base,
        "candidate": comparison.candidate,
        "lane": comparison.lane,
        "paired": comparison.paired,
        "threshold": comparison.threshold,
        "alpha": comparison.alpha,
        "answer": str(comparison.answer),
        "exit_code": comparison.exit_code,
        "differences": list(comparison.differences),
        "invalid": list(comparison.invalid),
        "warnings": list(comparison.warnings),
        "common_shift_ratio": None if shift is None else math.exp(shift),
        "machine_shifted": comparison.shifted,
        "controls": [_change_object(row, comparison.lane) for row in comparison.controls],
        "controls_moved_ratio": math.exp(comparison.drift),
        "counts": {str(kind): count for kind, count in comparison.counts.items()},
        "changes": [_change_object(row, comparison.lane) for row in comparison.changes],
    }
    return safe_json(jsonlib.dumps(data, indent=2, ensure_ascii=False)) + "\n"


def _change_object(row: CellChange, lane: str) -> dict[str, object]:
    ratio = row.shift.exp() if row.shift else None
    yuen = row.trimmed.exp() if row.trimmed else None
    effect = row.detectable
    unknown = effect is None or math.isinf(effect)
    unit = comparing(lane).WORDS.unit
    return {
        "cell": row.cell,
        "arm": row.arm,
        "change": str(row.change),
        "reason": row.reason,
        "margin": row.margin,
        "fresh": None if row.fresh is None else _change_object(row.fresh, lane),
        f"base_{unit}": row.base_number,
        f"candidate_{unit}": row.candidate_number,
        "base_rounds": row.base_rounds,
        "candidate_rounds": row.candidate_rounds,
        "ratio": ratio.point if ratio else None,
        "ratio_low": ratio.low if ratio else None,
        "ratio_high": ratio.high if ratio else None,
        "confidence": ratio.confidence if ratio else None,
        "trimmed_ratio": yuen.point if yuen else None,
        "trimmed_low": yuen.low if yuen else None,
        "trimmed_high": yuen.high if yuen else None,
        "p": row.p,
        "p_adjusted": row.p_adjusted,
        "detectable_ratio": None if unknown or effect is None else math.exp(effect),
    }
