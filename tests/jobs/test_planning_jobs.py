"""A plan: which jobs there are, which cells each has, and how a command line names them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.cells import Cell
from harness.core.conditions import Condition
from harness.jobs import planning
from harness.jobs.asking import cells_of, check_fits
from harness.jobs.job import Job
from harness.jobs.naming import Paths
from harness.jobs.packing import grouped, makespan, packed
from harness.jobs.planning import Design, Questions
from harness.scenario import select_cells

SCENARIOS, CELLS = select_cells(["copy", "pool", "query/point"])
PATHS = Paths(SCENARIOS, CELLS)


def design(
    asked: Sequence[Cell] = CELLS, /, *conditions: Condition, **values: Any
) -> Design:
    questions = [
        Questions(asked, PATHS, len, condition) for condition in conditions or (None,)
    ]
    told = Design("check", questions, ["wheel:16", "wheel:18"], ["--driver", "psycopg"])
    return dataclasses.replace(told, **values)


def asked(job: Job) -> list[str]:
    """The cells that the paths of a job select."""
    return [cell.id for path in job.paths for cell in cells_of(job.verb, path)]


# --- naming ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paths", "shortest"),
    [
        (["copy"], ["copy"]),
        (["copy/in"], ["copy/in"]),
        (["copy", "query/point"], ["copy", "query/point"]),  # query has other scenarios
        (["copy/in#rows"], ["copy/in#rows"]),
        (
            ["copy/in#rows[via=tls]", "copy[rtt=5]"],
            ["copy/in#rows[via=tls]", "copy[rtt=5]"],
        ),
    ],
)
def test_whole_things_are_named_by_their_name(paths, shortest):
    assert list(PATHS.to(select_cells(paths)[1])) == shortest


@settings(max_examples=25)
@given(st.sets(st.sampled_from(range(len(CELLS))), min_size=1))
def test_paths_name_these_cells_and_no_other(numbers):
    chosen = [CELLS[number] for number in sorted(numbers)]
    found = PATHS.to(chosen)
    assert sorted(c.id for cells in found.values() for c in cells) == sorted(
        cell.id for cell in chosen
    )
    _, selected = select_cells(list(found))
    assert sorted(cell.id for cell in selected) == sorted(cell.id for cell in chosen)


def test_a_file_from_elsewhere_is_named_by_its_path(tmp_path):
    file = tmp_path / "own.toml"
    case = '[[case]]\nname = "{0}"\nop = "fetch_val"\nsql = "select 1"\n'
    file.write_text(
        'schema = 1\ntitle = "T"\nwhy = "W"\n' + case.format("a") + case.format("b")
    )
    scenarios, cells = select_cells([str(file)])
    assert list(Paths(scenarios, cells).to(cells)) == [str(file)]
    assert list(Paths(scenarios, cells).to(cells[:1])) == [f"{file}#a"]


# --- packing --------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.integers(1, 80))
def test_every_cell_is_in_one_part_of_at_most_this_size(size):
    parts = packed(CELLS, lambda cells: len(cells) <= size)
    assert sorted(c.id for part in parts for c in part) == sorted(c.id for c in CELLS)
    assert all(0 < len(part) <= size for part in parts)


def test_what_shares_a_fixture_stays_together():
    sizes = {name: len(own) for name, own in grouped(CELLS, lambda c: c.scenario).items()}
    parts = packed(CELLS, lambda cells: len(cells) <= 20)
    for name, size in sizes.items():
        homes = sum(any(cell.scenario == name for cell in part) for part in parts)
        assert homes == 1 if size <= 20 else homes > 1
    # neighbours share a part where both fit
    for before, after in itertools.pairwise(parts):
        first = next(iter(grouped(after, lambda c: c.scenario).values()))
        assert len(before) + len(first) > 20 or after[0].scenario == before[-1].scenario


def test_what_does_not_fit_alone_is_a_job_of_its_own():
    assert packed(CELLS[:3], lambda cells: False) == [[cell] for cell in CELLS[:3]]


def test_machines_take_the_longest_job_that_is_left():
    assert makespan([5, 1, 1, 1, 1, 1], 2) == 5
    assert makespan([3, 3, 2, 2, 2], 2) == 7  # best is 6: a forecast, not an optimum
    assert makespan([4], 10) == 4


# --- plans ----------------------------------------------------------------------------


def test_servers_conditions_blocks_and_parts_make_jobs_and_arms_do_not():
    conditions = (Condition(), Condition("tls", 5))
    plain = [cell for cell in CELLS if not cell.steps]
    jobs = planning.jobs_of(design(plain, *conditions, cells=10, machines=3))
    shards = {job.shard for job in jobs}
    assert len(jobs) == 3 * 2 * 2 * len(shards) == len({job.id for job in jobs})
    assert {tuple(v for n, v in job.options if n == "--driver") for job in jobs} == {
        ("psycopg",)
    }
    assert [job.block for job in jobs] == sorted(job.block for job in jobs)
    assert {job.block for job in jobs} == {1, 2, 3}
    for shard in shards:  # the same questions, on every server, under each condition
        same = [job for job in jobs if job.shard == shard]
        assert len({tuple(job.paths) for job in same}) == 1
        assert len({(job.block, *job.options) for job in same}) == len(same) == 12
    assert jobs[0].id.startswith("check-m1-wheel-16-001-")
    assert jobs[-1].id.startswith(f"check-m3-wheel-18-tls-rtt5-{len(jobs):03}-")


def test_the_cells_of_a_plan_are_those_that_were_asked_for():
    jobs = planning.jobs_of(design(servers=["wheel"], seconds=30.0))
    assert len(jobs) > 3
    assert sorted(cell for job in jobs for cell in asked(job)) == sorted(
        c.id for c in CELLS
    )
    for job in jobs:
        check_fits(job)
        assert job.seconds == planning.START_S + len(asked(job)) <= 30


def test_a_plan_is_made_of_its_contents():
    assert planning.jobs_of(design(cells=9)) == planning.jobs_of(design(cells=9))
    other = planning.jobs_of(design(cells=9, options=["--driver", "asyncpg"]))
    assert not {j.id for j in planning.jobs_of(design(cells=9))} & {j.id for j in other}
    assert len({job.plan for job in other}) == 1


def test_cases_of_steps_are_not_checked_under_a_condition():
    jobs = planning.jobs_of(design(CELLS, Condition(), Condition("tls"), cells=1))
    under = [job for job in jobs if ("--via", "tls") in job.options]
    assert len(under) == 2 * sum(not cell.steps for cell in CELLS) < len(jobs) / 2
