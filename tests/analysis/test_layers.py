"""What a layer costs, from made-up runs whose answer is known."""

from __future__ import annotations

import layered_runs as made
import pytest
from msgspec.structs import replace

from harness.analysis import layers
from harness.core.verdicts import Verdict
from harness.results.records import Check

CELL = "point/by-key#one-row"


def cost(run, arm: str) -> layers.Cost:
    (found,) = [
        cost
        for cost in layers.costs(run)
        if (cost.cell.id, cost.layer.arm.id) == (CELL, arm)
    ]
    return found


# --- who stands on whom -----------------------------------------------------------------


def test_layers_stand_on_the_bare_driver_below_all():
    found = {layer.arm.id: layer for layer in layers.layers(made.arms())}
    assert list(found) == [made.ADAPTER, made.CORE, made.ORM]
    assert [arm.id for arm in found[made.ORM].under] == [made.BARE, made.CORE]
    assert found[made.ORM].bare.id == made.BARE
    assert found[made.CORE].null is not None
    assert found[made.ORM].null is None


@pytest.mark.parametrize("missing", [made.BARE, made.CORE])
def test_a_layer_whose_driver_is_not_there_is_none(missing):
    arms = [arm for arm in made.arms() if arm.id != missing]
    assert made.ORM not in {layer.arm.id for layer in layers.layers(arms)}


def test_a_layer_stands_on_the_version_that_it_wraps():
    old, *rest = made.arms()
    new = replace(old, id="asyncpg==0.33.0", terms={**old.terms, "version": "0.33.0"})
    found = layers.layers([new, old, *rest])
    assert {layer.bare.id for layer in found} == {"asyncpg"}
    assert layers.layers([new, *rest]) == ()


def test_a_layer_stands_on_the_arm_with_its_options():
    bare, layer, *_ = made.arms()
    loops = [
        replace(arm, id=f"{arm.id}+uvloop", options=["uvloop"]) for arm in (bare, layer)
    ]
    found = {one.arm.id: one.bare.id for one in layers.layers([bare, layer, *loops])}
    assert found == {layer.id: bare.id, f"{layer.id}+uvloop": f"{bare.id}+uvloop"}


def test_layers_that_wrap_each_other_stand_on_nothing():
    first = made.layer("first", "second", "2.1.0")
    second = made.layer("second", "first", "2.1.0")
    assert layers.layers([first, second]) == ()


# --- the arithmetic ---------------------------------------------------------------------


def test_extra_time_is_paired_by_pass():
    """The weather of a pass makes each time differ by up to 30 %, and no ratio at all."""
    found = cost(made.run(), made.ADAPTER)
    assert found.ratio is not None
    assert found.ratio.point == pytest.approx(70 / 30, rel=1e-6)
    assert found.ratio.high - found.ratio.low < 1e-6
    assert found.extra.low < found.extra.point < found.extra.high
    assert 40_000 <= found.extra.point <= 52_000


def test_without_weather_the_difference_is_exact(monkeypatch):
    monkeypatch.setattr(made.random.Random, "uniform", lambda *_: 0.0)
    found = cost(made.run(), made.CORE)
    assert found.extra.point == pytest.approx(70_000)
    assert (found.extra.low, found.extra.high) == (70_000, 70_000)
    assert found.more("cpu") == pytest.approx(0.6 * 70_000)
    assert found.more("server_cpu") == 0
    assert found.more("first") == pytest.approx(600_000 - 0.6 * 70_000)


def test_a_step_is_to_the_layer_right_below():
    run = made.run()
    assert cost(run, made.ORM).step.point == pytest.approx(150 / 100, rel=1e-6)
    assert cost(run, made.CORE).step is None


def test_a_layer_is_a_step_above_the_one_before_it_of_its_library():
    found = layers.layers(
        [*made.arms()[:3], made.layer("sqlalchemy-orm-asyncpg", made.BARE)]
    )
    assert [layer.lower and layer.lower.id for layer in found] == [None, None, made.CORE]


def test_too_few_rounds_have_no_interval():
    found = cost(made.run(rounds=5), made.ADAPTER)
    assert found.ratio.low is None
    assert found.extra.low is None
    assert found.sum.adds_up is None


# --- does it add up? --------------------------------------------------------------------


def test_bare_and_layer_alone_are_the_stack():
    found = cost(made.run(noise=0.01), made.ADAPTER).sum
    assert found.adds_up is True
    assert abs(found.share) < 0.01
    assert found.gap.low < 0 < found.gap.high


def test_a_stack_that_takes_more_than_its_parts_is_told():
    found = cost(made.run(noise=0.01), made.CORE).sum
    assert found.adds_up is False
    assert found.share == pytest.approx(0.10, abs=0.015)
    assert found.gap.low > 8_000


def test_a_stack_that_takes_less_than_its_parts_is_told_too():
    us = {**made.US, f"null-{made.ADAPTER}": 50.0}
    found = cost(made.run(us=us, noise=0.01), made.ADAPTER).sum
    assert found.adds_up is False
    assert found.gap.high < 0


def test_a_reference_that_asks_the_server_shows_nothing():
    def asking(trial):
        if trial.arm != f"null-{made.ADAPTER}":
            return trial
        slices = replace(trial.slices, server_cpu_ns=[500_000] * made.PASSES)
        return replace(trial, slices=slices)

    found = cost(made.run(override=asking), made.ADAPTER)
    assert found.hears
    assert found.sum is None
    assert not cost(made.run(override=asking), made.CORE).hears


def test_passes_that_were_left_out_are_in_no_sum():
    def hit(trial):
        if trial.arm == made.BARE:
            walls = [10 * trial.slices.wall_ns[0], *trial.slices.wall_ns[1:]]
            trial = replace(trial, slices=replace(trial.slices, wall_ns=walls))
        return replace(trial, left_out=[0])

    plain, screened = (
        cost(made.run(), made.ADAPTER),
        cost(made.run(override=hit), made.ADAPTER),
    )
    assert screened.sum.gap.point == pytest.approx(0, abs=5)
    assert plain.sum.gap.point == pytest.approx(0, abs=5)


# --- what is not compared ---------------------------------------------------------------


def verdict(arm: str, kind: str):
    def changed(trial):
        if trial.arm != arm:
            return trial
        judgement = made.fake_runs.judged(kind, "why")
        timeable = Verdict(kind).timeable
        return replace(
            trial, judgement=judgement, slices=trial.slices if timeable else None
        )

    return changed


def test_what_a_verdict_forbids_has_no_cost():
    found = cost(made.run(override=verdict(made.ADAPTER, "lossy")), made.ADAPTER)
    assert (found.verdict, found.detail, found.ratio) == (Verdict.LOSSY, "why", None)
    assert found.bare is not None
    found = cost(made.run(override=verdict(made.BARE, "crashed")), made.ADAPTER)
    assert found.spent is not None
    assert found.ratio is None


def test_other_work_is_compared_and_not_averaged():
    found = cost(made.run(override=verdict(made.BARE, "differs")), made.ADAPTER)
    assert found.ratio is not None
    assert not found.ranked


# --- what an arm costs once, and verdicts -----------------------------------------------


def test_imports_are_those_of_each_process():
    assert layers.imports(made.run())[made.ADAPTER] == 1e9
    assert f"null-{made.ADAPTER}" not in layers.imports(made.run())


def test_verdicts_that_a_layer_changes():
    run = made.run(override=verdict(made.BARE, "differs"))
    adapter, core, _ = layers.layers(run.header.arms)
    shifts = layers.shifts_timed(run, adapter)
    assert [(shift.before, shift.after, shift.improved) for shift in shifts] == [
        (Verdict.DIFFERS, Verdict.EXACT, True)
    ] * len(run.header.cells)
    run = made.run(override=verdict(made.CORE, "hung"))
    assert [shift.improved for shift in layers.shifts_timed(run, core)] == [False, False]
    assert layers.shifts_timed(run, adapter) == ()


def check(driver: str, kind: str, cell: str = "a/b#c", profile: str = "default") -> Check:
    return Check(
        scenario="a/b", case="c", cell=cell, driver=driver, profile=profile,
        judgement=made.fake_runs.judged(kind, "why"),
    )  # fmt: skip


def test_verdicts_of_a_check_run_are_compared_by_profile():
    adapter, *_ = layers.layers(made.arms())
    checks = [
        check(made.BARE, "differs"),
        check(made.ADAPTER, "exact"),
        check(made.BARE, "exact", profile="configured"),
        check(made.ADAPTER, "lossy", profile="configured"),
        check(made.BARE, "exact", "only/bare#x"),
        check(made.BARE, "invalid", "our/fault#x"),
        check(made.ADAPTER, "exact", "our/fault#x"),
    ]
    found = layers.shifts_checked(checks, adapter)
    assert [(shift.profile, shift.improved, shift.detail) for shift in found] == [
        ("default", True, "why"),
        ("configured", False, "why"),
    ]
