"""What the page of a report can look into: every check and every time, as compact JSON.

Texts stand once, in `words`, and are referred to by number, as are verdicts, drivers and
cells; a check that says the same as another one is the same entry. The page unfolds it
when somebody looks. docs/report.md describes it for whoever writes another viewer.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.verdicts import Verdict
from harness.report import format as fmt
from harness.report import wording
from harness.report.cells import CURVE, CellView, Row
from harness.report.mixes import mix_of
from harness.report.titles import plain
from harness.report.view import Report, RunView
from harness.results.records import CellFacts, Check

VERSION = 1
_LONGEST = 600
VERDICTS = tuple(Verdict)


class _Words:
    """Texts by number; nothing is the first."""

    def __init__(self) -> None:
        self._numbers = {"": 0}
        self._known = {"": 0}  # texts as they came, which are many times more

    def __call__(self, text: str) -> int:
        known = self._known.get(text)
        if known is None:
            short = fmt.shorten(text, _LONGEST)
            known = self._numbers.setdefault(short, len(self._numbers))
            self._known[text] = known
        return known

    def listed(self) -> list[str]:
        return list(self._numbers)


def payload(report: Report) -> dict[str, Any]:
    """The data of a page, of plain lists, numbers and texts."""
    words = _Words()
    checks = report.checks
    drivers = list(report.drivers)
    cells = _cells(report)
    return {
        "version": VERSION,
        "verdicts": [str(verdict) for verdict in VERDICTS],
        "drivers": drivers,
        "hues": [report.hue(name) for name in drivers],
        "cells": [
            _cell(cell, called, report.title_of(id_), words)
            for id_, (cell, called) in cells.items()
        ],
        "causes": _causes(report, list(cells), words),
        **_checks(checks, list(cells), drivers, words),
        "shares": list(CURVE),
        "runs": [_run(run, list(cells), drivers) for run in report.runs if run.cells],
        "words": words.listed(),
    }


def _cells(report: Report) -> Mapping[str, tuple[CellFacts | Check, str]]:
    """Every cell that was asked, with what `pgdyno show` takes for it."""
    asked: dict[str, CellFacts | Check] = {
        cell.facts.id: cell.facts for run in report.runs for cell in run.cells
    }
    for check in report.checks:
        asked.setdefault(check.cell, report.facts.get(check.cell, check))
    return {cell: (facts, report.paths.get(cell, cell)) for cell, facts in asked.items()}


def _causes(report: Report, cells: Sequence[str], words: _Words) -> list[list[Any]]:
    """What is behind wrong checks: key, drivers, reason, and its cells by their numbers."""
    numbers = {cell: number for number, cell in enumerate(cells)}
    return [
        [cause.key, cause.who, words(cause.reason), [numbers[cell] for cell in cause.cells]]
        for cause in report.causes
    ]


def _cell(cell: CellFacts | Check, called: str, title: str, words: _Words) -> list[Any]:
    """Id, title, SQL, why, the path for a command, the task, and the title as its scenario
    has it, where many cells share it."""
    if isinstance(cell, Check):
        return [cell.cell, words(title), 0, 0, words(called), 0, words(cell.scenario)]
    own = "" if called == cell.id else called
    return [
        cell.id,
        words(title),
        words(cell.sql),
        words(cell.why),
        words(own),
        words(cell.task),
        words(plain(cell.title)),
    ]


# --- checks -----------------------------------------------------------------------------


def _checks(
    checks: Sequence[Check], cells: Sequence[str], drivers: Sequence[str], words: _Words
) -> dict[str, Any]:
    """`answers`: what was said, each once. `columns`: driver, profile, and for each cell
    the number of its answer, 0 where it was not asked."""
    numbers = {cell: number for number, cell in enumerate(cells)}
    answers: dict[tuple[Any, ...], int] = {}
    columns: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(cells))
    for check in checks:
        answer = _answer(check, words)
        column = columns[check.driver, check.profile]
        column[numbers[check.cell]] = answers.setdefault(answer, len(answers) + 1)
    return {
        "answers": [list(answer) for answer in answers],
        "columns": [
            [drivers.index(driver), profile, _packed(column)]
            for (driver, profile), column in columns.items()
        ],
    }


def _answer(check: Check, words: _Words) -> tuple[Any, ...]:
    """Verdict, code, detail, observed, expected, drift, deviation, link. What is exact
    needs no words, unless it is a fact that the cell asked for."""
    plain = check.verdict is Verdict.EXACT and not (check.drift or check.trait)
    due = wording.due(check)
    said = ("",) * 3 if plain else (wording.said(check), wording.came(check), due)
    told = (*said, check.drift, check.deviation, check.link)
    return VERDICTS.index(check.verdict), words(check.code), *map(words, told)


def _packed(numbers: Sequence[int]) -> list[int]:
    """Runs of equal numbers as [number, how often, …]: most answers are alike."""
    packed: list[int] = []
    for number in numbers:
        if packed and packed[-2] == number:
            packed[-1] += 1
        else:
            packed += [number, 1]
    return packed


# --- times ------------------------------------------------------------------------------


def _run(run: RunView, cells: Sequence[str], drivers: Sequence[str]) -> dict[str, Any]:
    numbers = {cell: number for number, cell in enumerate(cells)}
    return {
        "name": run.name,
        "cells": [_timed(cell, numbers[cell.facts.id], drivers) for cell in run.cells],
        "flags": _flags(run),
        "noise": [
            [comparison.cell, *_ends(comparison.shift.exp()), comparison.differs]
            for test in run.self_tests
            for comparison in test.cells
        ],
    }


def _flags(run: RunView) -> dict[str, list[str]]:
    """What casts doubt on an arm's time in a cell: `CELL, ARM` → sentences."""
    flags: dict[str, list[str]] = {}
    for finding in run.findings:
        if ", " in finding.where:
            flags.setdefault(finding.where, []).append(f"{finding.kind}: {finding.text}")
    return flags


def _timed(cell: CellView, number: int, drivers: Sequence[str]) -> dict[str, Any]:
    floor = cell.floor
    return {
        "cell": number,
        "point": cell.facts.point,
        "unit": cell.facts.unit,
        "units": cell.facts.units_per_op,
        "open": bool(cell.facts.rate),
        "floor": _row(floor.row, -1) if floor else None,
        "floor_name": floor.row.arm if floor else "",
        "harness": cell.harness_sentence,
        "mix": _mix(cell),
        "groups": [
            {
                "label": group.label,
                "first": drivers.index(group.first) if group.first else -1,
                "note": group.order_note,
                "rows": [_row(row, drivers.index(row.arm)) for row in group.rows],
                "pairs": _pairs(group.pairs, drivers),
            }
            for group in cell.groups
        ],
    }


def _mix(cell: CellView) -> dict[str, Any] | None:
    """What a mix consists of: title, weight, turns, statements and round trips of each."""
    mix = mix_of(cell.facts)
    if mix is None:
        return None
    return {
        "sentence": mix.sentence,
        "turns": mix.turns,
        "tasks": [
            [task.title, task.weight, task.turns, task.statements, task.round_trips]
            for task in mix.tasks
        ],
    }


def _row(row: Row, driver: int) -> dict[str, Any]:
    found = {
        "driver": driver,
        "verdict": "" if row.verdict is None else str(row.verdict),
        "detail": "" if row.verdict is Verdict.EXACT else fmt.shorten(row.detail, _LONGEST),
        "time": _ends(row.time),
        "rounds": [_figure(value) for value in row.rounds],
        "rank": row.rank,
        "tied": row.tied,
        "cpu": _figure(row.per_op.get("cpu_ns")),
        "server": _figure(row.per_op.get("server_cpu_ns")),
        "switches": _figure(row.per_op.get("voluntary_switches")),
        "curve": [_figure(value) for value in row.curve],
        "latencies": [_figure(value) for value in row.latencies if value],
        "rate": _figure(row.open_loop.achieved) if row.open_loop else None,
        "rss": row.rss_bytes,
        "turns": row.turns.text if row.turns else "",
    }
    return {name: value for name, value in found.items() if value or name == "driver"}


def _pairs(pairs: Mapping[tuple[str, str], Any], drivers: Sequence[str]) -> list[Any]:
    """Driver, driver, ratio of the first to the second with its interval."""
    return [
        [drivers.index(arm), drivers.index(other), *_ends(ratio)]
        for (arm, other), ratio in pairs.items()
    ]


def _ends(estimate: Any) -> list[float | None]:
    if estimate is None:
        return []
    return [_figure(value) for value in (estimate.point, estimate.low, estimate.high)]


def _figure(value: float | None) -> float | None:
    """Four significant figures: more than anybody can see, or trust. JSON has no other
    numbers than finite ones."""
    return float(f"{value:.4g}") if value is not None and math.isfinite(value) else None
