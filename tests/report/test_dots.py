"""Dots of a lane's section: where they stand, and what is not drawn."""

from __future__ import annotations

import pytest

from harness.core.verdicts import Verdict
from harness.report.dots import plots
from harness.report.sections import ArmRow, CellTable, LaneSection, Quantity, Value
from harness.results.records import CellFacts


def facts(case: str) -> CellFacts:
    return CellFacts(
        id=f"f/s#{case}", scenario="f/s", case=case, point={"rows": 10}, title=case, why="",
        op="fetch",
    )  # fmt: skip


def row(arm: str, *values: Value) -> ArmRow:
    return ArmRow(arm, Verdict.EXACT, "", values)


def section(*tables: CellTable) -> LaneSection:
    quantities = (Quantity("words", words=True), Quantity("size", "size_bytes", "bytes"))
    return LaneSection("s", "S", "", quantities, tables, ("size_bytes",))


def sized(number: float | None, low: float | None = None, high: float | None = None):
    return Value("w"), Value("v", number, low, high, note="(n)")


def test_equal_factors_are_equal_distances_and_drivers_do_not_hide_each_other():
    table = CellTable(facts("a"), (
        row("x", *sized(10)), row("y", *sized(100, 50, 200)), row("z", *sized(1_000)),
    ))  # fmt: skip
    (plot,) = plots(section(table))
    (question,) = plot.rows
    assert (plot.title, question.title) == ("size", "a · rows = 10")
    x, y, z = question.dots
    assert y.at - x.at == pytest.approx(z.at - y.at, abs=0.02)
    assert y.at - y.low == pytest.approx(y.high - y.at, abs=0.02)
    assert x.low == x.high == x.at
    assert [dot.down for dot in question.dots] == [16.7, 50.0, 83.3]
    assert y.told == "y: v (n)"


def test_what_is_zero_or_less_is_counted_and_not_drawn():
    table = CellTable(
        facts("a"), (row("x", *sized(0)), row("y", *sized(5)), row("z", *sized(3, -1, 9)))
    )
    other = CellTable(facts("b"), (row("x", *sized(-4)), row("y", *sized(7))))
    (plot,) = plots(section(table, other))
    assert [[dot.arm for dot in found.dots] for found in plot.rows] == [["y"], ["y"]]
    assert plot.undrawn == 3


def test_without_two_numbers_nothing_is_compared():
    lost = ArmRow("x", Verdict.HUNG, "it hangs")
    table = CellTable(facts("a"), (lost, row("y", *sized(5)), row("z", *sized(None))))
    assert not [*plots(section(table))]


def test_of_a_table_about_all_questions_each_driver_is_a_row():
    table = CellTable(None, (row("x", *sized(5)), row("y", *sized(50))))
    (plot,) = plots(section(table))
    assert [found.title for found in plot.rows] == ["x", "y"]
    assert plot.places == 1
