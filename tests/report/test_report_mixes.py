"""A mix in a report: what it is made of, and its forms side by side."""

from __future__ import annotations

import fake_runs
import pytest
from fake_runs import arm_facts
from msgspec.structs import replace
from pages import everything

from harness.render import html, markdown, text
from harness.report import view
from harness.report.mixes import forms, mix_of
from harness.results.records import TaskFacts

ARMS = [arm_facts("psycopg"), arm_facts("asyncpg")]
POINTS = ("one", "many")
SLOWER = {"psycopg": 3.0, "asyncpg": 5.0}
"""How often each driver's time in `one` its time in `many` is."""


def tasks(form: str, *statements: int) -> list[TaskFacts]:
    counts = zip(("read", "write"), (75, 25), statements, strict=True)
    return [
        TaskFacts(
            cell=f"app/shop#{name}@form={form}",
            title=f"A {name}",
            op="sequential",
            weight=f"{turns}.5",
            turns=turns,
            statements=each,
            round_trips=each and each + (name == "write"),
        )
        for name, turns, each in counts
    ]


def run_of(*counts: tuple[int, int], noise: float = 0.002):
    """A run of one mix in as many forms as there are counts of statements."""
    rows = [
        ("app/shop", "mix", {"form": form}, "A shop", "W", "mix", "tasks", 1, 0, 100)
        for form in POINTS[: len(counts)]
    ]
    slower = lambda cell, arm: SLOWER[arm] if "many" in cell else 1.0  # noqa: E731
    run = fake_runs.bench(rows=rows, arms=ARMS, rounds=8, noise=noise, factor=slower)
    cells = [
        replace(cell, tasks=tasks(form, *each))
        for cell, form, each in zip(run.header.cells, POINTS, counts, strict=False)
    ]
    return replace(run, header=replace(run.header, cells=cells))


@pytest.fixture(scope="module")
def run():
    return run_of((1, 1), (4, 7))


def test_a_mix_says_what_an_op_is(run):
    mix = mix_of(run.header.cells[1])
    assert mix is not None
    assert [(task.name, task.weight, task.turns) for task in mix.tasks] == [
        ("read@form=many", "75.5", 75),
        ("write@form=many", "25.5", 25),
    ]
    assert [(task.statements, task.round_trips) for task in mix.tasks] == [
        ("4", "4"),
        ("7", "8"),
    ]
    # (75 × 4 + 25 × 7) / 100 and (75 × 4 + 25 × 8) / 100
    assert (mix.statements, mix.round_trips, mix.turns) == ("4.8", "5.0", 100)
    assert "after 100 turns: on average 4.8 statements in 5.0 round trips" in mix.sentence


def test_what_no_case_says_has_no_average():
    mix = mix_of(run_of((1, 0)).header.cells[0])
    assert mix is not None
    assert (mix.tasks[1].statements, mix.statements, mix.round_trips) == ("?", "?", "?")


def test_other_cells_are_no_mix():
    assert mix_of(fake_runs.bench(rounds=1).header.cells[0]) is None


def test_forms_are_compared_with_the_first_of_the_same_driver(run):
    (view_of_mix,) = forms(run, view.build([run]).runs[0].cells)
    assert [head.point for head in view_of_mix.heads] == ["form = one", "form = many"]
    assert [head.round_trips for head in view_of_mix.heads] == ["1.2", "5.0"]
    ratios = {row.arm: [time.ratio for time in row.times] for row in view_of_mix.rows}
    assert set(ratios) == set(SLOWER)
    for arm, (first, second) in ratios.items():
        assert first is None
        assert second is not None
        assert second.low is not None
        assert second.low < SLOWER[arm] < second.high


def test_a_mix_in_a_single_form_is_compared_with_nothing():
    run = run_of((1, 1))
    assert forms(run, view.build([run]).runs[0].cells) == ()
    assert "in several forms" not in html.render(view.build([run]))


def test_an_arm_without_a_time_in_the_first_form_has_no_ratio(run):
    trials = [
        replace(trial, slices=None, judgement=fake_runs.judged("lossy", "wrong"))
        if "one" in trial.cell and trial.arm == "psycopg"
        else trial
        for trial in run.trials
    ]
    report = view.build([replace(run, trials=trials)])
    (view_of_mix,) = report.runs[0].forms
    assert [row.arm for row in view_of_mix.rows] == ["asyncpg"]


def test_every_format_says_it(run):
    report = view.build([run])
    for page in (
        everything(html.render(report)),
        markdown.render(report),
        text.render(report),
    ):
        assert "several forms" in page
        assert "5.0 round trips" in page
        assert "75.5" in page
        words = " ".join(page.split())
        assert "on average 4.8 statements in 5.0 round trips" in words
        assert "5.0" in words
        assert "×" in words
