"""A lane is added by its folder alone: the real verbs measure, report and compare it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import lanes
from harness.core.errors import EXIT_FAILED, UsageError
from harness.lanes import Lane

TOY = Path(__file__).parent / "toy"
PACKAGE = TOY / "threads_lane"
CELL = "query/point#fetch-one"
MOST_FILES = 6


def pgdyno(*arguments: object, toy: bool = True) -> subprocess.CompletedProcess[str]:
    """The command, with the lane from elsewhere installed or not."""
    path = os.pathsep.join(filter(None, [str(TOY) * toy, os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, "-m", "harness", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "80"}
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False
    )


@pytest.fixture(scope="module")
def results(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bench run of the lane from elsewhere, of two drivers."""
    out = tmp_path_factory.mktemp("threads") / "run.jsonl"
    drivers = ("--driver", "psycopg2", "--driver", "psqlpy")
    told = pgdyno(
        "bench", CELL, *drivers, "--lane", "threads", "--server", dsn, "--out", out
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[-1] == "exit 0: 1 question × 2 drivers: 2 exact."
    return out


def test_a_lane_takes_no_more_than_six_files():
    made = [file for file in PACKAGE.rglob("*") if file.suffix == ".py"]
    assert 4 <= len(made) <= MOST_FILES
    for name in ("memory", "instructions", "start", "time"):
        package = Path(lanes.__file__).parent / name
        programs = {package / "callgrind.py", package / "importing.py"}
        parts = set(package.glob("*.py")) - programs
        assert len(parts) <= MOST_FILES


def test_what_it_records_is_in_the_file(results: Path):
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    found = {line["arm"]: line["threads"] for line in lines if line["record"] == "threads"}
    assert found["psycopg2"] >= 1
    assert found["psqlpy"] > 1  # it has a runtime of its own
    assert lines[0]["lane"] == "threads"
    assert lines[-1]["trials"] == 2


def test_every_format_shows_it(results: Path, tmp_path: Path):
    formats = "text,markdown,html,json,csv"
    told = pgdyno("report", results, "--out", tmp_path, "--format", formats)
    assert told.returncode == 0, told.stderr
    for name in ("report.txt", "report.md", "report.html"):
        page = (tmp_path / name).read_text()
        assert "psqlpy" in page, name
    assert "threads of the client" in (tmp_path / "report.md").read_text()
    assert "<h2>Threads</h2>" in (tmp_path / "report.html").read_text()
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    found = {number["arm"]: number["estimate"] for number in numbers}
    assert set(found) == {"psycopg2", "psqlpy"}
    assert found["psqlpy"] > found["psycopg2"] >= 1
    assert {number["metric"] for number in numbers} == {"threads"}
    assert ",threads," in (tmp_path / "numbers.csv").read_text()


def test_two_arms_are_compared_by_its_own_rule(results: Path):
    arms = ("--base", "psycopg2", "--candidate", "psqlpy")
    told = pgdyno("compare", results, results, *arms)
    assert told.returncode == EXIT_FAILED, told.stderr
    assert "1 more threads" in told.stdout
    assert "another number of threads is a change" in told.stdout.replace("\n", " ")
    shown = json.loads(
        pgdyno("compare", results, results, *arms, "--format", "json").stdout
    )
    assert shown["lane"] == "threads"
    assert shown["changes"][0]["base_threads"] >= 1


def test_where_it_is_not_installed_the_reader_is_told(results: Path, tmp_path: Path):
    told = pgdyno("report", results, "--out", tmp_path, toy=False)
    assert told.returncode == 4
    assert "install the lane that records 'threads'" in told.stderr
    refused = pgdyno("bench", CELL, "--lane", "threads", toy=False)
    assert refused.returncode == 2


# --- the registry -----------------------------------------------------------------------


def test_folders_are_lanes():
    assert {"time", "memory", "instructions"} <= set(lanes.known())
    assert all(lane.sentence for lane in lanes.known().values())
    assert lanes.get("memory").has("record")
    assert not lanes.get("memory").has("comparison")


def test_an_unknown_lane_is_a_clear_error():
    with pytest.raises(UsageError, match="there is no lane 'speed'"):
        lanes.get("speed")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("LANE = 'fast'", "is not a harness.lanes.Lane"),
        ("", "has no attribute 'LANE'"),
        ("import no_such_library", "No module named"),
    ],
)
def test_a_spoilt_lane_is_a_clear_error(text, told, tmp_path, monkeypatch):
    (tmp_path / "spoilt_lane.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(lanes, "_packages", lambda: iter(["spoilt_lane"]))
    monkeypatch.delitem(sys.modules, "spoilt_lane", raising=False)
    with pytest.raises(UsageError, match=told):
        lanes.known.__wrapped__()


def test_a_part_is_loaded_when_it_is_asked_for():
    assert Lane("x", "harness.lanes.memory", "").part("record").RECORDS
