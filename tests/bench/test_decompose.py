"""The cost of a layer whose cost is known, measured: a layer of Python over psycopg."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import pytest
from helpers import Silent, plain

from harness import scenario
from harness.analysis import layers
from harness.analysis.times import Timings, measured
from harness.bench import orders
from harness.bench.schedule import Plan
from harness.cli import decomposing
from harness.core.arms import Arm
from harness.core.errors import LibraryMissingError
from harness.plugin import contract
from harness.results import store
from harness.results.records import Run
from harness.venue.venue import Venue

pytestmark = pytest.mark.usefixtures("miniatures")

PLAN = Plan(2_000_000, 16, 4, 4, 0.0, 0, 0)
BRIEF = Plan(300_000, 2, 2, 2, 0.5, 0, 0)
SCENARIO = """
schema = 1
title = "Layers"
why = "For tests."

[fixture]
scope = "trial"
sql = "create table target (n int not null)"

[[case]]
name = "read"
op = "fetch_all"
sql = "select n, n::text as t from generate_series(1, $1) n order by n"
params = "select i from generate_series(1, 4) i"
[case.bench]

[[case]]
name = "write"
op = "execute"
sql = "insert into target values ($1)"
params = "select 1"
expect.state = "select * from target"
[case.bench]
reset = "truncate target"
"""


def run(place: Venue, folder: Path, plan: Plan, cases: Sequence[str], *names: str) -> Run:
    """psycopg, layers on it and their references, as the verb measures them."""
    file = folder / "layers.toml"
    file.write_text(SCENARIO)
    told = scenario.load(file)
    cells = [cell for cell in told.cells if cell.case in cases]
    arms: list[Arm] = [plain("psycopg"), *map(plain, names)]
    arms += contract.isolating(names, "default")
    order = orders.Order([told], cells, arms, plan, "quick", 1)
    out = folder / "run.jsonl"
    orders.measure(place, order, out, Silent(), complain=pytest.fail)
    return store.read(out)


def test_a_reference_of_a_layer_is_none_of_a_floor():
    (null,) = contract.isolating(["dict-psycopg", "psycopg"])
    assert (null.id, null.isolates) == ("null-dict-psycopg", "dict-psycopg")
    assert null.driver not in {arm.driver for arm in contract.references()}
    assert contract.layer_of("null-async") == ""


def test_a_layer_with_a_reference_is_also_measured_alone():
    arms = [Arm("psycopg"), Arm("dict-psycopg", profile="default"), Arm("psycopg", copy=1)]
    (null,) = decomposing.isolating(arms)
    assert (null.id, null.isolates, null.profile) == (
        "null-dict-psycopg", "dict-psycopg", "default",
    )  # fmt: skip
    assert decomposing.isolating([Arm("dict-psycopg", ("fast",))]) == []


def test_installed_layers_are_found_with_what_is_wrong_with_others():
    names = ("dict-psycopg", "absent-psycopg2", "moved-psycopg", "psycopg")
    with pytest.MonkeyPatch.context() as patch:
        points = {name: contract.entry_points().get(name) for name in names}
        patch.setattr(contract, "entry_points", lambda: points)
        told = decomposing.stacks(["psycopg", "psycopg2"])
    assert told.wraps == {"dict-psycopg": "psycopg"}
    assert isinstance(told.problems["absent-psycopg2"], LibraryMissingError)
    assert "has no attribute 'connect'" in str(told.problems["moved-psycopg"])


def test_layer_alone_is_right_and_asks_nobody(place, tmp_path):
    found = run(place, tmp_path, BRIEF, ["read", "write"], "dict-psycopg")
    assert {trial.verdict for trial in found.trials} == {"exact"}
    assert [arm.isolates for arm in found.header.arms] == ["", "", "dict-psycopg"]
    for trial in found.trials:
        assert trial.import_cpu_ns > 0
        assert trial.first_cpu_ns > 0
        assert trial.slices is not None
        asked = sum(trial.slices.server_cpu_ns)
        assert (asked == 0) == (trial.arm == "null-dict-psycopg")


def test_layer_alone_that_asks_is_found_out(place, tmp_path):
    found = run(place, tmp_path, BRIEF, ["read"], "garrulous-psycopg")
    (cost,) = layers.costs(found)
    assert cost.hears
    assert cost.sum is None


def test_bare_and_layer_alone_explain_the_stack(place, tmp_path, quiet):
    """Of a layer that burns time in a loop, and so has little to lose of its caches. By CPU
    time: others, who make a slice wait, are not in it."""
    found = run(place, tmp_path, PLAN, ["read"], "dict-psycopg")
    (cost,) = layers.costs(found)
    assert cost.sum is not None
    assert cost.spent is not None
    cpu = {arm: median(series.per_op["cpu_ns"]) for arm, series in _series(found).items()}
    parts = cpu["psycopg"] + cpu["null-dict-psycopg"]
    assert cpu["null-dict-psycopg"] > 0.5 * (cpu["dict-psycopg"] - cpu["psycopg"])
    assert 0.8 < parts / cpu["dict-psycopg"] < 1.2


def _series(found: Run) -> dict[str, Timings]:
    return {arm: series for (_, arm), series in measured(found).series.items()}
