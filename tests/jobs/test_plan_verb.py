"""`pgdyno plan` and `pgdyno run-job` as their users meet them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from commands import Ended, pgdyno

from harness.jobs.asking import cells_of, check_fits
from harness.jobs.job import OPTIONS, Job, read_jobs
from harness.scenario import select_cells

CHECK = ("check", "query/point", "--driver", "psycopg")
BENCH = ("bench", "--driver", "psycopg", "--driver", "asyncpg")
HERE = {name: value for name, value in os.environ.items() if name != "PGDYNO_DSN"}


def planned(tmp_path: Path, *words: str, **environment: str) -> tuple[list[Job], str]:
    """The jobs of a plan, and what it says of itself."""
    ended = pgdyno("plan", *words, env={**HERE, **environment})
    assert ended.code == 0, ended.said
    path = tmp_path / "jobs.jsonl"
    path.write_text(ended.out)
    jobs = read_jobs(path)
    for job in jobs:
        check_fits(job)
    return jobs, ended.err


def values(job: Job, name: str) -> list[str]:
    return [value for option, value in job.options if option == name]


def test_drivers_and_pythons_are_arms_of_each_job(tmp_path):
    versions = ("--driver", "asyncpg==0.29.0", "--driver", "asyncpg==0.32.0")
    pythons = ("--driver", "psycopg%3.13", "--python", "3.11,3.12", "--python", "3.12")
    servers = ("--server", "wheel:16", "--server", "wheel:18", "--server", "wheel:16")
    jobs, said = planned(tmp_path, "check", "query/point", *versions, *pythons, *servers)
    assert [values(job, "--server") for job in jobs] == [["wheel:16"], ["wheel:18"]]
    for job in jobs:
        assert values(job, "--driver") == [
            "asyncpg==0.29.0%3.11", "asyncpg==0.29.0%3.12",
            "asyncpg==0.32.0%3.11", "asyncpg==0.32.0%3.12", "psycopg%3.13",
        ]  # fmt: skip
    assert "2 jobs: 5 arms × 3 cells, 2 servers\n" in said


def test_who_is_usual_is_written_down(tmp_path):
    (job,), _ = planned(tmp_path, "check", "query/point")
    assert "psycopg" in values(job, "--driver")
    assert "asyncpg" in values(job, "--driver")


def test_conditions_are_jobs_and_a_path_may_name_its_own(tmp_path):
    path = "query/point#fetch-one[via=unix]"
    words = (*BENCH, path, "query/point#fetch-one", "--via", "direct,tls", "--rtt", "0,5")
    jobs, _ = planned(tmp_path, *words)
    told = [(job.paths, values(job, "--via"), values(job, "--rtt")) for job in jobs]
    plain = ["query/point#fetch-one"]
    assert told == [
        ([path], [], []),
        (plain, ["direct"], []),
        (plain, ["direct"], ["5"]),
        (plain, ["tls"], []),
        (plain, ["tls"], ["5"]),
    ]
    assert len({job.shard for job in jobs}) == 1


@pytest.mark.parametrize("effort", ["quick", "standard", "full"])
def test_a_bench_plan_has_the_cells_of_its_effort(tmp_path, effort):
    from harness.cli.bench import chosen_cells

    jobs, _ = planned(tmp_path, *BENCH, "--effort", effort, "--minutes", "2", "--seed", "7")
    found = [
        cell.id for job in jobs for path in job.paths for cell in cells_of("bench", path)
    ]
    _, cells = select_cells([])
    expected = chosen_cells(cells, effort, everything=False)
    assert sorted(found) == sorted(cell.id for cell in expected)
    assert {tuple(values(job, "--seed")) for job in jobs} == {("7",)}
    assert all(job.seconds <= 120 for job in jobs if len(job.paths) > 1)


def test_a_seed_is_chosen_once_for_all_jobs(tmp_path):
    jobs, _ = planned(tmp_path, *BENCH, "query", "--cells", "1")
    assert len(jobs) > 2
    assert len({tuple(values(job, "--seed")) for job in jobs}) == 1


def test_machines_are_blocks_of_the_same_jobs(tmp_path):
    jobs, said = planned(tmp_path, *BENCH, "query", "--cells", "2", "--machines", "3")
    blocks = {block: [j.shard for j in jobs if j.block == block] for block in (1, 2, 3)}
    assert blocks[1] == blocks[2] == blocks[3]
    assert len(jobs) == 3 * len(blocks[1])
    assert "3 machines: about " in said


def test_a_server_of_the_machine_is_named_without_its_password(tmp_path):
    (job,), _ = planned(tmp_path, *CHECK, PGDYNO_DSN="postgresql://u:hunter2@h/d")
    assert values(job, "--server") == ["dsn"]
    (job,), _ = planned(tmp_path, *CHECK, "--server", "dsn:postgresql://u@h/d")
    assert job.id.startswith("check-dsn-001-")


def refused(*words: str) -> Ended:
    ended = pgdyno(*words, env=HERE)
    assert (ended.code, ended.out) == (2, "")
    assert "Traceback" not in ended.err
    return ended


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--server", "dsn:postgresql://u:hunter2@h/d"), "a plan holds no password"),
        (("--server", "oracle"), "there is no server kind 'oracle'"),
        (("--python", "4"), "'4' is no interpreter"),
        (("--python", ""), "'' is no interpreter"),
        (("--driver", "nobody"), "nobody"),
        (("--via", "smoke"), "'smoke' is no way to a server"),
        (("--cells", "0"), "'0' is no number from 1"),
        (("--cells", "9" * 5000), "is no number from 1"),
        (("--minutes", "nan"), "'nan' is no time"),
        (("--machines", "-1"), "--machines"),
        (("--cells", "1", "--minutes", "1"), "not allowed with"),
        (("no/such",), "no/such"),
    ],
)
def test_what_cannot_be_planned_is_told(words, why):
    ended = refused("plan", *CHECK, *words)
    assert why in ended.err
    assert "hunter2" not in ended.err


def test_a_plan_needs_a_verb():
    assert "check|bench" in refused("plan").err
    assert "invalid choice: 'fuzz'" in refused("plan", "fuzz").err


def test_a_condition_under_which_nothing_is_asked_is_told():
    only_steps = "pool/closing#release-busy"
    ended = refused("plan", "check", only_steps, "--driver", "psycopg", "--via", "tls")
    assert "cases of steps" in ended.err


def test_every_option_of_a_job_is_one_of_its_verb(tmp_path):
    """What a plan writes is read by the verb; what no plan writes, no job may say."""
    from harness.cli.main import build_parser

    own = (
        "--allow-missing",
        "--no-aa",
        "--no-floor",
        "--transport",
        "unix",
        "--via",
        "tls",
        "--rtt",
        "1",
    )
    benches, _ = planned(tmp_path, *BENCH, "query", *own)
    checks, _ = planned(tmp_path, *CHECK, "--fail-on", "differs", "--profile", "default")
    crowd = ("--processes", "2", "--sessions", "4", "--rate", "100,200", "--rate", "300")
    loads, _ = planned(tmp_path, *BENCH, "arrivals/token", *crowd)
    assert all(job.allow_missing for job in benches)
    assert not any(job.allow_missing for job in (*checks, *loads))
    for job in (*benches, *checks, *loads):
        told = build_parser().parse_args([job.verb, *job.arguments, "--out", "x"])
        assert told.path == job.paths
    written = {name for job in (*benches, *checks, *loads) for name, _ in job.options}
    assert written == set(OPTIONS)


def test_a_job_that_is_none_is_an_error_of_usage(tmp_path):
    for text in (str(tmp_path), str(tmp_path / "x#1"), "", str(tmp_path) + "#1"):
        ended = refused("run-job", text, "--out", str(tmp_path / "out"))
        assert ended.err.startswith("pgdyno: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("number", ["-1", "1.5", "9" * 30, "x"])
def test_a_number_of_tries_is_one(tmp_path, number):
    job = (str(tmp_path / "jobs.jsonl"), "--out", str(tmp_path))
    assert "--attempt" in refused("run-job", *job, f"--attempt={number}").err
