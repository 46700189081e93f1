"""A run in one object, for programs: what it found and where its time went."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from harness.analysis.times import measured
from harness.report.cells import CellView
from harness.report.measured import is_ranked
from harness.report.screened import CellPasses, Screening
from harness.report.spent import Spending
from harness.report.view import RunView
from harness.results.records import Run


def summary(run: Run, shown: RunView) -> dict[str, Any]:
    """Where the time went, which passes were left out, what became of each cell. What a
    file does not tell is null."""
    return {
        "run": shown.name,
        "lane": run.header.lane,
        "answer": shown.answer,
        "truncated": run.truncated,
        **_spending(shown.spending, run),
        "passes": _passes(shown.screening),
        "cells": _cells(run, shown),
    }


def _spending(spent: Spending | None, run: Run) -> dict[str, Any]:
    elapsed_ns = run.footer.elapsed_ns if run.footer else None
    return {
        "wall_ns": spent.wall_ns if spent else elapsed_ns,
        "timed_ns": spent.timed_ns if spent else None,
        "timed_share": spent.timed if spent else None,
        "phases_ns": {phase.name: phase.ns for phase in spent.phases} if spent else {},
    }


def _passes(screened: Screening | None) -> dict[str, Any] | None:
    """`differing` are the times that all passes would have shown notably otherwise."""
    if screened is None:
        return None
    return {
        "of": screened.passes,
        "left_out": screened.left_out,
        "share": screened.share,
        "differing": [
            {
                "cell": shift.cell,
                "arm": shift.arm,
                "ns_per_op": shift.time,
                "all_passes_ns_per_op": shift.with_all,
                "ratio": math.exp(shift.change),
                "rank_changes": bool(shift.ranks),
            }
            for shift in screened.shifts
        ],
    }


def _cells(run: Run, shown: RunView) -> list[dict[str, Any]]:
    thrown = Counter(block.cell for block, _ in measured(run).disturbed)
    screened = shown.screening.cells if shown.screening else ()
    passes = {cell.cell: cell for cell in screened}
    return [
        _cell(cell, thrown[cell.facts.id], passes.get(cell.facts.id))
        for cell in shown.cells
    ]


def _cell(cell: CellView, thrown: int, passes: CellPasses | None) -> dict[str, Any]:
    """`interval` says whether any driver's time has one."""
    return {
        "cell": cell.facts.id,
        "interval": any(row.sure for row in cell.rows),
        "ranked": is_ranked(cell),
        "rounds": max((len(row.rounds) for row in cell.rows), default=0),
        "blocks_disturbed": thrown,
        "passes": passes.passes if passes else None,
        "passes_left_out": passes.left_out if passes else None,
    }
