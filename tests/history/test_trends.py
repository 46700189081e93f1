"""Trends: the right change at the right place, and none where there is none."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from pathlib import Path

import fake_runs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import pgdyno as command
from msgspec.structs import replace

from harness.cli.trend import cell, date
from harness.core.errors import ResultsError, UsageError
from harness.core.stats import Estimate
from harness.history import adding, changes, places, summary
from harness.history.points import version_key
from harness.history.series import series_of
from harness.history.trend import Trend, TrendRequest, TrendSeries, build
from harness.render import trend as shown
from harness.render import trend_html, trend_png

COPY = [row for row in fake_runs.CELLS if row[0] == "copy/in"]
CELL = fake_runs.cell_facts(COPY[0]).id
SPEED = {"0.28.0": 1.0, "0.29.0": 1.01, "0.30.0": 0.99, "0.31.0": 1.22, "0.32.0": 1.2}


def measure(store: Path, number: int, version: str, slower: float = 1.0, **how) -> Path:
    """Add a run of asyncpg in this version beside psycopg2; where its ratios lie."""
    header = {"started": how.pop("started", f"2031-{number % 12 + 1:02}-02T10:15:00+00:00")}
    arms = how.pop("arms", [fake_runs.arm_facts("asyncpg", version=version),
                            fake_runs.arm_facts("psycopg2")])  # fmt: skip
    run = fake_runs.bench(
        run=f"run-{number}", seed=number, rows=COPY, rounds=how.pop("rounds", 8), slices=6,
        arms=arms, factor=how.pop("factor", {"asyncpg": slower}), **how,
    )  # fmt: skip
    run = replace(run, header=replace(run.header, **header))
    place, _ = adding.add(run, store)
    return store / "ratios" / place.folder / f"run-{number}.parquet"


def summarise(store: Path) -> None:
    for place in places.partitions(store / "ratios"):
        adding.summarise(store, place)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A run for each version."""
    made = tmp_path / "store"
    for number, (version, slower) in enumerate(SPEED.items()):
        measure(made, number, version, slower)
    return made


def only(trend: Trend) -> TrendSeries:
    (series,) = [series for series in trend.series if series.arm == "asyncpg"]
    return series


def ratios(trend: Trend) -> list[tuple[str, float]]:
    points = [point for series in trend.series for point in series.points]
    return [(point.label, point.ratio.point) for point in points]


# --- what a trend says ----------------------------------------------------------------


def test_the_version_in_which_a_driver_got_slower(store: Path) -> None:
    trend = build(store, TrendRequest("copy/in"))
    series = only(trend)
    assert trend.by == "version"
    assert [point.label for point in series.points] == list(SPEED)
    (change,) = series.changes
    assert change.label == "0.31.0"
    assert math.exp(change.step.shift.point) == pytest.approx(1.21, abs=0.03)
    assert trend.exit_code == 0


def test_the_control_is_the_arm_that_most_runs_share(tmp_path: Path) -> None:
    for number, name in enumerate(["psqlpy", "psycopg2", "psycopg2"]):
        arms = [fake_runs.arm_facts("asyncpg"), fake_runs.arm_facts(name)]
        measure(tmp_path, number, "", arms=arms)
    assert build(tmp_path, TrendRequest("copy")).control.name == "asyncpg"
    control = build(tmp_path, TrendRequest("copy", control="psycopg2")).control
    assert (control.name, control.reason) == ("psycopg2", "as named")


def test_a_control_that_is_not_asked_about_and_keeps_its_version(store: Path) -> None:
    control = build(store, TrendRequest("copy")).control
    assert control.name == "psycopg2"
    assert control.reason == "the arm that most runs share, 5 of 5"


def test_a_machine_that_got_slower_is_no_change(tmp_path: Path) -> None:
    """A raw time would have doubled."""
    for number in range(8):
        slow = {"asyncpg": 1 + (number > 3), "psycopg2": 1 + (number > 3)}
        measure(tmp_path, number, "0.30.0", factor=slow)
    trend = build(tmp_path, TrendRequest("copy", by="date", control="psycopg2"))
    assert len(only(trend).points) == 8
    assert not only(trend).changes


def test_machines_are_never_mixed(tmp_path: Path) -> None:
    other = replace(fake_runs.MACHINE, cpu="another", hostname_hash="1")
    for number in range(10):
        machine, slower = (other, 1.5) if number % 2 else (fake_runs.MACHINE, 1.0)
        measure(tmp_path, number, "0.30.0", slower, machine=machine)
    trend = build(tmp_path, TrendRequest("copy", by="date", control="psycopg2"))
    assert [machine.runs for machine in trend.machines] == [5, 5]
    assert not [series for series in trend.series if series.changes]
    key = other.key
    (machine,) = build(tmp_path, TrendRequest("copy", machine=key[:4])).machines
    assert machine.machine == key
    assert machine.about == "another, 2 cores, Linux"


def test_versions_as_arms_of_one_run(tmp_path: Path) -> None:
    """The control is one of the versions, and a point like the others."""
    versions = ("0.9.0", "0.10.0", "0.11.0", "0.12.0", "0.13.0")
    arms = [fake_runs.arm_facts(f"asyncpg=={it}", version=it) for it in versions]
    measure(tmp_path, 1, "", arms=arms, factor=None)
    series = only(build(tmp_path, TrendRequest("copy", control="asyncpg==0.9.0")))
    assert [point.label for point in series.points] == list(versions)
    assert series.points[0].ratio.point == 0
    assert series.enough


def test_what_else_changed_stands_beside_a_change(tmp_path: Path) -> None:
    newer = replace(fake_runs.SERVER, version="18.5")
    for number in range(8):
        late = number > 3
        server = newer if late else fake_runs.SERVER
        measure(tmp_path, number, "0.30.0", 1.2 if late else 1, server=server)
    (change,) = only(
        build(tmp_path, TrendRequest("copy", by="date", control="psycopg2"))
    ).changes
    assert change.also == ("PostgreSQL 18.4 → 18.5",)


def test_six_runs_of_a_version_are_its_replicates(tmp_path: Path) -> None:
    for number in range(7):
        started = f"2031-03-02T10:{number:02}:00+00:00"
        measure(tmp_path, number, "0.30.0", 1 + number / 100, started=started)
    asked = TrendRequest("copy", by="version", control="psycopg2")
    point = only(build(tmp_path, asked)).points[0]
    assert len(point.runs) == point.ratio.n == 7
    assert point.ratio.low is not None


def test_versions_follow_their_numbers() -> None:
    found = ["0.10.0", "unknown", "0.9.0", "0.10.0rc1", "0.10.0.post1"]
    assert sorted(found, key=version_key) == [
        *("unknown", "0.9.0", "0.10.0rc1", "0.10.0", "0.10.0.post1")
    ]


@pytest.mark.parametrize(
    ("identity", "series"),
    [
        ("asyncpg", "asyncpg"),
        ("asyncpg+uvloop==0.31.0", "asyncpg+uvloop"),
        ("psycopg+binary==3.2.9%3.12", "psycopg+binary%3.12"),
        ("psycopg@../check+out", "psycopg"),
        ("psycopg@../clone#main%3.14t", "psycopg%3.14t"),
        ("asyncpg (A/A)", "asyncpg (A/A)"),
    ],
)
def test_a_series_is_an_arm_without_its_version(identity: str, series: str) -> None:
    assert series_of(fake_runs.arm_facts(identity)) == series


def test_commits_follow_each_other_as_they_were_measured(tmp_path: Path) -> None:
    commits = [f"{number}" * 40 for number in (7, 3, 9, 1)]
    for number, commit in enumerate(commits):
        built = fake_runs.arm_facts(f"asyncpg@../clone#{commit[:7]}", version="0.33.dev0")
        built = replace(built, source=f"commit {commit}", python="3.13.1")
        measure(tmp_path, number, "", arms=[built, fake_runs.arm_facts("psycopg2")])
    trend = build(tmp_path, TrendRequest("copy", by="commit", control="psycopg2"))
    assert [point.label for point in only(trend).points] == [it[:12] for it in commits]
    assert only(trend).points[0].values("python") == {"3.13.1"}
    assert trend.exit_code == 0


def test_a_driver_of_several(store: Path) -> None:
    arms = [fake_runs.arm_facts(name) for name in ("asyncpg", "psqlpy", "psycopg2")]
    measure(store, 9, "", arms=arms)
    trend = build(store, TrendRequest("copy", drivers=["psqlpy"], control="psycopg2"))
    assert {series.arm for series in trend.series} == {"psqlpy"}


@pytest.mark.parametrize(
    ("since", "until", "months"),
    [("2031-03", "", 3), ("", "2031-02", 2), ("2031-02-02", "2031-04-01", 2)],
)
def test_months_and_days(store: Path, since: str, until: str, months: int) -> None:
    trend = build(store, TrendRequest("copy", since=since, until=until, by="date"))
    assert len(only(trend).points) == months


# --- too little, and what is not there ------------------------------------------------


def test_too_few_points_are_inconclusive(tmp_path: Path) -> None:
    for number in range(3):
        measure(tmp_path, number, "0.30.0", 1 + number)
    trend = build(tmp_path, TrendRequest("copy", by="date"))
    assert trend.exit_code == 3
    assert "inconclusive: 3 dates at most, and a change point needs 4" in shown.text(trend)


def test_no_commit_is_told(store: Path) -> None:
    trend = build(store, TrendRequest("copy", by="commit"))
    assert trend.exit_code == 3
    assert "no run says a commit" in shown.text(trend)


@pytest.mark.parametrize(
    ("asked", "kind", "words", "hint"),
    [
        (TrendRequest("copy/inn"), UsageError, "no cell 'copy/inn'", "copy"),
        (TrendRequest("copy", control="nobody"), UsageError, "no arm 'nobody'", "psycopg2"),
        (
            TrendRequest("copy", drivers=["nobody"]),
            UsageError,
            "no arm 'nobody'",
            "asyncpg",
        ),
        (
            TrendRequest("copy", machine="zz"),
            ResultsError,
            "no run of this machine",
            "--machine",
        ),
        (TrendRequest("copy", since="2040-01"), ResultsError, "no run of this", "--since"),
    ],
)
def test_what_is_not_there(store: Path, asked, kind, words, hint) -> None:
    with pytest.raises(kind, match=words) as error:
        build(store, asked)
    assert hint in error.value.hint


def test_no_store(tmp_path: Path) -> None:
    ended = command("trend", "copy", "--store", tmp_path / "none")
    assert (ended.code, ended.out) == (4, "")
    assert "there is no store" in ended.err
    assert "pgdyno store add" in ended.err


def test_a_control_must_be_a_single_arm_of_each_run(tmp_path: Path) -> None:
    arms = [fake_runs.arm_facts(f"asyncpg=={version}", version=version)
            for version in ("0.30.0", "0.31.0")]  # fmt: skip
    measure(tmp_path, 1, "", arms=arms)
    with pytest.raises(UsageError, match="more than one arm of a run") as error:
        build(tmp_path, TrendRequest("copy", control="asyncpg"))
    assert "asyncpg==0.31.0" in error.value.hint


# --- broken stores --------------------------------------------------------------------


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def foreign(path: Path) -> None:
    pq.write_table(pa.table({"cell": [1], "a": ["b"]}), path)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def no_file(path: Path) -> None:
    path.unlink()
    path.mkdir()


def nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def rewritten(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    table = pq.read_table(path, partitioning=None)
    pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), path)


def with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


def lacking_column(path: Path) -> None:
    rewritten(path, lambda table: table.drop_columns(["low"]))


def lacking_text(path: Path) -> None:
    rewritten(path, lambda table: table.drop_columns(["control"]))


def other_type(path: Path) -> None:
    rewritten(path, lambda t: with_column(t, "log_ratio", pa.array(["x"] * len(t))))


def not_a_number(path: Path) -> None:
    rewritten(path, lambda t: with_column(t, "log_ratio", pa.array([math.nan] * len(t))))


def gaps(path: Path) -> None:
    nothing = pa.nulls
    rewritten(path, lambda t: with_column(t, "started", nothing(len(t), t["started"].type)))


NO_FILES = [nowhere, pipe]
OTHER_COLUMNS = [lacking_column, lacking_text, other_type, not_a_number, gaps]


@pytest.mark.parametrize(
    "spoil", [truncate, foreign, emptied, no_file, *NO_FILES, *OTHER_COLUMNS]
)
@pytest.mark.parametrize("summarised", [False, True])
def test_a_broken_file_is_named_and_the_others_are_drawn(
    store: Path, spoil, summarised: bool
) -> None:
    path = measure(store, 5, "0.33.0", 1.2)
    if summarised:
        summarise(store)
    spoil(path)
    trend = build(store, TrendRequest("copy"))
    assert [point.label for point in only(trend).points] == list(SPEED)
    assert [name for name, _ in trend.broken] == [str(path)]
    assert trend.exit_code == 4
    assert path.name in "".join(shown.text(trend).split())
    summarise(store)
    assert build(store, TrendRequest("copy")).broken == trend.broken


def test_a_copy_under_another_name_does_not_count_twice(store: Path) -> None:
    path = measure(store, 5, "0.33.0")
    shutil.copy(path, path.with_name("copy.parquet"))
    ((name, why),) = build(store, TrendRequest("copy")).broken
    assert name.endswith("copy.parquet")
    assert "another run than its name says" in why


def test_what_is_still_written_is_passed_over(store: Path) -> None:
    path = measure(store, 5, "0.33.0")
    path.with_name(".run-6.parquet.ab12.tmp").write_bytes(b"half")
    path.with_name("notes.txt").write_text("mine")
    assert not build(store, TrendRequest("copy")).broken


# --- the summary ----------------------------------------------------------------------


def summaries(store: Path) -> list[Path]:
    return sorted((store / places.SUMMARY).rglob("*.parquet"))


def test_a_summary_says_the_same(store: Path) -> None:
    before = ratios(build(store, TrendRequest("copy")))
    summarise(store)
    assert len(summaries(store)) == 5
    assert ratios(build(store, TrendRequest("copy"))) == before


def test_with_a_summary_no_file_of_a_run_is_opened(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summarise(store)
    monkeypatch.setattr(summary.Month, "_of_run", None)
    assert len(ratios(build(store, TrendRequest("copy")))) == 5


@pytest.mark.parametrize("spoil", [truncate, foreign, emptied, Path.unlink])
def test_a_lost_summary_loses_nothing(store: Path, spoil) -> None:
    before = ratios(build(store, TrendRequest("copy")))
    summarise(store)
    for path in summaries(store):
        spoil(path)
    assert ratios(build(store, TrendRequest("copy"))) == before


def test_a_run_that_came_went_or_changed_is_seen(store: Path) -> None:
    started = "2031-03-09T10:15:00+00:00"
    gone = measure(store, 6, "0.33.0", started=started)
    changed = measure(store, 7, "0.34.0", started=started)
    summarise(store)
    gone.unlink()
    measure(store, 7, "0.35.0", started=started)
    measure(store, 8, "0.36.0", started=started)
    labels = [label for label, _ in ratios(build(store, TrendRequest("copy")))]
    assert labels == [*SPEED, "0.35.0", "0.36.0"]
    assert changed.exists()
    summarise(store)
    assert [label for label, _ in ratios(build(store, TrendRequest("copy")))] == labels


def test_a_reader_takes_the_groups_of_its_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "_GROUP", 30)
    arms = [fake_runs.arm_facts(name) for name in ("asyncpg", "psqlpy", "psycopg2")]
    for number in range(10):
        run = fake_runs.bench(run=f"r{number}", arms=arms, rounds=6, slices=3, seed=number)
        place, _ = adding.add(run, tmp_path)
    adding.summarise(tmp_path, place)
    (path,) = summaries(tmp_path)
    groups = pq.ParquetFile(path).metadata
    wanted = summary.Wanted(cell="point/by-key#one-row")
    reached = [wanted.reaches(groups.row_group(n)) for n in range(groups.num_row_groups)]
    assert 1 < sum(reached) <= 3 < len(reached)
    month = summary.Month(tmp_path, place)
    assert sum(1 for _ in month.rows(wanted)) == 10 * 6


# --- change points --------------------------------------------------------------------


def estimates(values: Sequence[float], sure: bool, sd: float = 0.02) -> list[Estimate]:
    half = 1.96 * sd if sure else None
    return [
        Estimate(value, *((value - half, value + half) if half else (None, None)), 6, None)
        for value in values
    ]


def steps(values: Sequence[float], *, sure=True, lone=True, shared=False) -> list[int]:
    found = changes.levels(
        estimates(values, sure), threshold=0.03, lone=lone, shared=shared
    )[1]
    return [step.at for step in found]


@pytest.mark.parametrize("count", [4, 8, 30, 200])
@pytest.mark.parametrize("lone", [True, False])
@pytest.mark.parametrize("sure", [True, False])
def test_false_alarms_are_nominal(count: int, lone: bool, sure: bool) -> None:
    rng = random.Random(f"{count} {lone} {sure}")
    series = [[rng.gauss(0, 0.02) for _ in range(count)] for _ in range(300)]
    alarms = sum(bool(steps(values, sure=sure, lone=lone)) for values in series)
    assert alarms <= (0.05 if sure else 0.11) * len(series)


@pytest.mark.parametrize(("count", "lone"), [(12, True), (12, False), (100, False)])
def test_a_step_of_five_deviations_is_found_where_it_is(count: int, lone: bool) -> None:
    rng = random.Random(count)
    half = count // 2
    found = 0
    for _ in range(100):
        values = [rng.gauss(0.1 * (at >= half), 0.02) for at in range(count)]
        found += any(abs(place - half) <= 1 for place in steps(values, lone=lone))
    assert found >= 95


def test_a_single_date_is_an_accident_and_a_single_version_is_not() -> None:
    values = [0.0, 0.002, -0.001, 0.001, 0.0, 0.25, 0.001, 0.0, -0.002, 0.001]
    assert steps(values, lone=False) == []
    assert steps(values, lone=True) == [5, 6]


def test_the_newest_version_can_be_the_change() -> None:
    assert steps([0, 0.001, 0, 0.002, 0.2], shared=True) == [4]


def test_a_step_below_the_threshold_is_none() -> None:
    values = [0.0] * 20 + [0.02] * 20
    assert not changes.levels(estimates(values, True, 1e-4), threshold=0.03, lone=False,
                              shared=False)[1]  # fmt: skip
    assert changes.levels(estimates(values, True, 1e-4), threshold=0.01, lone=False,
                          shared=False)[1]  # fmt: skip


def test_equal_points_have_no_change() -> None:
    assert steps([0.0] * 10) == []


# --- drawings -------------------------------------------------------------------------


def test_the_terminal_is_80_columns_wide_and_concludes_last(store: Path) -> None:
    text = shown.text(build(store, TrendRequest("copy")))
    assert max(map(len, text.splitlines())) <= 80
    assert text.splitlines()[-1] == "exit 0"
    assert "1 change in 1 trend\n  asyncpg +" in text
    assert "control  psycopg2, the arm that most runs share, 5 of 5" in text


def test_many_points_are_shown_as_levels(tmp_path: Path) -> None:
    for number in range(16):
        started = f"2031-03-{number + 1:02}T10:00:00+00:00"
        slower = 1 if number < 8 else 1.2
        measure(tmp_path, number, "0.30.0", slower, started=started)
    text = shown.text(build(tmp_path, TrendRequest("copy", by="date")))
    assert "2031-03-01 …" in text
    assert "2031-03-09 …" in text
    assert "2031-03-10" not in text


def test_the_command_draws_and_tells_programs(store: Path, tmp_path: Path) -> None:
    for suffix in ("png", "html"):
        out = tmp_path / "drawn" / f"trend.{suffix}"
        ended = command("trend", "copy/in", "--store", store, "--out", out,
                        "--format", "json")  # fmt: skip
        assert (ended.code, ended.err) == (0, "")
        assert out.stat().st_size > 5000
    told = json.loads(ended.out)
    (series,) = told["machines"][0]["series"]
    assert [point["label"] for point in series["points"]] == list(SPEED)
    assert series["changes"][0]["at"] == "0.31.0"
    assert series["changes"][0]["ratio"] == pytest.approx(1.21, abs=0.03)


def test_the_same_store_gives_the_same_drawings(store: Path) -> None:
    first, second = (build(store, TrendRequest("copy")) for _ in range(2))
    assert trend_png.render(first) == trend_png.render(second)
    assert trend_png.render(first).startswith(b"\x89PNG")
    assert trend_html.render(first) == trend_html.render(second)


def test_a_page_escapes_what_runs_say(tmp_path: Path) -> None:
    for number in range(4):
        measure(tmp_path, number, f"1.{number}<script>", machine=replace(
            fake_runs.MACHINE, cpu="<b>$x$</b>"))  # fmt: skip
    trend = build(tmp_path, TrendRequest("copy"))
    page = trend_html.render(trend)
    assert "<script" not in page
    assert "<b>$x$" not in page
    assert trend_png.render(trend)


@pytest.mark.parametrize("out", ["trend.svg", "trend"])
def test_other_drawings_are_refused(out: str) -> None:
    ended = command("trend", "copy", "--out", out)
    assert ended.code == 2
    assert "neither in .png nor in .html" in ended.err


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-02-31", "2026", "٢٠٢٦-03", "0000-01", ""]
)
def test_what_is_no_month_and_no_day_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="neither a month"):
        date(text)


def test_an_empty_name_is_no_cell() -> None:
    with pytest.raises(ArgumentTypeError, match="it is empty"):
        cell("  ")
