"""`pgdyno report RUN RUN…`: real servers and files of several machines, end to end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import fake_runs
from commands import pgdyno
from fake_runs import MACHINE, arm_facts
from msgspec.structs import replace

from harness.results import store
from harness.results.records import Run


def report(paths: Iterable[Path], out: Path) -> str:
    """The report of these files as Markdown, on a line."""
    assert pgdyno("report", *paths, "--format", "markdown", "--out", out).code == 0
    return " ".join((out / "report.md").read_text("utf-8").split())


def test_what_two_servers_answer_differently(tmp_path: Path) -> None:
    """PostgreSQL 16 does not read an empty array inside an array."""
    for server in ("16", "18"):
        pgdyno(
            "check", "types/arrays#empty-in-empty", "types/arrays#int4-read",
            "--driver", "psycopg", "--profile", "default",
            "--server", f"wheel:{server}", "--out", tmp_path / f"{server}.jsonl",
        )  # fmt: skip
    said = report(sorted(tmp_path.glob("*.jsonl")), tmp_path)
    assert "psycopg: 1 question differs by PostgreSQL" in said
    assert "| By PostgreSQL | 16 | 18 |" in said
    assert "types/arrays#empty-in-empty (seen once" in said
    assert "| ! rejected (error) | ✓ exact |" in said


def test_files_of_five_machines(tmp_path: Path) -> None:
    paths = [written(machine(number), tmp_path) for number in range(5)]
    said = report(paths, tmp_path)
    assert "5 machines, 1 ratio to psycopg2. Another machine like these" in said
    assert "| × psycopg2 | mean | 95 % | next machine |" in said
    assert "5 machines, 1 ratio" in report(paths[::-1], tmp_path / "reversed")
    assert "To say what to expect on another one takes at least 5." in report(
        paths[:4], tmp_path / "few"
    )


def test_the_base_can_be_named(tmp_path: Path) -> None:
    paths = [written(machine(number), tmp_path) for number in range(2)]
    arguments = ("report", *paths, "--format", "markdown", "--out", tmp_path, "--base")
    assert pgdyno(*arguments, "asyncpg").code == 0
    assert "| × asyncpg | m1 | m2 |" in (tmp_path / "report.md").read_text("utf-8")
    ended = pgdyno(*arguments, "pg8000")
    assert ended.code == 2
    assert "no run has a driver 'pg8000'" in ended.err
    assert "they have: psycopg2, asyncpg" in ended.err


def machine(number: int) -> Run:
    return fake_runs.bench(
        run=f"run-{number}",
        seed=number,
        rows=fake_runs.CELLS[:1],
        arms=[arm_facts("psycopg2"), arm_facts("asyncpg")],
        rounds=6,
        slices=3,
        machine=replace(MACHINE, hostname_hash=f"h{number}"),
        factor={"asyncpg": 1 + number / 10},
    )


def written(run: Run, folder: Path) -> Path:
    path = folder / f"{run.header.run}.jsonl"
    with store.Writer(path) as writer:
        for record in (run.header, *run.trials, run.footer):
            assert record is not None
            writer.write(record)
    return path
