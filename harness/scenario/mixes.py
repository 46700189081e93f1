"""A `[[mix]]` → cells: cases of the same file, taken in turn by their weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from harness.core.calls import Op
from harness.core.cells import Cell, Point, Share
from harness.core.errors import ScenarioError
from harness.core.expect import Expect
from harness.core.limits import CLIENTS, TURNS
from harness.scenario import rules
from harness.scenario.axes import points
from harness.scenario.cells import bench_of, is_checked
from harness.scenario.slips import nearest, shown, whole
from harness.scenario.tables import MixTable, ScenarioFile
from harness.scenario.turns import order_of, turns_of

_T = TypeVar("_T")


def expand_mix(
    file: ScenarioFile,
    mix: MixTable,
    raw: dict[str, Any],
    cells: Sequence[Cell],
    where: str,
) -> Iterator[Cell]:
    """The cells of a mix, one for each point of its axes; `cells` are those of the cases.

    Raises:
        ScenarioError: it names no case, or cases that cannot be mixed.
    """
    _check_weights(mix, where)
    used: set[str] = set()
    for point, table in points(mix, raw, where):
        tasks = [_task(key, dict(point), cells, where) for key in mix.weights]
        used |= {axis for task in tasks for axis, _ in task.point}
        used |= {name for name in mix.axes if _marked(name, raw)}
        yield _made(file, table, tasks, point, where)
    if unused := [name for name in mix.axes if name not in used]:
        raise ScenarioError(
            f"{where}: none of its cases has the axis {shown(unused[0])}",
            hint="an axis of a mix chooses the points of its cases",
        )


def _marked(name: str, value: Any) -> bool:
    """Whether the mark of an axis stands somewhere in a table."""
    inner = value.values() if isinstance(value, dict) else value
    if isinstance(inner, str):
        return f"${{{name}}}" in inner
    if not isinstance(value, dict | list):
        return False
    return any(_marked(name, item) for item in inner)


def _task(key: str, point: Mapping[str, Any], cells: Sequence[Cell], where: str) -> Cell:
    """The cell that a weight is for: of a case, at the point of the mix."""
    case, _, spot = key.partition("@")
    here = f"{where}, weights.{shown(key)[1:-1]}"
    named = [cell for cell in cells if cell.case == case]
    if not named:
        known = dict.fromkeys(cell.case for cell in cells)
        raise ScenarioError(
            f"{here}: there is no case {shown(case)} in this file",
            hint=nearest(case, known, "cases"),
        )
    wanted = {name: str(value) for name, value in point.items()}
    wanted |= dict(part.split("=", 1) for part in spot.split(",") if "=" in part)
    found = [
        cell
        for cell in named
        if all(wanted.get(axis) == str(value) for axis, value in cell.point)
    ]
    if len(found) != 1 or not set(_axes(spot)) <= {axis for axis, _ in found[0].point}:
        some = ", ".join(cell.local_id for cell in named[:3])
        raise ScenarioError(
            f"{here}: no point of this case is meant",
            hint=f"give the mix the axes of the case, or name a point of it: {some}",
        )
    _check_mixable(found[0], here)
    return found[0]


def _axes(spot: str) -> list[str]:
    return [part.partition("=")[0] for part in spot.split(",") if part]


def _check_mixable(cell: Cell, where: str) -> None:
    """Whether a case can be one task of many; raises `ScenarioError`."""
    expect = cell.expect
    unfit = {
        "has steps": cell.steps,
        f"opens sessions with `{cell.op}`": cell.op in (Op.CONNECT, Op.CONNECT_QUERY),
        "takes a connection and does nothing with it": cell.op is Op.CHECKOUT,
        "expects an error": expect.error or expect.rejected,
        "is a trait, which is never verified": expect.trait,
        "counts sessions": expect.sessions is not None,
        "has clients or a pool of its own": cell.clients or cell.pool,
    }
    for what, found in unfit.items():
        if found:
            raise ScenarioError(
                f"{where}: a case that {what} cannot be mixed",
                hint="a mix takes ops of one session in turn; clients and pool are its own",
            )


def _made(
    file: ScenarioFile, mix: MixTable, tasks: Sequence[Cell], point: Point, where: str
) -> Cell:
    counts = _counts(mix, where)
    weights = [format(weight, ".15g") for weight in mix.weights.values()]
    cell = Cell(
        scenario=tasks[0].scenario,
        case=mix.name,
        point=point,
        title=mix.title or file.title or tasks[0].scenario,
        op=Op.MIX,
        fixture=_common(tasks, "fixtures", lambda task: task.fixture, where),
        expect=Expect(rows=True, state=_state(tasks)),
        clients=whole(mix.clients, "clients", where, CLIENTS),
        pool=whole(mix.pool, "pool", where, CLIENTS),
        requires=_union(task.requires for task in tasks),
        needs=_union(task.needs for task in tasks),
        settings=_common(tasks, "settings", lambda task: task.settings, where),
        bench=bench_of(mix.bench, point, where),
        checked=is_checked(mix.check, point),
        once=all(task.once for task in tasks),
        mix=tuple(map(Share, tasks, weights, counts)),
        turns=order_of(counts, mix.seed),
        search_path=file.search_path,
    )
    rules.check(cell, where)
    return cell


def _check_weights(mix: MixTable, where: str) -> None:
    for case, weight in mix.weights.items():
        if not (math.isfinite(weight) and weight > 0):
            raise ScenarioError(
                f"{where}, weights.{shown(case)[1:-1]}: {weight:g} cannot stand here",
                hint="write a number above 0",
            )
    if not mix.weights:
        raise ScenarioError(
            f"{where}, weights: they name no case", hint="write { case = 9, other = 1 }"
        )


def _counts(mix: MixTable, where: str) -> list[int]:
    """The turns of each task in one cycle."""
    length = whole(mix.turns, "turns", where, TURNS)
    tasks = len(mix.weights)
    if tasks > (length or TURNS):
        raise ScenarioError(
            f"{where}: {tasks:,} tasks in a cycle of {length or TURNS:,}",
            hint=f"each has a turn: leave some out, or more `turns`, up to {TURNS:,}",
        )
    return turns_of(list(mix.weights.values()), length)


def _common(tasks: Sequence[Cell], what: str, of: Callable[[Cell], _T], where: str) -> _T:
    """What all tasks have to share, because they share a session."""
    first = tasks[0]
    for task in tasks:
        if of(task) != of(first):
            raise ScenarioError(
                f"{where}: '{first.local_id}' and '{task.local_id}' have different {what}",
                hint="all tasks of a mix work in one session and one schema",
            )
    return of(first)


def _union(lists: Iterator[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in lists for name in names))


def _state(tasks: Sequence[Cell]) -> str:
    """What all writes of a mix change, as one query; empty where nobody writes."""
    queries = dict.fromkeys(task.expect.state for task in tasks if task.expect.state)
    return "\nunion all\n".join(
        f"select {number} as state, s::text as shown from ({query.rstrip().rstrip(';')}) s"
        for number, query in enumerate(queries)
    )
