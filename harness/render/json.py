"""For programs: checks or derived numbers as an array of objects, runs as an object."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.visible import safe_json
from harness.report.numbers import COLUMNS, Number
from harness.report.tried import Tried, TriedCell
from harness.results.records import Check

FIELDS = ("scenario", "case", "cell", "driver", "profile", "verdict", "code", "detail",
          "observed", "expected", "facts", "expected_verdict", "drift", "deviation",
          "link")  # fmt: skip


def render(rows: Sequence[Check] | Sequence[Number]) -> str:
    """In the order given; texts are read as the run recorded them."""
    return _document(objects(rows))


def runs(summaries: Sequence[Mapping[str, Any]]) -> str:
    """What runs found and where their time went, an object for each."""
    return _document(summaries)


def run(summary: Mapping[str, Any], numbers: Sequence[Number]) -> str:
    """The same of a single run, with every number of its report."""
    return _document({**summary, "numbers": objects(numbers)})


def tried(end: Tried, checks: Sequence[Check], numbers: Sequence[Number]) -> str:
    """A try: what was asked and found, every verdict and every number."""
    return _document(
        {
            "exit": end.code,
            "conclusion": end.conclusion,
            "notes": list(end.notes),
            "run": end.run,
            "scenario": end.scenario,
            "cells": [_tried_cell(cell) for cell in end.cells],
            "checks": objects(checks),
            "numbers": objects(numbers),
        }
    )


def _tried_cell(cell: TriedCell) -> dict[str, Any]:
    """Who is ranked where; times are among the numbers."""
    return {
        "cell": cell.cell,
        "condition": cell.condition,
        "fastest": cell.first,
        "drivers": [
            {"driver": row.driver, "verdict": row.verdict, "rank": row.rank}
            for row in cell.rows
        ],
    }


def _document(content: Any) -> str:
    return safe_json(json.dumps(content, indent=2, ensure_ascii=False)) + "\n"


def objects(rows: Sequence[Check] | Sequence[Number]) -> list[dict[str, Any]]:
    """One object per row. What is infinite is null: JSON has no word for it."""
    return [{name: _plain(getattr(row, name)) for name in fields(row)} for row in rows]


def flat(rows: Sequence[Check] | Sequence[Number]) -> list[dict[str, Any]]:
    """The same for tables, whose cells hold one value: structured facts are JSON text."""
    return [{name: _text(value) for name, value in row.items()} for row in objects(rows)]


def fields(row: Check | Number) -> tuple[str, ...]:
    """The columns of a row."""
    return COLUMNS if isinstance(row, Number) else FIELDS


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else value
