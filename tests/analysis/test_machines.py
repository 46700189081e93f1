"""One ratio per machine, cell and driver; several runs of a machine are one block."""

from __future__ import annotations

import math
from collections.abc import Mapping

import fake_runs
import pytest
from fake_runs import MACHINE, SERVER, arm_facts
from msgspec.structs import replace

from harness.analysis.machines import AcrossMachines, MachineBlocks, Machines
from harness.results.records import Run

ARMS = [*map(arm_facts, ("psycopg", "asyncpg", "psqlpy"))]
ROW = fake_runs.CELLS[0]
TASTE = "point/by-key#one-row"


def run_of(
    machine: int, factor: Mapping[str, float], seed: int = 0, rows=(ROW,), **named
) -> Run:
    """A run on a machine with a number, where drivers are slower by these factors."""
    here = replace(MACHINE, hostname_hash=f"host-{machine}")
    name = f"run-{machine}-{seed}"
    named = {"arms": ARMS, "rounds": 8, "slices": 4, "machine": here, **named}
    return fake_runs.bench(
        run=name, seed=100 * machine + seed, rows=rows, factor=factor, **named
    )


def blocks(*runs: Run, base: str = "") -> Machines:
    taken = MachineBlocks(base)
    for run in runs:
        taken.add(run)
    return taken.result()


def ratio(found: Machines, arm: str = "asyncpg") -> AcrossMachines:
    return next(across for across in found.ratios if across.key.arm == arm)


def single(**factor: float) -> float:
    """The log-ratio of asyncpg to psycopg that one run shows."""
    return ratio(blocks(run_of(0, factor))).machines[0].ratio.point


FACTORS = (0.7, 0.8, 0.9, 1.0, 1.2, 1.3, 1.5)


def test_the_ratio_of_each_machine_is_that_of_its_own_rounds() -> None:
    found = blocks(*(run_of(at, {"asyncpg": factor}) for at, factor in enumerate(FACTORS)))
    across, at_one = ratio(found), single()
    points = [machine.ratio.point - at_one for machine in across.machines]
    assert points == pytest.approx([math.log(factor) for factor in FACTORS], abs=0.03)
    assert all(
        0 < machine.error < 0.01 for machine in across.machines if machine.error is not None
    )


def test_machines_are_combined_and_the_next_one_may_be_like_any() -> None:
    found = blocks(*(run_of(at, {"asyncpg": factor}) for at, factor in enumerate(FACTORS)))
    together = ratio(found).together
    assert together is not None
    logs = [math.log(factor) for factor in FACTORS]
    mean = sum(logs) / len(logs)
    spread = math.sqrt(sum((value - mean) ** 2 for value in logs) / (len(logs) - 1))
    assert together.mean.point - single() == pytest.approx(mean, abs=0.01)
    assert together.tau == pytest.approx(spread, rel=0.05)
    assert together.i2 > 0.99
    low, high = together.prediction
    assert low - single() < min(logs)
    assert high - single() > max(logs)


def test_four_machines_are_not_combined() -> None:
    found = blocks(*(run_of(at, {}) for at in range(4)))
    assert ratio(found).together is None
    assert len(ratio(found).machines) == 4


def test_many_runs_of_a_machine_count_once() -> None:
    """Five runs of the same machine say nothing of machines, and do not outweigh others."""
    same = [run_of(0, {"asyncpg": 0.5}, seed) for seed in range(5)]
    others = [run_of(at, {"asyncpg": 1.0}) for at in range(1, 5)]
    found = blocks(*same, *others)
    assert len(found.machines) == 5
    assert [facts.runs for facts in found.machines] == [5, 1, 1, 1, 1]
    together = ratio(found).together
    assert together is not None
    assert together.mean.point - single() == pytest.approx(math.log(0.5) / 5, abs=0.02)


def test_runs_of_a_machine_that_disagree_widen_its_error() -> None:
    calm = blocks(run_of(0, {"asyncpg": 1.0}), run_of(0, {"asyncpg": 1.0}, 1))
    torn = blocks(run_of(0, {"asyncpg": 0.8}), run_of(0, {"asyncpg": 1.25}, 1))
    (before,), (after,) = ratio(calm).machines, ratio(torn).machines
    assert before.error is not None
    assert before.error < 0.01
    assert after.error == pytest.approx(math.log(1.25), rel=0.05)  # half of 2 log 1.25
    assert after.runs == 2
    assert after.ratio.low is not None
    assert after.ratio.high is not None
    assert after.ratio.high - after.ratio.low > 2 * math.log(1.25)


def test_directions_are_counted() -> None:
    found = blocks(
        *(
            run_of(at, {"asyncpg": factor / math.exp(single())})
            for at, factor in enumerate((0.5, 0.5, 2.0, 2.0, 2.0))
        )
    )
    across = ratio(found)
    assert (across.faster, across.slower) == (2, 3)
    assert across.turns


def test_the_base_is_the_first_driver_or_the_one_that_is_named() -> None:
    runs = [run_of(at, {}) for at in range(2)]
    assert {across.key.base for across in blocks(*runs).ratios} == {"psycopg"}
    named = blocks(*runs, base="psqlpy")
    assert {across.key.base for across in named.ratios} == {"psqlpy"}
    assert {across.key.arm for across in named.ratios} == {"psycopg", "asyncpg"}
    unknown = blocks(*runs, base="pg8000")
    assert unknown.ratios == ()
    assert unknown.without_base == (TASTE,)


def test_neither_order_nor_names_of_runs_matter() -> None:
    runs = [run_of(at, {"asyncpg": factor}) for at, factor in enumerate(FACTORS[:5])]
    assert blocks(*runs).ratios == blocks(*runs[::-1]).ratios


def test_threads_and_tasks_are_not_compared() -> None:
    clients = next(row for row in fake_runs.CELLS if row[8])
    found = blocks(*(run_of(at, {}, rows=(clients,)) for at in range(2)))
    assert not found.ratios  # psycopg has threads, the others tasks
    arms = [*map(arm_facts, ("psycopg", "psycopg2", "asyncpg"))]
    found = blocks(*(run_of(at, {}, rows=(clients,), arms=arms) for at in range(2)))
    assert {across.key.arm for across in found.ratios} == {"psycopg2"}


def test_only_what_is_exact_is_compared() -> None:
    def differs(trial):
        if trial.arm == "asyncpg":
            return fake_runs.changed(trial, verdict="differs", detail="str")
        return trial

    found = blocks(*(run_of(at, {}, override=differs) for at in range(2)))
    assert {across.key.arm for across in found.ratios} == {"psqlpy"}


def test_major_versions_of_the_server_are_apart() -> None:
    old = replace(SERVER, version="16.9", version_num=160009)
    patch = replace(SERVER, version="18.3", version_num=180003)
    servers = (SERVER, patch, old)
    found = blocks(*(run_of(at, {}, server=server) for at, server in enumerate(servers)))
    counts = {across.key.server: len(across.machines) for across in found.ratios}
    assert counts == {"18": 2, "16": 1}


def test_another_question_under_the_same_name_is_left_out() -> None:
    run, other = run_of(0, {}), run_of(1, {})
    cells = [replace(cell, digest="other") for cell in other.header.cells]
    other = replace(other, header=replace(other.header, cells=cells))
    found = blocks(run, other)
    assert found.unlike == (TASTE,)
    assert [len(across.machines) for across in found.ratios] == [1, 1]


def test_too_few_rounds_are_shown_and_not_combined() -> None:
    found = blocks(*(run_of(at, {}, rounds=8 if at < 4 else 3) for at in range(5)))
    across = ratio(found)
    assert across.machines[4].error is None
    assert across.machines[4].ratio.low is None
    assert across.together is None
