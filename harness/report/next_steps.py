"""What to run after a comparison: the commands that would decide what is left open."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.changes import Answer, CellChange, Comparison
from harness.core.verdicts import Change
from harness.report.commands import kept_options, path_of
from harness.report.comparison import comparing

MOST_CELLS = 8
"""More cells are named by their scenarios."""


def next_steps(comparison: Comparison) -> list[list[str]]:
    """Commands, each as its words: fresh data for what regressed, then more rounds for what
    is inconclusive; none where everything is decided or confirmed."""
    if comparison.answer not in (Answer.REGRESSION, Answer.INCONCLUSIVE):
        return []
    rows = [row for row in comparison.changes if row.fresh is None]
    flagged = [row for row in rows if row.change is Change.REGRESSED]
    undecided = [row for row in rows if row.change is Change.INCONCLUSIVE]
    confirmed = any(row.fresh for row in comparison.changes)
    steps = []
    if flagged and not confirmed and _can_confirm(comparison):
        steps.append(_confirm(comparison))
    elif flagged and not confirmed:
        undecided = [*flagged, *undecided]
    if undecided:
        steps.append(_again(comparison, undecided))
    return steps


def _can_confirm(comparison: Comparison) -> bool:
    """Two runs are confirmed for the same arms in both."""
    return comparison.paired or not comparison.arms


def _confirm(comparison: Comparison) -> list[str]:
    """`pgdyno bench --confirm RUN --driver BASE --driver CANDIDATE`, or of two runs."""
    words = ["pgdyno", "bench"]
    words += [
        word for word in comparison.command if word.partition("#")[0].endswith(".toml")
    ]
    words += [word for run in comparison.runs for word in ("--confirm", run)]
    return words + _drivers(comparison.arms) + kept_options(comparison.command)


def _again(comparison: Comparison, rows: Sequence[CellChange]) -> list[str]:
    """`pgdyno bench --effort gate CELL… --driver ARM…`."""
    again = comparing(comparison.lane).WORDS.again.split()
    cells = list(dict.fromkeys(path_of(row.cell, comparison.command) for row in rows))
    if len(cells) > MOST_CELLS:
        cells = list(dict.fromkeys(cell.partition("#")[0] for cell in cells))
    arms = comparison.arms if comparison.paired else comparison.arms[1:]
    drivers = _drivers(arms or list(dict.fromkeys(row.arm for row in rows)))
    return ["pgdyno", "bench", *again, *cells, *drivers, *kept_options(comparison.command)]


def _drivers(arms: Sequence[str]) -> list[str]:
    return [word for arm in arms for word in ("--driver", arm)]
