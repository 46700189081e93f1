"""Versions as arms, as users of the verbs meet them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from commands import SMALL, check, pgdyno
from helpers import environments_folder

from harness import environments
from harness.cli import bench
from harness.core.arms import parse
from harness.core.errors import DriverError
from harness.results import store

OLD, NEW = "asyncpg==0.30.0", "asyncpg==0.31.0"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables under which both versions are there; without a network, none are."""
    folder = str(environments_folder(tmp_path_factory))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGDYNO_ENVIRONMENTS", folder)
        patch.setattr(environments, "_known", {})
        try:
            for arm in (OLD, NEW):
                environments.of(parse(arm))
        except DriverError as error:
            pytest.skip(f"nothing can be installed here: {error}")
    return {**os.environ, "PGDYNO_ENVIRONMENTS": folder}


@pytest.fixture
def question(tmp_path: Path) -> Path:
    """A scenario of one case."""
    file = tmp_path / "small.toml"
    file.write_text(SMALL)
    return file


def test_versions_are_checked_side_by_side(made, question, dsn, tmp_path):
    out = tmp_path / "run.jsonl"
    wanted = ("--driver", OLD, "--driver", NEW, "--driver", "asyncpg")
    checks = check(
        question, *wanted, "--profile", "default", "--server", dsn, "--out", out, env=made
    )
    assert [(found["driver"], found["verdict"]) for found in checks] == [
        (OLD, "exact"), (NEW, "exact"), ("asyncpg", "exact"),
    ]  # fmt: skip
    old, new, installed = store.read(out).header.arms
    versions = [arm.terms["version"] for arm in (old, new)]
    assert versions == ["0.30.0", "0.31.0"]
    assert [arm.packages["asyncpg"] for arm in (old, new)] == versions
    assert (installed.packages, installed.source) == ({}, "")
    assert old.python == installed.python
    assert old.python.startswith("CPython 3.")
    assert old.gil == "on"


def test_a_pool_of_a_version_that_knows_no_reset(made, dsn):
    """`reset` of a pool came with 0.30."""
    cell = "concurrency/pool#point@clients=16,pool=4"
    wanted = ("--driver", "asyncpg==0.29.0", "--profile", "default", "--server", dsn)
    (found,) = check(cell, *wanted, env=made)
    assert (found["verdict"], found["detail"]) == ("exact", "")


def test_what_cannot_be_made_is_left_out_and_the_others_go_on(made, question, dsn):
    wanted = ("--driver", "asyncpg==9.9.9", "--driver", OLD, "--profile", "default")
    ended = pgdyno("check", question, *wanted, "--server", dsn, env=made)
    assert ended.code == 4, "an arm that was asked for and took no part is no pass"
    assert "exit 4: asyncpg==9.9.9 took no part." in ended.out
    assert "asyncpg==9.9.9 (CPython" in ended.err
    assert "cannot be installed" in ended.err
    assert ended.err.count("it is left out") == 1
    (log,) = re.findall(r"hint: all that was said: (.+)", ended.err)
    assert "asyncpg==9.9.9" in Path(log).read_text()
    assert f"{OLD} 100 %" in ended.out


def test_a_checkout_in_the_current_folder_is_not_what_runs(made, question, dsn, tmp_path):
    (tmp_path / "asyncpg").mkdir()
    (tmp_path / "asyncpg" / "__init__.py").write_text("raise SystemExit('a checkout')")
    wanted = ("--driver", OLD, "--profile", "default", "--server", dsn)
    (found,) = check(question, *wanted, env=made, cwd=tmp_path)
    assert found["verdict"] == "exact"


def test_a_baseline_is_that_of_the_driver(made, question, dsn, tmp_path):
    folder = tmp_path / "baselines"
    common = (question, "--profile", "default", "--server", dsn, "--baselines", folder)
    check(*common, "--driver", "asyncpg", "--update")
    (file,) = folder.glob("pg*/asyncpg.json")
    file.write_text(file.read_text().replace('"exact"', '"lossy"'))
    (found,) = check(*common, "--driver", OLD, code=1, env=made)
    assert "exact instead of lossy; the version differs: asyncpg 0.30.0" in found["drift"]


def test_an_update_takes_no_version(question):
    ended = pgdyno("check", question, "--update", "--driver", OLD)
    assert ended.code == 2
    assert "--update accepts what asyncpg does as it is installed" in ended.err


def test_what_changed_between_two_versions(made, question, dsn):
    ended = pgdyno("diff", OLD, NEW, question, "--server", dsn, env=made)
    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"# From {OLD} to {NEW}\n")
    assert "1 of 1 check" in ended.out
    assert "The same in both" not in ended.out


def test_there_is_no_diff_with_what_cannot_be_made(made, question, dsn):
    ended = pgdyno("diff", "asyncpg==9.9.9", OLD, question, "--server", dsn, env=made)
    assert ended.code == 2
    assert "there is nothing to compare asyncpg==9.9.9 with" in ended.err


def test_a_reproduction_runs_where_its_arm_ran(made, dsn):
    wanted = ("query/constant#select-1", "--driver", OLD, "--run", "--server", dsn)
    ended = pgdyno("show", *wanted, env=made)
    assert ended.code == 0, ended.said
    assert "asyncpg 0.30.0" in ended.out
    assert "run: it shows what the check saw" in ended.out


def test_a_plan_makes_nothing(question, tmp_path):
    folder = tmp_path / "environments"
    env = {**os.environ, "PGDYNO_ENVIRONMENTS": str(folder)}
    ended = pgdyno(
        "bench", "query/point", "--dry-run", "--driver", "asyncpg==9.9.9", env=env
    )
    assert ended.code == 0
    assert "asyncpg==9.9.9 (A/A)" in ended.out
    assert not folder.exists()


def test_environments_are_listed(made):
    ended = pgdyno("environments", "list", "--format", "json", env=made)
    told = json.loads(ended.out)
    assert told["folder"] == made["PGDYNO_ENVIRONMENTS"]
    assert {OLD, NEW} <= {found["arm"] for found in told["environments"]}
    assert all(found["bytes"] > 100_000 for found in told["environments"])
    assert OLD in pgdyno("environments", "list", env=made).out


def test_environments_are_cleared(tmp_path):
    env = {**os.environ, "PGDYNO_ENVIRONMENTS": str(tmp_path / "environments")}
    ruin = tmp_path / "environments" / "asyncpg-0123.partial"
    ruin.mkdir(parents=True)
    ended = pgdyno("environments", "clear", env=env)
    assert (ended.code, ruin.exists()) == (0, False)
    assert "removed 0 environments" in ended.out


def test_what_cannot_be_made_is_not_what_runs_twice(monkeypatch):
    def of(arm):
        if arm.name == "asyncpg==9.9.9":
            raise DriverError("there is no such version")
        return environments.HERE

    monkeypatch.setattr(environments, "of", of)
    lost, old = parse("asyncpg==9.9.9"), parse(OLD)
    arms = bench.with_possible_aa(bench.with_aa([lost, old], wanted=True))
    assert [arm.id for arm in arms] == [lost.id, old.id, f"{OLD} (A/A)"]
    alone = bench.with_aa([lost], wanted=True)
    assert bench.with_possible_aa(alone) == alone
