"""Formats that other tools read: pytest-benchmark itself, and the fields of two others.

github-action-benchmark: `extractPytestResult` and `extractCustomBenchmarkResult` of its
src/extract.ts. Bencher: the schema at https://bencher.dev/bmf.json, and its adapter
python/pytest.rs, which wants `machine_info`, `commit_info`, `fullname`, `median`, `iqr`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from dataclasses import replace

import fake_runs
import pytest
from fake_runs import bench
from pytest_benchmark.stats import Stats

from harness.render.formats import CannotSay, ReportSource, files
from harness.report import view
from harness.report.exchange import Spread, exchanged

ROWS = [*fake_runs.CELLS[:3], fake_runs.CELLS[8]]


@pytest.fixture(scope="module")
def run():
    return bench(rows=ROWS, override=fake_runs.with_troubles, rounds=9)


def source(*runs):
    return ReportSource(view.build(runs), runs, ())


def document(name, *runs):
    (content,) = files(name, source(*runs)).values()
    return json.loads(content)


def measured(run):
    """The cells × drivers that have a number, and those that have none."""
    rows = [row for cell in view.build([run]).runs[0].cells for row in cell.rows]
    return [row for row in rows if row.time], [row for row in rows if not row.time]


# --- pytest-benchmark -------------------------------------------------------------------


def test_stats_are_those_of_pytest_benchmark(run):
    for benchmark in document("pytest-benchmark", run)["benchmarks"]:
        found = benchmark["stats"]
        theirs = Stats()
        theirs.data = list(found["data"])
        expected = theirs.as_dict()
        assert expected.keys() <= found.keys()
        for name, value in expected.items():
            assert found[name] == pytest.approx(value) if name != "outliers" else value


@pytest.mark.parametrize("count", range(1, 10))
def test_quartiles_are_those_of_pytest_benchmark(count):
    data = [float(value * value) for value in range(1, count + 1)]
    theirs = Stats()
    theirs.data = data
    spread = Spread.of(data)
    assert (spread.q1, spread.q3) == pytest.approx((theirs.q1, theirs.q3))
    assert spread.fence == pytest.approx((theirs.ld15iqr, theirs.hd15iqr))
    assert spread.outliers == (theirs.stddev_outliers, theirs.iqr_outliers)
    assert spread.stddev == pytest.approx(theirs.stddev)


def test_times_are_seconds_and_extra_info_has_the_rest(run):
    found = document("pytest-benchmark", run)
    with_number, without = measured(run)
    assert len(found["benchmarks"]) == len(with_number)
    assert found["pgdyno"]["left_out"] == len(without) > 0
    by_name = {benchmark["fullname"]: benchmark for benchmark in found["benchmarks"]}
    assert len(by_name) == len(with_number)
    benchmark = by_name["point/by-key#one-row[asyncpg]"]
    assert benchmark["stats"]["median"] == statistics.median(benchmark["stats"]["data"])
    assert 1e-5 < benchmark["stats"]["median"] < 1e-4
    extra = benchmark["extra_info"]
    assert extra["verdict"] == "exact"
    assert extra["ratio_low"] <= extra["ratio"] <= extra["ratio_high"]
    assert extra["seconds_low"] < extra["seconds"] < extra["seconds_high"]
    assert found["commit_info"]["id"]
    assert found["machine_info"]["cpu"]["brand_raw"] == fake_runs.MACHINE.cpu


def test_pytest_benchmark_compares_two_of_them(run, tmp_path):
    slower = bench(run="after", seed=2, rows=ROWS, rounds=9, factor={"asyncpg": 1.5})
    contents = files("pytest-benchmark", source(run, slower))
    assert list(contents) == ["pytest-benchmark-1.json", "pytest-benchmark-2.json"]
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", *contents,
         "--group-by=fullname", "--columns=min,mean,stddev,median,iqr,outliers,ops,rounds"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert "point/by-key#one-row[asyncpg]" in done.stdout
    assert "2 tests" in done.stdout
    assert "Failed to load" not in done.stdout + done.stderr


# --- github-action-benchmark ------------------------------------------------------------


def test_github_action_benchmark_reads_what_it_wants(run):
    found = document("github-action-benchmark", run)
    assert len(found) == len(measured(run)[0])
    for result in found:
        assert result.keys() == {"name", "unit", "value", "range", "extra"}
        assert type(result["value"]) is float
        texts = (result["name"], result["unit"], result["range"], result["extra"])
        assert all(type(text) is str and text for text in texts)
    by_name = {result["name"]: result for result in found}
    told = by_name["point/by-key#one-row[psqlpy]"]
    assert 10_000 < told["value"] < 200_000
    assert "verdict: exact" in told["extra"]
    assert "× " in told["extra"]


def test_its_reader_of_pytest_files_finds_its_fields(run):
    for benchmark in document("pytest-benchmark", run)["benchmarks"]:
        stats = benchmark["stats"]
        assert type(benchmark["fullname"]) is str
        assert stats["ops"] == pytest.approx(1 / stats["mean"])
        assert {type(stats[name]) for name in ("ops", "stddev", "mean")} == {float}
        assert type(stats["rounds"]) is int


# --- Bencher ----------------------------------------------------------------------------


def test_bencher_metric_format(run):
    found = document("bencher", run)
    assert len(found) == len(measured(run)[0])
    for name, measures in found.items():
        assert 0 < len(name) <= 1024
        assert "latency" in measures
        for metric in measures.values():
            assert metric.keys() <= {"value", "lower_value", "upper_value"}
            assert all(type(number) is float for number in metric.values())
    latency = found["point/by-key#one-row[asyncpg]"]["latency"]
    assert latency["lower_value"] < latency["value"] < latency["upper_value"]
    assert 10_000 < latency["value"] < 200_000


def test_below_six_rounds_there_are_no_bounds():
    found = document("bencher", bench(rows=ROWS[:1], rounds=3))
    assert all(measures["latency"].keys() == {"value"} for measures in found.values())


def test_bencher_reads_pytest_files(run):
    found = document("pytest-benchmark", run)
    assert {type(found[name]) for name in ("machine_info", "commit_info")} == {dict}
    for benchmark in found["benchmarks"]:
        assert {type(benchmark["stats"][name]) for name in ("median", "iqr")} == {float}


# --- all of them ------------------------------------------------------------------------

NAMES = ("pytest-benchmark", "github-action-benchmark", "bencher")


@pytest.mark.parametrize("name", NAMES)
def test_what_has_no_number_is_counted(name, run):
    told = source(run)
    files(name, told)
    left_out = len(measured(run)[1])
    assert told.remarks == [
        f"{name}: {left_out} of the cells × drivers have no number and are left out"
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_run_without_times_cannot_be_said(name):
    with pytest.raises(CannotSay, match="times"):
        files(name, source(fake_runs.check(drivers=("psycopg",), types=("int4",))))


def test_no_name_commands_the_terminal_of_another_tool(run):
    known = exchanged(run, view.build([run]).runs[0]).benchmarks[0]
    hostile = replace(known, arm="a@\x1b[31m\u202eb")
    assert hostile.name == f"{known.cell}[a@\\x1b[31m\\u202eb]"
