"""Axes: one case becomes one cell for each point, with `${axis}` marks replaced."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from harness.core.cells import Cell, Point
from harness.core.errors import ScenarioError
from harness.core.limits import POINTS
from harness.scenario.cells import make
from harness.scenario.form import convert
from harness.scenario.slips import shown
from harness.scenario.tables import (
    AxisValue,
    BenchTable,
    CaseTable,
    MixTable,
    ScenarioFile,
)

_Table = TypeVar("_Table", CaseTable, MixTable)

_MARK = re.compile(r"\$\{([\w-]+)\}")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")


def expand(
    file: ScenarioFile, case: CaseTable, raw: dict[str, Any], scenario: str, where: str
) -> Iterator[Cell]:
    """The cells of a case, one for each point of its axes."""
    for point, table in points(case, raw, where):
        fixture = _fill(_fixture(file), _marks(point), where)
        yield make(file, table, scenario, point, fixture, where)


def points(
    table: _Table, raw: dict[str, Any], where: str
) -> Iterator[tuple[Point, _Table]]:
    """Each point of a table's axes, with the table filled for it."""
    _check_axes(table, where)
    fixed = {key: value for key, value in raw.items() if key not in ("name", "axes")}
    for values in itertools.product(*table.axes.values()):
        point: Point = tuple(zip(table.axes, values, strict=True))
        filled = _fill(fixed, _marks(point), where) | {"name": table.name}
        yield point, convert(filled, type(table), where)


def _marks(point: Point) -> dict[str, str]:
    return {name: str(value) for name, value in point}


def _fixture(file: ScenarioFile) -> Any:
    return (
        msgspec.to_builtins(file.fixture) if file.fixture else {"sql": "", "scope": "run"}
    )


def _check_axes(case: CaseTable | MixTable, where: str) -> None:
    points = math.prod(map(len, case.axes.values()))
    if points > POINTS:
        raise ScenarioError(
            f"{where}: its axes make {_count(points)} cells, {POINTS:,} at most",
            hint="take values or an axis out; SQL makes many rows: generate_series()",
        )
    for name, values in case.axes.items():
        _check_axis(name, values, where)
    for name, values in case.check.items():
        for value in values:
            if value not in case.axes.get(name, []):
                found = f"{shown(value)} is not a value of an axis {shown(name)}"
                raise ScenarioError(f"{where}, check: {found}")
    if case.bench is not None:
        _check_bench(case, case.bench, where)


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**12 else "more than 10^12"


def _check_axis(name: str, values: list[AxisValue], where: str) -> None:
    if not values:
        raise ScenarioError(f"{where}: axis '{name}' has no values")
    for value in values:
        if isinstance(value, str) and not _IDENTIFIER.fullmatch(value):
            raise ScenarioError(
                f"{where}: axis '{name}' has the value {shown(value)}",
                hint="axis values are integers and identifiers only",
            )
        if isinstance(value, int) and abs(value) >= 2**63:
            raise ScenarioError(
                f"{where}: axis '{name}' has the value {shown(value)}",
                hint="axis values fit into a bigint",
            )
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise ScenarioError(f"{where}: axis '{name}' has {shown(twice)} twice")


def _check_bench(case: CaseTable | MixTable, bench: BenchTable, where: str) -> None:
    if bench.tier != "full" and (bench.quick or bench.standard):
        raise ScenarioError(
            f"{where}: bench.tier beside a list of points",
            hint="points that no list names are of the tier full",
        )
    for tier in ("quick", "standard"):
        for point in getattr(bench, tier):
            _check_point(case, point, f"{where}, bench.{tier}")


def _check_point(
    case: CaseTable | MixTable, point: dict[str, AxisValue], where: str
) -> None:
    if set(point) != set(case.axes):
        raise ScenarioError(
            f"{where}: a point must name every axis once: {', '.join(case.axes) or 'none'}"
        )
    for name, value in point.items():
        if value not in case.axes[name]:
            raise ScenarioError(
                f"{where}: {shown(value)} is not a value of the axis '{name}'",
                hint=f"its values: {', '.join(map(str, case.axes[name]))}",
            )


def _fill(value: Any, marks: dict[str, str], where: str) -> Any:
    if isinstance(value, str):
        if "${" not in value:
            return value
        return _MARK.sub(lambda mark: _marked(mark[1], marks, where), value)
    if isinstance(value, list):
        return [_fill(item, marks, where) for item in value]
    if isinstance(value, dict):
        return {key: _fill(inner, marks, where) for key, inner in value.items()}
    return value


def _marked(name: str, marks: dict[str, str], where: str) -> str:
    if name not in marks:
        raise ScenarioError(
            f"{where}: ${{{name}}} is not an axis",
            hint=f"axes: {', '.join(marks) or 'none'}",
        )
    return marks[name]
