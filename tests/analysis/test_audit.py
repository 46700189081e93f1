"""Runs that break a law are told so, and healthy ones are left in peace."""

from __future__ import annotations

from collections.abc import Callable

import fake_runs
import pytest
from msgspec.structs import replace

from harness.analysis.audit import Doubt, audit
from harness.results.records import OpenLoop, Run, Trial

POINT = fake_runs.cell_facts(fake_runs.CELLS[0])
CLIENTS = replace(POINT, id="clients", clients=4, pool=4)
OPEN = replace(POINT, id="open", arrivals="uniform", rate=1000)


def run(make: Callable[[Trial], Trial], cell=POINT) -> Run:
    """Eight rounds of one arm in one cell, every trial as `make` makes it."""
    base = fake_runs.bench(rows=fake_runs.CELLS[:1], rounds=8)
    arm = base.header.arms[0].id
    trials = [
        make(replace(one, cell=cell.id, latency_ns=[]))
        for one in base.trials
        if one.arm == arm
    ]
    return replace(base, trials=trials, header=replace(base.header, cells=[cell]))


def doubts(make: Callable[[Trial], Trial], cell=POINT) -> list[Doubt]:
    return list(audit(run(make, cell)))


def with_slices(trial: Trial, **values) -> Trial:
    assert trial.slices is not None
    return replace(trial, slices=replace(trial.slices, **values))


def test_a_healthy_run_is_left_in_peace():
    assert doubts(lambda trial: trial) == []


def test_a_time_of_zero_is_grave():
    (one,) = doubts(lambda trial: replace(trial, latency_ns=[0] + [40_000] * 9))[:1]
    assert (one.kind, one.grave) == ("clock", True)


@pytest.mark.parametrize(
    ("at_work", "told"), [(4.0, False), (3.7, False), (3.0, True), (5.0, True)]
)
def test_littles_law(at_work: float, told: bool):
    def make(trial: Trial) -> Trial:
        calm = with_slices(trial, cpu_ns=[1] * len(trial.slices.wall_ns))
        return replace(
            calm, latency_ns=[1000] * 100, latency_wall_ns=round(100_000 / at_work)
        )

    found = [one for one in doubts(make, CLIENTS) if one.kind == "clients"]
    assert bool(found) is told
    assert all("Little" in one.text for one in found)


def test_single_ops_that_are_not_those_of_slices():
    def make(trial: Trial) -> Trial:
        per_op = trial.slices.wall_ns[0] / trial.slices.ops
        return replace(trial, latency_ns=[round(3 * per_op)] * 50)

    (one,) = doubts(make)
    assert one.kind == "latencies"


def test_a_client_without_a_rest():
    (one,) = doubts(lambda trial: with_slices(trial, cpu_ns=trial.slices.wall_ns), CLIENTS)
    assert one.kind == "saturated client"


def open_loop(planned_ms: int, last_ms: float) -> OpenLoop:
    return OpenLoop(
        planned_ns=planned_ms * 1_000_000,
        lag_ns=[10_000, 20_000],
        response_ns=[90_000, round(last_ms * 1_000_000)],
        cpu_ns=1,
    )


@pytest.mark.parametrize(("last_ms", "told"), [(0.1, False), (300.0, True)])
def test_a_queue_that_grows(last_ms: float, told: bool):
    def make(trial: Trial) -> Trial:
        return replace(trial, slices=None, open_loop=open_loop(1000, last_ms))

    found = doubts(make, OPEN)
    assert [one.kind for one in found] == ["saturated"] * told


def test_an_op_that_is_back_before_it_began():
    def make(trial: Trial) -> Trial:
        backwards = OpenLoop(planned_ns=10**9, lag_ns=[50], response_ns=[40], cpu_ns=1)
        return replace(trial, slices=None, open_loop=backwards)

    assert doubts(make, OPEN)[0].grave


@pytest.mark.parametrize(("faster", "told"), [(0.0, False), (0.3, True), (-0.3, True)])
def test_slices_that_go_on_to_change(faster: float, told: bool):
    def make(trial: Trial) -> Trial:
        walls = [round(4_000_000 * (1 - faster * k / 12)) for k in range(12)]
        return with_slices(trial, wall_ns=walls)

    found = [one for one in doubts(make) if one.kind == "warm-up"]
    assert bool(found) is told


def test_a_warm_up_that_never_ended():
    (one,) = doubts(lambda trial: replace(trial, steady=False))
    assert "no steady state: in 8 of 8 rounds" in one.text


def test_the_same_work_under_two_names():
    healthy = run(lambda trial: trial)
    twice = [replace(POINT, work="abc"), replace(POINT, id="again", work="abc")]
    (one,) = audit(replace(healthy, header=replace(healthy.header, cells=twice)))
    assert one.kind == "duplicate cells"
    assert one.where == f"{POINT.id}, again"


def test_a_server_that_reads():
    healthy = run(lambda trial: trial)
    footer = replace(healthy.footer, cache_hits=900, cache_reads=100)
    (one,) = audit(replace(healthy, footer=footer))
    assert "10.0%" in one.text
