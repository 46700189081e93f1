"""The recipes of examples/jobs as they stand: what they run, and whether they are valid."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import pgdyno
from helpers import wait_until

from harness.jobs.job import Job, read_jobs
from harness.results import store

ROOT = Path(__file__).parent.parent.parent
RECIPES = ROOT / "examples" / "jobs"
SCRIPTS = sysconfig.get_path("scripts")
PLAN = (
    "check", "query/point#missing", "query/point#fetch-one",
    "--driver", "psycopg", "--profile", "default", "--cells", "1",
)  # fmt: skip


@pytest.fixture(scope="module")
def environment(dsn: str) -> dict[str, str]:
    """That of a machine that has pgdyno, and knows its server's password."""
    path = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PGDYNO_DSN": dsn.removeprefix("dsn:")}


@pytest.fixture(scope="module")
def folder(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plan of two small jobs."""
    folder = tmp_path_factory.mktemp("jobs")
    ended = pgdyno("plan", *PLAN, env=environment)
    assert ended.code == 0, ended.said
    (folder / "jobs.jsonl").write_text(ended.out)
    return folder


def jobs(folder: Path) -> list[Job]:
    return read_jobs(folder / "jobs.jsonl")


def sh(folder: Path, environment: dict[str, str], *words: str, **more: str) -> str:
    """Run a shell there; all that it says."""
    done = subprocess.run(
        ["sh", *words], cwd=folder, env=environment | more, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def results(folder: Path) -> list[str]:
    """The jobs whose results are there and say so."""
    found = [store.read(path) for path in sorted(folder.glob("*"))]
    assert all(run.footer and run.header.job for run in found)
    return [run.header.job.id for run in found if run.header.job]


def test_a_loop_runs_what_is_missing(folder, environment):
    said = sh(folder, environment, str(RECIPES / "loop.sh"), "jobs.jsonl", "results")
    assert said.count("the job is done\n") == 2
    assert results(folder / "results") == sorted(job.id for job in jobs(folder))
    (folder / "results" / f"{jobs(folder)[1].id}.jsonl").unlink()
    said = sh(folder, environment, str(RECIPES / "parallel.sh"), "jobs.jsonl", "results")
    assert said.count("the job was done before") == said.count("the job is done\n") == 1
    assert results(folder / "results") == sorted(job.id for job in jobs(folder))


def test_a_task_of_slurm_runs_its_job(folder, environment):
    script = RECIPES / "slurm.sh"
    environment = {**environment, "SLURM_ARRAY_TASK_ID": "2"}
    said = sh(folder, environment, str(script))
    assert f"results/{jobs(folder)[1].id}.jsonl" in said
    assert jobs(folder)[1].id in results(folder / "results")
    assert "#SBATCH --exclusive" in script.read_text()


def test_a_pod_of_kubernetes_runs_its_job(folder, environment):
    told = yaml.safe_load((RECIPES / "kubernetes.yaml").read_text())
    assert (told["kind"], told["spec"]["completionMode"]) == ("Job", "Indexed")
    pod = told["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    shell, *words = [*container["command"], *container["args"]]
    assert (shell, pod["restartPolicy"]) == ("sh", "Never")
    said = sh(folder, environment, *words, JOB_COMPLETION_INDEX="0")
    assert f"results/{jobs(folder)[0].id}.jsonl" in said
    assert jobs(folder)[0].id in results(folder / "results")


def test_a_matrix_of_github_runs_its_job(folder, environment):
    workflow = yaml.safe_load((RECIPES / "github.yml").read_text())
    out = folder / "github"
    plan, ran = commands(workflow, "plan"), commands(workflow, "run")
    pgdyno_line = workflow["env"]["PLAN"].split()
    assert pgdyno("plan", *pgdyno_line).out.count("\n") >= 1
    own = {"PLAN": " ".join(PLAN), "GITHUB_OUTPUT": str(out)}
    sh(folder, environment, "-ec", plan, **own)
    name, _, numbers = out.read_text().strip().partition("=")
    assert workflow["jobs"]["plan"]["outputs"] == {
        name: f"${{{{ steps.plan.outputs.{name} }}}}"
    }
    assert json.loads(numbers) == [1, 2]
    said = sh(folder, environment, "-ec", ran, NUMBER="2")
    assert f"results/{jobs(folder)[1].id}.jsonl" in said


def commands(workflow: dict[str, Any], job: str) -> str:
    """What a job of a workflow runs once pgdyno is installed."""
    runs = [step["run"] for step in workflow["jobs"][job]["steps"] if "run" in step]
    assert runs[0].startswith("pip install uv")
    (command,) = runs[1:]
    return str(command)


def test_forges_can_read_the_workflow():
    file = str(RECIPES / "github.yml")
    schema = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", file)
    config = str(ROOT / ".github" / "zizmor.yml")
    for linter in (schema, ("zizmor", "--offline", "--quiet", "--config", config, file)):
        done = subprocess.run(
            [str(Path(SCRIPTS) / linter[0]), *linter[1:]], capture_output=True, text=True,
            check=False, env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_interrupted_job_is_kept_apart(tmp_path, environment):
    """What it leaves is a results file that says so; nobody else's job is told done."""
    plan = tmp_path / "jobs.jsonl"
    asked = ("check", "types/numbers", "types/text", "--driver", "psycopg")
    plan.write_text(pgdyno("plan", *asked, env=environment).out)
    (job,) = read_jobs(plan)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "harness",
            "run-job",
            str(plan),
            "--out",
            str(tmp_path / "out"),
        ],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = tmp_path / "out" / f"{job.id}.running.jsonl"
    assert wait_until(lambda: running.exists() and _has_checks(running))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the job is not done: exit 130; " in said
    assert "Traceback" not in said
    (left,) = (tmp_path / "out").iterdir()
    assert left.name == f"{job.id}.partial.jsonl"
    run = store.read(left)
    assert run.footer
    assert run.footer.reason == "interrupted"
    assert run.checks


def _has_checks(path: Path) -> bool:
    return path.read_bytes().count(b'"record":"check"') >= 3
