"""Digests: equal work is equal, whatever the dataclasses gain later."""

from __future__ import annotations

from dataclasses import field, make_dataclass, replace

import pytest

from harness.core import cells, digests
from harness.core.arms import Arm
from harness.core.calls import Op
from harness.core.cells import BenchSpec, Cell, Fixture, StatementSpec
from harness.core.expect import Expect, StepExpect
from harness.core.steps import Step

CELL = Cell(
    scenario="a/b",
    case="c",
    point=(("rows", 10),),
    title="A title",
    op=Op.FETCH_ALL,
    fixture=Fixture("create table t (i int)"),
    expect=Expect(rows=True),
    sql="select $1",
    args=({"py": "float", "text": "nan"},),
    steps=(Step("main", "execute", {"sql": "x"}, expect=StepExpect(value=(1.5, None))),),
    bench=BenchSpec("quick", "rows", 5, ""),
)


def test_a_digest_stays_what_it_is() -> None:
    """If this fails, equal work has another digest now: count `digests.VERSION` up."""
    assert CELL.digest == "2:3b00bf21e5d9e427"
    assert CELL.work == "2:eb9f85b1f8cb86e7"


@pytest.mark.parametrize("kind", [Cell, Fixture, Expect, Step, StepExpect, BenchSpec])
def test_a_new_field_with_a_default_changes_nothing(
    kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = CELL.digest

    def grown(value: object) -> object:
        """The same, where every `kind` in it has two fields more."""
        if isinstance(value, tuple):
            return tuple(map(grown, value))
        if not hasattr(value, "__dataclass_fields__"):
            return value
        parts = {name: grown(getattr(value, name)) for name in value.__dataclass_fields__}
        if not isinstance(value, kind):
            return replace(value, **parts)
        more = [("later", int, 0), ("more", list, field(default_factory=list))]
        return make_dataclass(kind.__name__, more, bases=(kind,), frozen=True)(**parts)

    later = grown(CELL)
    assert later != CELL
    assert digests.digest(later, cells._NO_WORK) == before


@pytest.mark.parametrize(
    "changed",
    [
        replace(CELL, sql="select $2"),
        replace(CELL, point=(("rows", "10"),)),
        replace(CELL, fixture=Fixture("create table t (i int)", scope="trial")),
        replace(CELL, expect=Expect()),
        replace(CELL, bench=replace(CELL.bench, units_per_op=6)),
        replace(CELL, bench=None),
        replace(CELL, statements=(StatementSpec("select 1"),)),
        replace(CELL, args=({"py": "float", "text": "inf"},)),
        replace(CELL, steps=(replace(CELL.steps[0], within_ms=9),)),
    ],
)
def test_other_work_has_another_digest(changed: Cell) -> None:
    assert changed.digest != CELL.digest
    assert changed.work != CELL.work or changed.point != CELL.point


def test_names_and_times_of_play_are_no_work() -> None:
    bench = replace(CELL.bench, effort="full", unit="", floor=True)
    same = replace(CELL, title="", checked=False, once=True, bench=bench)
    assert same.digest == CELL.digest
    named = replace(CELL, scenario="x", case="y", point=())
    assert named.digest != CELL.digest
    assert named.work == CELL.work
    assert CELL.played_by(Arm("x"))
