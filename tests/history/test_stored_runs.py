"""A store: six tables and the ratios, in files that anybody reads."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import fake_runs
import pandas as pd
import pyarrow.parquet as pq
import pytest
from commands import pgdyno as command
from msgspec.structs import replace

import pgdyno
from harness.core.errors import ResultsError
from harness.history import adding, places
from harness.history.tables import TABLES
from harness.results import records
from harness.results.store import Writer


def written(folder: Path, run: records.Run, *, cut: bool = False) -> Path:
    file = folder / f"{run.header.run}.jsonl"
    with Writer(file) as writer:
        for record in (run.header, *run.trials, *run.checks, *run.notes):
            writer.write(record)
        if not cut:
            writer.write(run.footer)
    return file


def stored(store: Path) -> dict[str, bytes]:
    return {
        path.relative_to(store).as_posix(): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file()
    }


def small(name: str = "run-1", **how: object) -> records.Run:
    return fake_runs.bench(run=name, rows=fake_runs.CELLS[:2], rounds=7, slices=4, **how)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_pandas_reads_what_pgdyno_says(tmp_path: Path, store: Path) -> None:
    runs = [small(), fake_runs.check(run="run-2", types=("int4", "uuid"))]
    files = [written(tmp_path, run) for run in runs]
    for file in files:
        adding.add_file(file, store)
    said = pgdyno.load(files)
    for name in ("trials", "slices", "checks"):
        read = pd.read_parquet(store / name).drop(columns=["machine", "month"])
        told = getattr(said, name)()
        assert list(read.columns) == list(told.columns)
        assert len(read) == len(told) > 0
        for column in told.columns:
            expected = told[column].astype(object).where(told[column].notna(), None)
            found = read[column].astype(object).where(read[column].notna(), None)
            assert found.tolist() == expected.tolist(), column
    assert pd.read_parquet(store / "runs")["run"].tolist() == ["run-1", "run-2"]
    assert pd.read_parquet(store / "runs")["month"].tolist() == ["2031-03"] * 2


def test_duckdb_joins_the_tables(store: Path) -> None:
    adding.add(small(), store)
    rows = duckdb.sql(
        f"""
        select a.library, median(t.wall_ns_per_op)
        from read_parquet('{store}/trials/*/*/*.parquet', hive_partitioning = true) t
        join read_parquet('{store}/arms/*/*/*.parquet', hive_partitioning = true) a
          using (run, arm)
        where t.counts and t.month = '2031-03' group by 1 order by 1
        """
    ).fetchall()
    assert [row[0] for row in rows] == ["asyncpg", "psqlpy", "psycopg", "psycopg2"]
    assert all(row[1] > 0 for row in rows)


@pytest.mark.parametrize("table", TABLES)
def test_every_file_has_the_columns_of_its_table(store: Path, table: str) -> None:
    place, _ = adding.add(small(), store)
    found = pq.read_schema(store / table / place.folder / "run-1.parquet")
    assert found.names == list(TABLES[table].columns)


def test_a_ratio_is_that_of_the_report_and_its_inverse(tmp_path: Path, store: Path) -> None:
    run = small()
    adding.add(run, store)
    rows = pd.read_parquet(store / "ratios").set_index(["cell", "arm", "control"])
    said = pgdyno.load(written(tmp_path, run)).ratios("psycopg2")
    for told in said[said["arm"] == "asyncpg"].itertuples():
        row = rows.loc[(told.cell, "asyncpg", "psycopg2")]
        back = rows.loc[(told.cell, "psycopg2", "asyncpg")]
        assert 2.718281828459045 ** row["log_ratio"] == pytest.approx(told.ratio)
        assert (row["low"], row["high"]) == pytest.approx((-back["high"], -back["low"]))
        assert row["n"] == told.n == 7


def test_threads_and_tasks_have_no_ratio(store: Path) -> None:
    rows = [row for row in fake_runs.CELLS if row[8]]
    adding.add(fake_runs.bench(rows=rows, rounds=6), store)
    kinds = {name: fake_runs.arm_facts(name).kind for name in fake_runs.ARMS}
    found = pd.read_parquet(store / "ratios")
    found = found[found["competes"] & found["control_competes"]]
    assert len(found) > 4
    assert (found["arm"].map(kinds) == found["control"].map(kinds)).all()


def test_to_add_again_changes_nothing(tmp_path: Path, store: Path) -> None:
    file = written(tmp_path, small())
    assert not adding.add_file(file, store)[1]
    before = stored(store)
    assert adding.add_file(file, store)[1]
    assert stored(store) == before
    assert len(before) == len(TABLES)


def test_a_truncated_run_is_replaced_by_the_whole_one(tmp_path: Path, store: Path) -> None:
    run = small()
    (tmp_path / "cut").mkdir()
    adding.add_file(written(tmp_path / "cut", run, cut=True), store)
    assert pd.read_parquet(store / "runs")["truncated"].tolist() == ["it has no footer"]
    adding.add_file(written(tmp_path, run), store)
    assert pd.read_parquet(store / "runs")["truncated"].tolist() == [""]


def test_a_whole_run_is_not_replaced_by_a_cut_one(tmp_path: Path, store: Path) -> None:
    adding.add_file(written(tmp_path, small()), store)
    before = stored(store)
    (tmp_path / "cut").mkdir()
    cut = written(tmp_path / "cut", small(), cut=True)
    with pytest.raises(ResultsError, match=r"run-1\.jsonl: it was cut, and the store has"):
        adding.add_file(cut, store)
    assert stored(store) == before


@pytest.mark.parametrize(("name", "said"), [("", "no name"), ("x" * 201, "too long")])
def test_a_run_that_has_no_file_name_is_told_with_its_file(
    tmp_path: Path, store: Path, name: str, said: str
) -> None:
    file = written(tmp_path, small()).rename(tmp_path / "here.jsonl")
    file.write_text(file.read_text().replace('"run":"run-1"', f'"run":"{name}"', 1))
    with pytest.raises(ResultsError, match=rf"here\.jsonl: .*{said}"):
        adding.add_file(file, store)


@pytest.mark.parametrize("name", ["../../../out", "a/b", ".hidden", "_x", "ü \n", "%2E"])
def test_a_name_from_outside_stays_in_its_folder(store: Path, name: str) -> None:
    place, _ = adding.add(small(name), store)
    folder = store / "runs" / place.folder
    assert len(places.files(folder)) == 1
    assert {path.parent for path in store.rglob("*.parquet")} == {
        store / table / place.folder for table in TABLES
    }
    assert pd.read_parquet(store / "runs")["run"].tolist() == [name]


@pytest.mark.parametrize(
    ("started", "month"),
    [
        ("2031-03-31T23:30:00-02:00", "2031-04"),
        ("2031-03-02T10:15:00", "2031-03"),
        ("2031-03-02T10:15:00Z", "2031-03"),
    ],
)
def test_months_are_those_of_utc(started: str, month: str) -> None:
    assert places.partition_of(replace(small().header, started=started)).month == month


@pytest.mark.parametrize("started", ["", "yesterday", "0001-01-01T00:00:00+14:00"])
def test_a_run_without_a_time_is_refused(store: Path, started: str) -> None:
    run = small()
    with pytest.raises(ResultsError, match=r"run-1: .* is no time"):
        adding.add(replace(run, header=replace(run.header, started=started)), store)
    assert not store.exists()


def test_another_lane_has_its_run_and_no_trials(store: Path) -> None:
    adding.add(fake_runs.counted("run-3", fake_runs.counts("psycopg", 100.0)), store)
    assert pd.read_parquet(store / "runs")["lane"].tolist() == ["instructions"]
    assert pd.read_parquet(store / "trials").empty


def test_nothing_half_written_is_left(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(ResultsError, match="No space left on device"):
        adding.add(small(), store)
    assert not stored(store)


def test_many_append_at_once(store: Path) -> None:
    runs = [small(f"run-{number}", seed=number) for number in range(6)]

    def append(run: records.Run) -> None:
        place, _ = adding.add(run, store)
        adding.summarise(store, place)

    threads = [threading.Thread(target=append, args=[run]) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(pd.read_parquet(store / "runs")["run"]) == {run.header.run for run in runs}
    assert not list(store.rglob("*.tmp"))


def test_a_bad_file_keeps_no_other_out(tmp_path: Path) -> None:
    good = written(tmp_path, small())
    bad = tmp_path / "bad.jsonl"
    bad.write_text("no run\n")
    ended = command("store", "add", bad, good, "--store", tmp_path / "store")
    assert ended.code == 4
    assert "bad.jsonl" in ended.err
    assert ended.out == f"1 run added to {tmp_path / 'store'}\n"
    again = command("store", "add", good, "--store", tmp_path / "store")
    assert (again.code, again.err) == (0, "")
    assert "0 runs added" in again.out
    assert "1 was there already" in again.out
