"""The folder of a fleet's results is looked at before any job is carried."""

from __future__ import annotations

from pathlib import Path

import pytest
from planned import planned

from harness.cli.main import main
from harness.jobs.job import line
from harness.jobs.locks import held


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A plan of one job."""
    path = tmp_path / "jobs.jsonl"
    path.write_bytes(line(planned(1)))
    return path


def run(plan: Path, out: Path) -> int:
    return main(["fleet", "run", str(plan), "--scheduler", "local", "--out", str(out)])


def test_two_fleets_never_share_a_folder(plan, tmp_path, capsys) -> None:
    """They would do all jobs twice, and take each other's files away while these arrive."""
    out = tmp_path / "results"
    with held(out, "fleet"):
        assert run(plan, out)
    assert "another process runs fleet" in capsys.readouterr().err
    assert list(out.iterdir()) == []


def test_a_folder_that_cannot_be_is_told_before_anything_runs(plan, capsys) -> None:
    assert run(plan, plan / "results")
    assert "results cannot be written: Not a directory" in capsys.readouterr().err
