"""`import pgdyno`: tables that say what the report says, to the last digit."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import get_type_hints

import fake_runs
import pandas as pd
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

import pgdyno
from harness.cli import main
from harness.core.errors import MissingExtra, UsageError
from harness.core.metrics import METRICS, READINGS
from harness.report import columns, numbers, view
from harness.results import records, store

ROOT = Path(__file__).parents[2]
OLD = ROOT / "tests" / "results" / "files" / "schema-1.jsonl"


def written(folder: Path, run: records.Run, name: str = "run") -> Path:
    file = folder / f"{name}.jsonl"
    with store.Writer(file) as writer:
        for record in (run.header, *run.trials, *run.checks, *run.notes, run.footer):
            writer.write(record)
    return file


def troubled_beside_a_hog(trial: records.Trial) -> records.Trial | None:
    return fake_runs.with_troubles(fake_runs.beside_a_hog(trial))


@pytest.fixture(scope="module")
def bench_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Verdicts of every sort, passes left out, blocks disturbed and repeated."""
    run = fake_runs.with_references(
        fake_runs.bench(override=troubled_beside_a_hog, latency=True)
    )
    again = [
        replace(trial, attempt=1, disturbed="")
        for trial in run.trials
        if trial.disturbed and trial.cell.endswith("rows=100")
    ]
    assert again
    run = replace(run, trials=[*run.trials, *again])
    return written(tmp_path_factory.mktemp("runs"), run)


@pytest.fixture(scope="module")
def report(bench_file: Path) -> view.RunView:
    return view.build([store.read(bench_file)]).runs[0]


def rows(report: view.RunView):
    """The rows of drivers, by cell and arm."""
    return {(cell.facts.id, row.arm): row for cell in report.cells for row in cell.rows}


def plain(value: object) -> object:
    return None if value is pd.NA else value


# --- equal to the report ----------------------------------------------------------------


def test_ratios_are_those_of_the_report(bench_file: Path, report: view.RunView) -> None:
    table = pgdyno.load(bench_file).ratios()
    shown = {key: row for key, row in rows(report).items() if row.ratio}
    assert len(table) == len(shown) > 50
    for line in table.itertuples():
        row = shown[line.cell, line.arm]
        assert line.ratio == row.ratio.point
        assert (plain(line.low), plain(line.high)) == (row.ratio.low, row.ratio.high)
        assert plain(line.confidence) == row.ratio.confidence
        assert (plain(line.rank), line.tied) == (row.rank, row.tied)
        if row.p is not None:
            assert line.p == row.p


def test_numbers_are_those_of_the_report(bench_file: Path, report: view.RunView) -> None:
    table = pgdyno.load(bench_file).numbers()
    times = table[(table.metric == "wall_ns") & (table.group != "reference")]
    assert len(times) == len(rows(report))
    for line in times.itertuples():
        row = rows(report)[line.cell, line.arm]
        assert plain(line.estimate) == (row.time.point if row.time else None)
        assert plain(line.p_adjusted) == row.p_adjusted
        assert plain(line.rank) == row.rank
        assert line.n == len(row.rounds)
    means = table[table.metric == "mean_ratio"]
    assert list(means.estimate) == [mean.mean.point for mean in report.means]
    assert len(table[table.metric == "self_ratio"]) == len(report.self_tests[0].cells)


def test_times_are_those_of_the_slices(bench_file: Path, report: view.RunView) -> None:
    """The rounds that the report shows, from slices that count."""
    slices = pgdyno.load(bench_file).slices()
    assert 0 < slices.left_out.sum() < len(slices)
    counted = slices[slices.counts & ~slices.left_out]
    for (cell, arm), row in rows(report).items():
        own = counted[(counted.cell == cell) & (counted.arm == arm)]
        found = tuple(
            median(group.wall_ns.tolist()) / ops_of_all(group)
            for _, group in own.groupby("round")
        )
        assert found == row.rounds


def ops_of_all(group: pd.DataFrame) -> int:
    return int(group.ops.iloc[0]) * max(1, int(group.clients.iloc[0]))


def test_waits_and_passes_left_out_are_columns(bench_file: Path) -> None:
    """A pass counts for all arms or for none, and waiting says why."""
    slices = pgdyno.load(bench_file).slices()
    waited = slices[slices.client_wait_ns.notna()]
    assert (waited.left_out == (waited.client_wait_ns > 0)).all()
    block = ["cell", "round", "attempt", "pass"]
    assert (waited.groupby(block, observed=True).left_out.nunique() == 1).all()


def test_a_disturbed_or_superseded_block_does_not_count(bench_file: Path) -> None:
    trials = pgdyno.load(bench_file).trials()
    assert not trials[trials.disturbed != ""].counts.any()
    block = trials[(trials.cell == "rows/wide#fetch@rows=100") & (trials["round"] == 3)]
    assert set(zip(block.attempt, block.counts, strict=True)) == {(0, False), (1, True)}


def test_a_trial_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    run = fake_runs.bench(rows=fake_runs.CELLS[:1], rounds=6)
    file = written(tmp_path, replace(run, trials=[*run.trials, run.trials[0]]))
    trials = pgdyno.load(file).trials()
    assert len(trials) == len(run.trials) + 1
    assert not trials.counts.iloc[0]
    assert trials.counts.iloc[-1]


def test_ratios_to_an_arm(bench_file: Path) -> None:
    run = pgdyno.load(bench_file)
    table = run.ratios("psycopg")
    assert set(table.reference) == {"psycopg"}
    itself = table[table.arm == "psycopg"]
    assert set(itself.ratio) == {1.0}
    assert itself.p.isna().all()
    clients = table[table.cell.str.startswith("concurrency/")]
    assert set(clients.arm) == {"psycopg", "psycopg2"}  # threads, and no tasks
    with pytest.raises(UsageError, match="there is no arm 'oracle'"):
        run.ratios("oracle")


# --- types ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", columns.TABLES)
def test_every_column_has_its_dtype(name: str, bench_file: Path, tmp_path: Path) -> None:
    """Also in an empty table."""
    check = written(tmp_path, fake_runs.check())
    for paths in (bench_file, check, [bench_file, check, OLD]):
        table = getattr(pgdyno.load(paths), name)()
        assert {column: str(dtype) for column, dtype in table.dtypes.items()} == dict(
            columns.TABLES[name]
        )


def test_versions_stand_beside_results(tmp_path: Path) -> None:
    both = pgdyno.load([OLD, written(tmp_path, fake_runs.check())])
    checks = both.checks()
    assert set(checks[checks.arm == "asyncpg"].library_version) == {"0.32.0"}
    assert set(checks.server_version) == {"18.4"}
    assert set(checks.run) == set(both.ids)
    assert both.trials().library_version.notna().all()


def test_numbers_that_are_not_known_are_none(bench_file: Path) -> None:
    slices = pgdyno.load(bench_file).slices()
    floor = slices[slices.arm == "pgbench"]
    assert len(floor)
    assert floor.cpu_ns.isna().all()
    assert floor.wall_ns.notna().all()


def test_truncated_runs_say_so(tmp_path: Path) -> None:
    whole = written(tmp_path, fake_runs.check())
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(b"".join(whole.read_bytes().splitlines(keepends=True)[:-1]))
    run = pgdyno.load(str(cut))
    assert list(run.truncated.values()) == ["it has no footer"]
    assert not pgdyno.load(whole).truncated


# --- files --------------------------------------------------------------------------------


def test_csv_json_and_parquet_say_the_same(bench_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    wanted = ["report", str(bench_file), "--format", "csv,json,parquet", "--out", str(out)]
    assert main.main(wanted) == 0
    told = json.loads((out / "numbers.json").read_text())
    lines = list(csv.DictReader(io.StringIO((out / "numbers.csv").read_text())))
    table = pq.read_table(out / "numbers.parquet").to_pylist()
    assert len(told) == len(lines) == len(table) > 500
    frame = pgdyno.load(bench_file).numbers()
    for number, line, row, estimate in zip(told, lines, table, frame.estimate, strict=True):
        assert row == number
        assert line["estimate"] == ("" if plain(estimate) is None else str(estimate))
        assert number["estimate"] == plain(estimate)


def test_checks_and_numbers_are_files_of_their_own(
    bench_file: Path, tmp_path: Path
) -> None:
    check = written(tmp_path, fake_runs.check())
    out = tmp_path / "out"
    runs = [str(bench_file), str(check)]
    assert main.main(["report", *runs, "--format", "csv,json", "--out", str(out)]) == 0
    assert {file.name for file in out.iterdir()} == {
        "numbers.csv", "numbers.json", "checks.csv", "checks.json", "runs.json",
    }  # fmt: skip


def test_checks_say_the_same_as_csv_json_and_parquet(tmp_path: Path) -> None:
    check, out = written(tmp_path, fake_runs.check()), tmp_path / "out"
    formats = "csv,json,parquet"
    assert main.main(["report", str(check), "--format", formats, "--out", str(out)]) == 0
    told = json.loads((out / "checks.json").read_text())
    lines = list(csv.DictReader(io.StringIO((out / "checks.csv").read_text())))
    table = pq.read_table(out / "checks.parquet").to_pylist()
    assert table == lines
    assert [{**row, "facts": json.loads(row["facts"])} for row in table] == told
    assert any(row["facts"] for row in told)


@pytest.mark.parametrize("form", ["junit", "json", "csv", "parquet"])
def test_a_format_that_cannot_say_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    """It was silently `[]`, or a document without a test."""
    run = fake_runs.bench(rows=fake_runs.CELLS[:1])
    if form != "junit":
        run = replace(run, trials=[], header=replace(run.header, cells=[]))
    file, out = written(tmp_path, run), tmp_path / "out"
    assert main.main(["report", str(file), "--format", form, "--out", str(out)]) == 2
    assert f"the format {form} can only say checks" in capsys.readouterr().err
    assert not out.exists()


def test_a_missing_extra_is_a_sentence(
    bench_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra) as caught:
        pgdyno.load(bench_file).trials()
    assert str(caught.value) == "Run.trials() needs the extra 'analysis'"
    assert caught.value.hint == "pip install 'pgdyno[analysis]'"


def test_an_import_is_light() -> None:
    code = (
        "import sys, time\nstart = time.process_time()\nimport pgdyno\n"
        "print(time.process_time() - start, *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    seconds, *loaded = done.stdout.split()
    assert float(seconds) <= 0.1
    assert not {"pandas", "numpy", "msgspec", "rich", "psycopg"} & set(loaded)


def test_the_plugin_module_is_the_contract() -> None:
    import harness.plugin
    import pgdyno.plugin

    assert pgdyno.plugin.__all__ == harness.plugin.__all__
    for name in pgdyno.plugin.__all__:
        assert getattr(pgdyno.plugin, name) is getattr(harness.plugin, name)


# --- docs/api.md ----------------------------------------------------------------------


def described(name: str) -> dict[str, str]:
    """The columns that docs/api.md describes for a table, with their dtypes."""
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    section = re.search(rf"^### `Run\.{name}\(.*?$(.*?)(?=^##|\Z)", text, re.M | re.S)
    assert section, name
    found = re.findall(r"^\| `(\w+)` \| (\w+) \|", section[1], re.M)
    return dict(found)


@pytest.mark.parametrize("name", columns.TABLES)
def test_every_column_is_described(name: str) -> None:
    told = described(name)
    if name == "slices":  # the lists of a slice are described with the results format
        told |= dict.fromkeys(READINGS, "Int64")
    assert list(told.items()) == list(columns.TABLES[name].items())


def test_every_number_has_its_column() -> None:
    assert tuple(columns.NUMBERS) == numbers.COLUMNS
    assert tuple(columns.RATIOS) == tuple(get_type_hints(numbers.Ratio))


def test_every_metric_is_described(bench_file: Path) -> None:
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    told = set(pgdyno.load(bench_file).numbers().metric)
    told = {re.sub(r"_p[\d.]+$", "_p…", metric) for metric in told}
    assert len(told) > 8
    read = {metric.name for metric in METRICS}  # described with the results format
    assert not [metric for metric in told - read if f"`{metric}`" not in text]
