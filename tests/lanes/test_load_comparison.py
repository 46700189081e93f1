"""Did a knee move? Two runs, and two arms of a run, of simulated queues."""

from __future__ import annotations

from load_runs import looped, swept
from msgspec.structs import replace

from harness.analysis.changes import Answer
from harness.core.verdicts import Change
from harness.lanes.load.comparison import WORDS, compare
from harness.lanes.load.record import Load
from harness.render import comparison as drawn
from harness.results.records import Run
from studies.queues import Queue


def run_at(capacity: float, *, seed: int = 1, arm: str = "psycopg", **more: object) -> Run:
    queue = Queue(capacity, between=0.01, within=0.005)
    made = swept({arm: queue}, repeats=8, seed=seed, **more)  # type: ignore[arg-type]
    return replace(made, header=replace(made.header, run=f"{capacity} {seed}"))


def test_a_knee_that_falls_is_slower():
    (row,) = compare(run_at(2_400), run_at(1_800, seed=2)).changes
    assert row.change is Change.REGRESSED
    assert row.shift is not None
    assert row.shift.low is not None
    assert 0.2 < row.shift.low < 0.2877 < row.shift.high < 0.35  # ln(2400 / 1800)


def test_a_knee_that_rises_is_faster():
    found = compare(run_at(1_800), run_at(2_400, seed=2))
    assert found.counts[Change.IMPROVED] == 1
    assert "1 faster" in drawn.text(found)


def test_the_same_knee_is_the_same():
    (row,) = compare(run_at(2_400), run_at(2_400, seed=2)).changes
    assert row.change is Change.SAME


def test_arms_of_a_run_are_paired_by_repeat():
    queues = {"psycopg": Queue(2_400, between=0.01), "psycopg2": Queue(1_800, between=0.01)}
    run = swept(queues, repeats=8)
    found = compare(run, run, base_arm="psycopg2", candidate_arm="psycopg")
    (row,) = found.changes
    assert (found.paired, row.change, row.shift.n) == (True, Change.IMPROVED, 8)


def test_threads_are_not_compared_with_tasks():
    queues = {"psycopg": Queue(2_400), "asyncpg": Queue(1_800)}
    run = swept(queues, repeats=8)
    (row,) = compare(run, run, base_arm="psycopg", candidate_arm="asyncpg").changes
    assert row.change is Change.NOT_COMPARABLE
    assert "two workloads" in row.reason


def test_another_number_of_processes_is_other_work():
    before, after = run_at(2_400), run_at(2_400, seed=2)
    more = [replace(held, processes=4, sessions=4) for held in after.of(Load)]
    (row,) = compare(before, replace(after, lane_records=more)).changes
    assert row.change is Change.NOT_COMPARABLE
    assert row.reason == "not the same load: 2 threads in 2 and 4 threads in 4"


def test_without_a_knee_on_one_side_nothing_is_concluded():
    (row,) = compare(run_at(2_400), run_at(2_400, seed=2, rates=(500, 1_000))).changes
    assert row.change is Change.INCONCLUSIVE
    assert row.reason == "no knee of the candidate: none up to 1,000/s"


def test_without_any_knee_there_is_nothing_to_compare():
    rates = (500, 1_000)
    found = compare(run_at(2_400, rates=rates), run_at(2_400, seed=2, rates=rates))
    assert found.answer is Answer.INVALID


def test_few_repeats_are_inconclusive():
    before = swept({"psycopg": Queue(2_400)}, repeats=3)
    after = swept({"psycopg": Queue(1_200)}, repeats=3)
    after = replace(after, header=replace(after.header, run="other"))
    (row,) = compare(before, after).changes
    assert (row.change, "3 and 3" in row.reason) == (Change.INCONCLUSIVE, True)


def test_closed_loops_are_compared_by_their_throughput():
    before, after = looped({"psycopg": 2_000}), looped({"psycopg": 1_500})
    after = replace(after, header=replace(after.header, run="other"))
    (row,) = compare(before, after).changes
    assert row.change is Change.REGRESSED
    assert WORDS.number(row.base_number).endswith("µs")
