"""What a report says of layers: a summary, each question, and which verdicts changed."""

from __future__ import annotations

import layered_runs as made
import pytest
from msgspec.structs import replace

from harness.render import html, markdown, text
from harness.report import view
from harness.report.layers import OVER_ALL, PER_CELL, layers_view
from harness.report.numbers import numbers
from harness.results.records import Check

CELL = "point/by-key#one-row"


@pytest.fixture
def still(monkeypatch):
    """Passes without weather, so that every number is exact."""
    monkeypatch.setattr(made.random.Random, "uniform", lambda *_: 0.0)


def rows(run, section: int, cell: str = "", checks=()) -> dict[str, dict[str, str]]:
    """arm → head → what a reader sees."""
    shown = layers_view(run, checks)
    assert shown is not None
    (table,) = [one for one in shown.sections[section].tables if one.cell == cell]
    heads = [quantity.head for quantity in (OVER_ALL, PER_CELL)[section]]
    return {
        row.arm: dict(zip(heads, (value.text for value in row.values), strict=True))
        for row in table.rows
        if row.values
    }


def test_a_run_without_layers_says_nothing_of_them():
    shown = view.build([made.fake_runs.bench()]).runs[0]
    assert shown.layers is None
    assert "What a layer costs" not in text.render(view.build([made.fake_runs.bench()]))


@pytest.mark.usefixtures("still")
def test_a_layer_adds_and_its_driver_is_the_base():
    found = rows(made.run(), 0)
    assert list(found) == [made.BARE, made.ADAPTER, made.CORE, made.ORM]
    bare, adapter = found[made.BARE], found[made.ADAPTER]
    assert bare["wall per op"] == "30.0 µs"
    assert adapter["time, × bare"] == "2.33×"
    assert adapter["wall per op"] == "+40.0 µs"
    assert adapter["client CPU per op"] == "+24.0 µs"
    assert adapter["server CPU per op"] == "0 ns"
    assert adapter["first use of a text, CPU"] == "+1.38 ms"
    assert (bare["import, CPU"], adapter["import, CPU"]) == ("80.0 ms", "+920 ms")
    assert adapter["peak memory (RSS)"] == "+36.0 MB"
    assert adapter["verdicts better / worse"] == "0 / 0"
    assert (adapter["adds up"], found[made.CORE]["adds up"]) == ("2 of 2", "0 of 2")
    assert found[made.ORM]["adds up"] == "–"


@pytest.mark.usefixtures("still")
def test_each_question_has_its_chain():
    found = rows(made.run(), 1, CELL)
    assert [row["% of bare"] for row in found.values()] == [
        "100 %",
        "233 %",
        "333 %",
        "500 %",
    ]
    assert found[made.CORE]["layer alone"] == "60.0 µs"
    assert found[made.CORE]["bare + alone, % of stack"] == "90 %"
    shown = layers_view(made.run())
    (table, _) = shown.sections[1].tables
    by_arm = {row.arm: row.values for row in table.rows}
    assert by_arm[made.ORM][0].note == "500 – 500; 1.50× the lower layer"
    assert (by_arm[made.CORE][-1].emphasis, by_arm[made.ADAPTER][-1].emphasis) == (
        "alarm",
        "",
    )


@pytest.mark.usefixtures("still")
def test_a_sum_that_is_not_the_stack_is_a_finding():
    (remark,) = layers_view(made.run()).findings
    assert remark.text.startswith(
        f"{made.CORE} is not {made.BARE} + the layer alone in 2 of 2"
    )
    assert "+10.0 µs (10.0 – 10.0)" in remark.text
    assert "+10 % of its time" in remark.text


def judged(arm: str, kind: str):
    def changed(trial):
        if trial.arm != arm:
            return trial
        return replace(trial, judgement=made.fake_runs.judged(kind, "why"), slices=None)

    return changed


def test_a_layer_without_a_number_says_why_and_is_in_no_mean():
    run = made.run(override=judged(made.ADAPTER, "lossy"))
    assert made.ADAPTER not in rows(run, 1, CELL)
    shown = layers_view(run)
    (row,) = [row for row in shown.sections[1].tables[0].rows if row.arm == made.ADAPTER]
    assert row.reason == "✗ lossy: why"
    over_all = rows(run, 0)[made.ADAPTER]
    assert (over_all["time, × bare"], over_all["wall per op"]) == ("–", "–")
    assert over_all["verdicts better / worse"] == "0 / 2"
    assert any(
        remark.text == f"{made.ADAPTER} is worse than {made.BARE}, exact → lossy, in "
        "point/by-key#one-row, point/by-key#one-value"
        for remark in shown.findings
    )


def test_a_layer_whose_driver_has_no_number_has_its_own_time():
    found = rows(made.run(override=judged(made.BARE, "crashed")), 1, CELL)
    assert made.BARE not in found
    assert found[made.ADAPTER]["% of bare"] == "–"
    assert found[made.ADAPTER]["wall per op"].endswith("µs")


def test_a_check_run_in_the_same_report_counts():
    def check(driver: str, kind: str, cell: str) -> Check:
        return Check(
            scenario="s", case="c", cell=cell, driver=driver, profile="default",
            judgement=made.fake_runs.judged(kind, "why"),
        )  # fmt: skip

    checks = [check(made.BARE, "differs", f"s#{n}") for n in range(5)]
    checks += [check(made.ADAPTER, "exact", f"s#{n}") for n in range(5)]
    told = made.fake_runs.check()
    checked = replace(told, checks=checks)
    shown = view.build([made.run(), checked]).runs
    assert shown[1].layers is None
    assert any(
        finding.text.endswith(
            "better than asyncpg, differs → exact, in s#0, s#1, s#2 and 2 more"
        )
        for finding in shown[0].findings
    )
    assert (
        rows(made.run(), 0, checks=checks)[made.ADAPTER]["verdicts better / worse"]
        == "5 / 0"
    )


def test_every_format_draws_it():
    report = view.build([made.run(noise=0.01)])
    for drawn in (text.render(report), markdown.render(report), html.render(report)):
        assert "What a layer costs" in drawn
        assert "Layers, each question" in drawn
        assert "+920 ms" in drawn
    assert max(map(len, text.render(report).splitlines())) <= 80
    assert "Layer alone" in html.render(report)


@pytest.mark.usefixtures("still")
def test_programs_get_the_numbers():
    (shown,) = view.build([made.run()]).runs
    found = {(one.cell, one.arm, one.metric): one.estimate for one in numbers(shown)}
    assert found[CELL, made.CORE, "layer_extra_ns"] == 70_000
    assert found[CELL, made.CORE, "layer_sum_share"] == pytest.approx(0.9)
    assert found["", made.ADAPTER, "layer_ratio"] == pytest.approx(7 / 3)
    assert found["", made.ADAPTER, "layer_import_cpu_ns"] == 920e6
