"""What a move changes for a workload, in a sentence with an interval."""

from __future__ import annotations

import fake_runs
import pytest
from fake_runs import arm_facts
from msgspec.structs import replace

from harness.report.moved import MovedMix, moved
from harness.results.records import Run, TaskFacts, Trial

ARMS = [arm_facts("psycopg2"), arm_facts("asyncpg")]
TASKS = [
    TaskFacts(
        cell=f"own#{name}",
        title=name,
        op="fetch_all",
        weight="1",
        turns=10,
        statements=1,
        round_trips=1,
    )
    for name in ("users-1", "users-2", "orders-1")
]
CPU_SHARE = {"psycopg2": 0.5, "asyncpg": 0.2}
"""Of the elapsed time, in the client."""


def run_of(rounds: int) -> Run:
    """A mix that takes asyncpg 1.5 times as long as psycopg2, 0.6 times in the client."""
    rows = [("own", "workload", {}, "Own", "W", "mix", "statements", 1, 0, 100)]

    def spent(trial: Trial) -> Trial:
        share = CPU_SHARE[trial.arm]
        assert trial.slices is not None
        cpu = [round(wall * share) for wall in trial.slices.wall_ns]
        return replace(trial, slices=replace(trial.slices, cpu_ns=cpu))

    even = {
        "psycopg2": 1 / fake_runs.SPEED["psycopg2"],
        "asyncpg": 1.5 / fake_runs.SPEED["asyncpg"],
    }
    run = fake_runs.bench(
        rows=rows, arms=ARMS, rounds=rounds, noise=0.0, factor=even, override=spent
    )
    mix = replace(run.header.cells[0], tasks=TASKS)
    return replace(run, header=replace(run.header, cells=[mix]))


def the_mix(rounds: int, *others: str) -> MovedMix:
    (mix,) = moved(run_of(rounds), "psycopg2", "asyncpg", set(others))
    return mix


def test_client_time_and_elapsed_time_are_told_apart() -> None:
    mix = the_mix(8)
    assert mix.client is not None
    assert mix.elapsed is not None
    ratio = mix.elapsed.exp().point / mix.client.exp().point
    assert ratio == pytest.approx(0.5 / 0.2, rel=0.05)
    assert mix.client.low is not None


def test_the_sentence_has_intervals_and_names_what_comes_out_otherwise() -> None:
    told = the_mix(8, "own#users-2", "elsewhere#x").sentence
    assert told.startswith("Moving from psycopg2 to asyncpg changes your client time by ")
    assert " … " in told
    assert "own#workload: 3 statements by weight" in told
    assert told.endswith("1 of them gives other values or fails: users-2.")


def test_all_alike_is_said() -> None:
    assert the_mix(8).sentence.endswith("All of its statements give the same values.")


def test_too_few_rounds_have_no_interval_and_no_time_is_not_known() -> None:
    assert "(no interval: 3 quiet rounds, 6 are needed)" in the_mix(3).sentence
    run = run_of(8)
    (mix,) = moved(replace(run, trials=[]), "psycopg2", "asyncpg", ())
    assert "by an amount that is not known" in mix.sentence
