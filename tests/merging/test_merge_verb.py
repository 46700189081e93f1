"""`pgdyno merge` and `pgdyno collect` as their users meet them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import pgdyno
from msgspec.structs import replace

from harness.jobs.job import read_jobs
from harness.merging import bundles
from harness.results import store
from harness.results.lines import encoded
from harness.results.records import Header

REAL = Path(__file__).parent.parent / "results" / "files" / "schema-2.jsonl"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a run, and with another that was cut."""
    folder = tmp_path / "runs"
    folder.mkdir()
    (folder / "run.jsonl").write_bytes(REAL.read_bytes())
    return folder


def spoil(folder: Path) -> Path:
    path = folder / "cut.jsonl"
    path.write_bytes(REAL.read_bytes()[:-300])
    return path


def elsewhere(folder: Path) -> None:
    """The same on another machine."""
    head, *rest = (record for _, record in store.records(REAL) if record is not None)
    assert isinstance(head, Header)
    machine = replace(head.machine, hostname_hash="feedfeedfeed")
    moved = replace(head, run="b31c93a0d41bb763", machine=machine)
    (folder / "moved.jsonl").write_bytes(encoded([moved, *rest]))


def test_jobs_are_planned_run_merged_and_collected(tmp_path, dsn):
    env = {"PGDYNO_DSN": dsn.removeprefix("dsn:"), "HOME": str(tmp_path)}
    plan, results = tmp_path / "jobs.jsonl", tmp_path / "results"
    paths = ("query/point#missing", "query/point#fetch-one")
    options = ("--driver", "psycopg", "--profile", "default", "--cells", "1")
    planned = pgdyno("plan", "check", *paths, *options, env=env)
    plan.write_text(planned.out)
    first, second = (job.id for job in read_jobs(plan))
    whole, out = tmp_path / "whole", ("--out", tmp_path / "whole", "--plan", plan)

    assert pgdyno("run-job", f"{plan}#1", "--out", results, env=env).code == 0
    ended = pgdyno("merge", results, *out)
    assert ended.code == 4
    assert "MISSING of the plan\n" + f"  {second}\n" in ended.out
    assert ended.out.endswith("part; 1 of 2 jobs are not there\n")

    assert pgdyno("run-job", f"{plan}#2", "--out", results, env=env).code == 0
    ended = pgdyno("merge", results, *out)
    assert ended.code == 0, ended.said
    last = "exit 0: 1 whole run of 2 parts; no job of the plan is missing"
    assert ended.out.splitlines()[-1] == last
    runs = [store.read(path) for path in whole.iterdir()]
    (run,) = runs
    assert [part.job for part in run.header.parts] == sorted([first, second])
    assert sorted(check.cell for check in run.checks) == sorted(paths)
    assert run.footer is not None
    assert run.footer.checks == 2

    bundle = tmp_path / "all.pgdyno.zip"
    ended = pgdyno("collect", results, "--out", bundle, env=env)
    assert ended.code == 0, ended.said
    assert ended.out.splitlines()[0] == "1 run: psycopg"
    (path,) = bundles.read(bundle, tmp_path / "unpacked").runs
    assert store.read(path).checks == run.checks


def test_a_file_that_was_cut_is_told_and_the_others_are_merged(folder, tmp_path):
    cut = spoil(folder)
    ended = pgdyno("merge", folder, "--out", tmp_path / "whole")
    assert ended.code == 4
    assert "LEFT OUT\n" in ended.out
    assert f"{cut.name}: was cut: it has no footer" in " ".join(ended.out.split())
    assert ended.out.splitlines()[-1] == "exit 4: 1 whole run of 1 part; 1 file left out"
    assert len(list((tmp_path / "whole").iterdir())) == 1


def test_the_next_step_reports_what_was_written(folder, tmp_path):
    out = tmp_path / "whole runs"
    ended = pgdyno("merge", folder, "--out", out)
    assert f"pgdyno report '{out}'/*.jsonl --out report" in ended.out


def test_runs_that_claim_the_same_name_hinder_no_other(folder, tmp_path):
    """As a copy that somebody edited: one of them stays, and is replaced by none."""
    head, *rest = (record for _, record in store.records(REAL) if record is not None)
    edited = [replace(head, pgdyno="0.0.9"), *rest]
    (folder / "edited.jsonl").write_bytes(encoded(edited))
    elsewhere(folder)
    ended = pgdyno("merge", folder, "--out", tmp_path / "whole")
    assert ended.code == 4
    assert "exists already, and says something else" in " ".join(ended.out.split())
    assert ended.out.endswith("2 whole runs of 2 parts; 1 file left out\n")
    assert len(list((tmp_path / "whole").iterdir())) == 2


def test_where_nothing_is_left_the_exit_code_says_so(tmp_path):
    spoil(tmp_path)
    ended = pgdyno("merge", tmp_path, "--out", tmp_path / "whole")
    assert ended.code == 4
    assert not (tmp_path / "whole").exists()
    (tmp_path / "empty").mkdir()
    ended = pgdyno("merge", tmp_path / "empty", "--out", tmp_path / "whole")
    assert (ended.code, ended.out) == (4, "exit 4: 0 whole runs of 0 parts\n")


def test_machines_stay_apart_and_are_compared(folder, tmp_path):
    elsewhere(folder)
    ended = pgdyno("merge", folder, "--out", tmp_path / "whole")
    assert ended.code == 0, ended.said
    assert len(list((tmp_path / "whole").iterdir())) == 2
    assert "2 machines" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80 or str(tmp_path) in ended.out


@pytest.mark.parametrize("form", ["json", "markdown"])
def test_other_forms_say_the_same(folder, tmp_path, form):
    elsewhere(folder)
    spoil(folder)
    ended = pgdyno("merge", folder, "--out", tmp_path / "whole", "--format", form)
    assert ended.code == 4, ended.said
    if form == "json":
        told = json.loads(ended.out)
        assert [run["cells"] for run in told["runs"]] == [28, 28]
        assert told["left_out"][0]["why"] == "was cut: it has no footer"
        assert (told["exit_code"], told["planned"]) == (4, None)
        assert len(told["machines"]["machines"]) == 2
    else:
        assert ended.out.startswith("| file | parts | cells | server | machine |\n")
        assert "**LEFT OUT**" in ended.out
        assert ended.out.endswith("exit 4: 2 whole runs of 2 parts; 1 file left out\n")


def test_a_bundle_leaves_out_what_was_cut(folder, tmp_path):
    cut = spoil(folder)
    ended = pgdyno("collect", folder, "--out", tmp_path / "a.pgdyno.zip")
    assert ended.code == 4
    assert f"{cut} was cut" in ended.err
    assert "bundle: " in ended.out
    assert len(bundles.read(tmp_path / "a.pgdyno.zip", tmp_path / "out").runs) == 1


def test_a_bundle_of_nothing_is_none(tmp_path):
    ended = pgdyno("collect", spoil(tmp_path), "--out", tmp_path / "a.pgdyno.zip")
    assert ended.code == 4
    assert "there is no run to collect" in ended.err
    assert "was cut" in ended.err
    assert not (tmp_path / "a.pgdyno.zip").exists()


def test_a_bundle_is_known_by_its_name(folder):
    ended = pgdyno("collect", folder, "--out", "a.zip")
    assert ended.code == 2
    assert "does not end in .pgdyno.zip" in ended.err
