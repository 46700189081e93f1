"""Recipes and live gates run to their end in next to no time, and go on where they were."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness import environments, scenario
from harness.analysis.changes import Answer
from harness.bench import schedule
from harness.bench.schedule import Plan
from harness.core import stats
from harness.core.arms import parse
from harness.core.errors import DriverError
from harness.core.verdicts import Change
from harness.environments import cache
from harness.results import store
from studies import ROOT, live_gates, recipes, runs
from studies.recipes import Recipe

TINY = Plan(1_000_000, 3, 1, 2, 1.0, 60, 0)
"""Two rounds of three slices: enough for a row, not for an answer."""
CELL = "query/constant#select-1"
OLD, NEW = "0.30.0", "0.31.0"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    """Two releases of asyncpg; without a network there are none."""
    kept = os.environ.get("PGDYNO_TEST_ENVIRONMENTS")
    folder = kept or str(tmp_path_factory.mktemp("environments"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, folder)
        patch.setattr(environments, "_known", {})
        try:
            for version in (OLD, NEW):
                environments.of(parse(f"asyncpg=={version}"))
        except DriverError as error:
            pytest.skip(f"nothing can be installed here: {error}")
        yield


@pytest.fixture
def measurement(dsn: str) -> runs.Measurement:
    return runs.Measurement(lambda cells, arms: TINY, dsn)


def answered(recipe: Recipe, keep: Path, measurement: runs.Measurement, *part: str) -> str:
    args = recipes.parser().parse_args([f"--keep={keep}"])
    args.part = part
    return "\n".join(recipes.answered("a-recipe", recipe, args, measurement))


def test_every_cell_of_a_recipe_can_be_timed():
    for recipe in recipes.RECIPES.values():
        cells = scenario.select_cells([*recipe.cells])[1] if recipe.cells else []
        assert [cell.id for cell in cells if cell.bench] == [*recipe.cells]
    assert len(runs.quick_cells()) == 11


def test_a_recipe_has_the_rounds_of_a_gate_and_a_time_of_its_own():
    plan = runs.lasting(200)(11, 4)
    assert (plan.budget_s, plan.min_rounds) == (200, schedule.gate_rounds(44))


def test_each_version_is_compared_with_the_next_and_the_last_with_the_first():
    arms = recipes.RECIPES["psycopg"].arms
    found = [(a.pin.version, b.pin.version) for a, b in recipes.pairs(arms)]
    assert found == [("3.1.20", "3.2.13"), ("3.2.13", "3.3.9"), ("3.1.20", "3.3.9")]
    assert len(list(recipes.pairs(arms[:2]))) == 1


def test_a_recipe_measures_once_and_leaves_out_what_is_not_there(
    made, measurement, tmp_path, monkeypatch
):
    recipe = Recipe("Is it?", "asyncpg", (OLD, NEW, "0.0.0"), (CELL,))
    said = answered(recipe, tmp_path, measurement, "times")
    assert said.startswith("## a-recipe: Is it?\nleft out: asyncpg==0.0.0 (CPython")
    assert f"| cell | {OLD} → {NEW} |\n" in said
    assert f"| `{CELL}` | inconclusive: 2 common" in said or "undisturbed" in said
    run = store.read(tmp_path / "a-recipe-times.jsonl")
    assert [arm.id for arm in run.header.arms] == [
        f"asyncpg=={OLD}", f"asyncpg=={NEW}", f"asyncpg=={OLD} (A/A)",
    ]  # fmt: skip
    monkeypatch.setattr(runs.bench, "measure", lambda *_: pytest.fail("it is there"))
    assert answered(recipe, tmp_path, measurement, "times") == said


def test_a_recipe_says_which_verdicts_changed(made, measurement, tmp_path):
    recipe = Recipe("Which?", "asyncpg", (OLD, NEW), (), ("query/constant",))
    said = answered(recipe, tmp_path, measurement, "verdicts")
    assert f"asyncpg=={OLD} → asyncpg=={NEW}: **No answer changes: " in said
    assert (tmp_path / f"asyncpg=={OLD}-asyncpg=={NEW}.md").exists()


def test_fewer_than_two_versions_are_no_comparison(made, measurement, tmp_path):
    recipe = Recipe("Is it?", "asyncpg", (OLD, "0.0.0"), (CELL,))
    assert "nothing to compare" in answered(recipe, tmp_path, measurement, "times")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [["asyncpg", "nobody"], ["nobody"]])
def test_a_recipe_that_there_is_not(capsys, tmp_path, words):
    assert recipes.main([*words, f"--keep={tmp_path / 'new'}"]) == 2
    assert "there is no recipe 'nobody': asyncpg, psqlpy" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_gates_run_to_their_end(made, measurement, tmp_path, capsys):
    keep = tmp_path / "gates"
    args = live_gates.parser().parse_args(["--gates=1", f"--keep={keep}"])
    live_gates.run(args, measurement, scenario.select_cells([CELL])[1])
    rows = capsys.readouterr().out.splitlines()
    assert rows[-2].startswith("| identical-1 | ✓ inconclusive | 0 | 0 | 0 | 1 |")
    assert rows[-1].startswith("| slowed-1 | ✗ inconclusive | 0 | 0 | 0 | 1 |")
    arms = store.read(keep / "identical-1.jsonl").header.arms
    assert arms[0].packages == arms[1].packages != {}
    pythons = [environments.of(parse(arm.id)).python for arm in arms[:2]]
    assert [python.startswith(str(keep)) for python in pythons] == [False, True]
    assert os.environ[cache.VARIABLE] not in pythons[1]


def test_a_slowed_arm_is_measured_where_its_share_is_its_share():
    cells = runs.quick_cells()
    counts = [
        len(live_gates.Gate("g", live_gates.slowed_arms("asyncpg"), slower).paths(cells))
        for slower in (False, True)
    ]
    assert counts == [11, 10]


@pytest.mark.parametrize(
    ("slower", "answer", "right"),
    [
        (False, Answer.PASS, True),
        (False, Answer.INCONCLUSIVE, True),
        (False, Answer.REGRESSION, False),
        (False, Answer.INVALID, False),
        (True, Answer.REGRESSION, True),
        (True, Answer.INCONCLUSIVE, False),
        (True, Answer.PASS, False),
    ],
)
def test_which_answers_are_right(slower, answer, right):
    gate = live_gates.Gate("g", live_gates.slowed_arms("asyncpg"), slower)
    assert gate.is_right(answer) is right


def test_a_change_as_a_recipe_tells_it():
    row = recipes.CellChange(
        "a#b", "c", Change.REGRESSED, shift=stats.Estimate(0.2, 0.19, 0.21, 12, 0.95)
    )
    assert recipes.told(row) == "+22.1 % (+20.9 … +23.4 %), regressed"
    assert recipes.told(replace(row, shift=None, reason="none")) == "regressed: none"
    assert recipes.told(None) == "–"


def test_every_option_and_recipe_is_in_the_docs():
    page = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    words = [*recipes.RECIPES, "studies.live_gates", "studies.replayed_gates", "--keep"]
    assert not [word for word in words if word not in page]
