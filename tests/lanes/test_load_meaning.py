"""What is derived from many clients, and how a report shows it: simulated, no process."""

from __future__ import annotations

import math
from functools import cache

import fake_runs
import load_runs
import pytest
from load_runs import CLOSED, SWEEP, looped, swept
from msgspec.structs import replace

from harness.core.verdicts import Code, Judgement, Verdict
from harness.lanes.load import meaning
from harness.lanes.load.record import Load
from harness.lanes.load.view import view as load_view
from harness.render import curves, curves_png, html, markdown, png, text
from harness.report import view
from harness.report.curves import CurvePoint, DriverCurve
from harness.report.numbers import numbers
from harness.results.records import Run, changed
from studies.queues import Queue

US = 1_000


def noisy(capacity: float, servers: int = 1) -> Queue:
    return Queue(capacity, servers, between=0.02, within=0.01)


@cache
def usual() -> Run:
    """Two kinds of clients; one never saturates, one is beyond from the beginning."""
    return swept(
        {
            "psycopg": noisy(1_600),
            "psycopg2": noisy(1_590),
            "asyncpg": noisy(9_000),
            "psycopg-async": noisy(1_200),
            "psqlpy": noisy(300),
        }
    )


def loads(run: Run) -> dict[str, meaning.ArmLoad]:
    return {arm: load for (_, arm), load in meaning.arm_loads(run).items()}


def record(**values: object) -> Load:
    given = {
        "cell": f"{SWEEP}@rate=500",
        "arm": "asyncpg",
        "repeat": 0,
        "judgement": fake_runs.judged(),
        "processes": 2,
        "sessions": 2,
        "rate": 500.0,
        "planned_ns": 2_000_000 * US,
        "wall_ns": 2_000_010 * US,
        "lag_ns": [0] * 1_000,
        "response_ns": [n * US for n in range(1_000, 0, -1)],
        **values,
    }
    return Load(**given)  # type: ignore[arg-type]


def only(*records: Load) -> meaning.LoadPoint:
    cells = [load_runs.open_cell(500)]
    run = load_runs.run_of(["asyncpg"], cells, list(records))
    (load,) = meaning.arm_loads(run).values()
    (point,) = load.points
    return point


# --- one rate -----------------------------------------------------------------------------


def test_quantiles_are_those_of_all_ops_of_a_repeat():
    point = only(record())
    assert [found.point for found in point.response if found] == pytest.approx(
        [500 * US, 900 * US, 990 * US, 999 * US]
    )
    assert point.achieved.point == pytest.approx(1_000 / 2.00001)


def test_a_quantile_that_so_few_ops_cannot_have_is_none():
    few = record(response_ns=[US] * 200, lag_ns=[0] * 200)
    assert [found is None for found in only(few).response] == [False, False, False, True]


@pytest.mark.parametrize(
    ("late_ops", "lag_us", "valid"), [(11, 51, False), (11, 50, True), (10, 900, True)]
)
def test_a_rate_does_not_count_if_p99_of_the_lag_exceeds_a_tenth_of_p50(
    late_ops: int, lag_us: int, valid: bool
):
    lag = [lag_us * US] * late_ops + [0] * (1_000 - late_ops)
    assert only(record(lag_ns=lag)).valid is valid


def test_a_late_repeat_alone_does_not_decide():
    late = [900 * US] * 1_000
    repeats = [record(repeat=n, lag_ns=late if n == 0 else [0] * 1_000) for n in range(3)]
    assert only(*repeats).valid


# --- the knee -----------------------------------------------------------------------------


def test_the_knee_is_the_capacity_with_an_interval():
    found = loads(usual())["psycopg"]
    assert found.capacity is not None
    assert found.capacity.low is not None
    assert found.capacity.low < 1_600 < found.capacity.high
    assert found.knee.keeps_up_to == 1_000
    assert found.number == pytest.approx(1e9 / 1_600, rel=0.05)


def test_a_late_point_is_shown_and_never_used():
    run = swept({"psycopg": noisy(1_600)}, late={("psycopg", 4_000): 10**9})
    found = loads(run)["psycopg"]
    assert [point.valid for point in found.points] == [True, True, True, False]
    without = [held for held in run.of(Load) if held.rate < 4_000]
    again = loads(replace(run, lane_records=without))["psycopg"]
    assert found.capacity == again.capacity
    shown = text.render(view.build([run]))
    assert "psycopg does not count at 4,000/s: the load generator was late" in shown
    assert "1 of 4 points do not count" in shown


def test_where_every_point_is_late_there_is_no_knee():
    late = {("psycopg", rate): 10**9 for rate in load_runs.RATES}
    run = swept({"psycopg": noisy(1_600)}, late=late)
    assert loads(run)["psycopg"].logs == {}
    (row,) = load_view(run).sections[0].tables[0].rows
    assert row.values[1].text == "late"


def test_p99_is_calm_up_to_a_multiple_of_what_it_is_at_the_least_rate():
    found = loads(usual())
    assert found["asyncpg"].calm_up_to == 4_000
    assert found["psycopg"].calm_up_to == 1_000
    assert found["psqlpy"].calm_up_to == 0


def test_who_gives_way_under_overload_is_told_with_an_interval():
    run = swept({"psycopg": noisy(1_600)})
    assert loads(run)["psycopg"].fall is None
    heavy = [
        replace(held, wall_ns=held.wall_ns * 2) if held.rate == 4_000 else held
        for held in run.of(Load)
    ]
    found = loads(replace(run, lane_records=heavy))["psycopg"].fall
    assert found is not None
    assert [point.rate for point in found] == [2_000, 4_000]


@pytest.mark.parametrize("top_repeats", [0, 1])
def test_overload_is_judged_at_rates_that_share_repeats(top_repeats: int):
    """A sweep that rises by itself asks its greatest rate in the first repeat only, and
    there may be none that both it and the best rate had."""
    run = swept({"psycopg": noisy(1_600)})
    top = [
        replace(held, rate=8_000.0, repeat=held.repeat + (0 if top_repeats else 50))
        for held in run.of(Load)
        if held.rate == 4_000 and held.repeat == 0
    ]
    assert loads(replace(run, lane_records=[*run.of(Load), *top]))["psycopg"].fall is None
    heavy = [
        replace(held, wall_ns=held.wall_ns * 2) if held.rate == 4_000 else held
        for held in run.of(Load)
    ]
    found = loads(replace(run, lane_records=[*heavy, *top]))["psycopg"].fall
    assert found is not None
    assert [point.rate for point in found] == [2_000, 4_000]


@pytest.mark.parametrize("verdict", [Verdict.BROKEN, Verdict.REJECTED])
def test_a_verdict_at_one_rate_forbids_the_knee(verdict: Verdict):
    """An error leaves the other rates what they are; a wrong row leaves nothing."""
    told = Judgement(verdict, Code.DESYNC, "answers were another call’s")
    run = load_runs.judged_at(usual(), "psycopg", 2_000, told)
    found = loads(run)["psycopg"]
    rates = [point.rate for point in found.shown]
    assert rates == ([] if verdict is Verdict.BROKEN else [500, 1_000, 4_000])
    assert (found.logs, found.number) == ({}, None)
    row = next(row for row in load_view(run).sections[0].tables[0].rows if not row.values)
    assert row.reason.endswith(f"{verdict}: at 2,000/s: answers were another call’s")


# --- between drivers ----------------------------------------------------------------------


def test_threads_and_tasks_are_never_ranked_together():
    found = meaning.standings(meaning.arm_loads(usual()).values())
    threads = [found[SWEEP, arm] for arm in ("psycopg", "psycopg2")]
    assert {at.best for at in threads} <= {"psycopg", "psycopg2"}
    assert sorted(at.tied for at in threads) == [False, True]  # the best one, and the other
    assert found[SWEEP, "psycopg-async"].alone
    assert (SWEEP, "asyncpg") not in found


def test_a_knee_that_is_lower_for_certain_is_not_tied():
    run = swept({"psycopg": noisy(1_600), "psycopg2": noisy(1_200)})
    found = meaning.standings(meaning.arm_loads(run).values())[SWEEP, "psycopg2"]
    assert not found.tied
    assert found.ratio.point == pytest.approx(0.75, rel=0.05)
    assert found.ratio.high is not None
    assert found.ratio.high < 1


# --- closed loops -------------------------------------------------------------------------


def test_closed_loops_are_ranked_by_their_throughput():
    run = looped({"psycopg": 2_000, "psycopg2": 1_500})
    found = loads(run)
    assert found["psycopg"].capacity is not None
    assert found["psycopg"].capacity.point == pytest.approx(2_000, rel=0.05)
    (section,) = load_view(run).sections
    assert [row.arm for row in section.tables[0].rows] == ["psycopg", "psycopg2"]
    assert section.tables[0].cell == CLOSED
    assert section.tables[0].notes == ("Of each driver: 8 sessions in 2 processes.",)


# --- does it hang together? ---------------------------------------------------------------


def kinds(*records: Load, clients: int = 0) -> list[tuple[str, bool]]:
    made = load_runs.closed_cell(clients) if clients else load_runs.open_cell(500)
    run = load_runs.run_of(
        ["asyncpg"], [made], [replace(held, cell=made.id) for held in records]
    )
    return [(doubt.kind, doubt.grave) for doubt in meaning.doubts(run)]


def test_a_run_that_hangs_together_has_no_doubt():
    assert list(meaning.doubts(usual())) == []
    assert list(meaning.doubts(looped({"psycopg": 2_000}))) == []


def test_what_cannot_be_is_a_grave_doubt():
    assert kinds(record(lag_ns=[2_000 * US] * 1_000)) == [("clock", True)]
    assert kinds(record(wall_ns=US)) == [("clock", True), ("clock", True)]


def test_what_qualifies_numbers_is_told_once_for_all_slots():
    apart = [record(repeat=n, start_spread_ns=10**9) for n in range(3)]
    assert kinds(*apart) == [("start", False)]
    busy = record(cpu_ns=4_000_000 * US)
    assert kinds(busy) == [("busy client", False)]


@pytest.mark.parametrize(
    ("at_work", "found"),
    [(4.0, []), (4.5, [("clients", True)]), (3.5, [("clients", False)])],
)
def test_littles_law_holds_in_closed_loops(at_work: float, found: list[tuple[str, bool]]):
    took = round(1_000_000 * US * at_work / 1_000)
    held = record(rate=0.0, planned_ns=0, lag_ns=[], response_ns=[took] * 1_000,
                  wall_ns=1_000_000 * US)  # fmt: skip
    assert kinds(held, clients=4) == found


# --- what a reader sees -------------------------------------------------------------------


def test_the_text_fits_a_terminal_and_says_where_each_knee_lies():
    shown = text.render(view.build([usual()]))
    assert max(map(len, shown.splitlines())) <= 80
    assert "> 4,000" in shown
    assert "< 500" in shown
    assert "highest of tasks: asyncpg, no knee up to 4,000/s" in " ".join(shown.split())


def test_programs_get_knees_with_intervals_and_rates_by_cell():
    (shown,) = view.build([usual()]).runs
    found = {(n.cell, n.arm, n.metric): n for n in numbers(shown)}
    knee = found[SWEEP, "psycopg", "knee_ops_per_s"]
    assert knee.low is not None
    assert knee.low < 1_600 < knee.high
    achieved = found[f"{SWEEP}@rate=4000", "asyncpg", "ops_per_s"]
    assert achieved.estimate == pytest.approx(4_000, rel=0.1)


def test_every_format_draws_it():
    late = {("psycopg", 500.0): 10**8}
    run = swept({"psycopg": noisy(1_600), "asyncpg": noisy(9_000)}, late=late)
    report = view.build([run])
    page = html.render(report)
    assert page.count('class="curves"') == 1
    assert page.count('class="o"') == 3  # p50, p99 and what was achieved, all hollow
    assert page.count('class="k"') == 2  # the knee, in both panels
    assert list(png.render(report)) == ["curves.png"]
    assert "### Saturation" in markdown.render(report)


def test_a_chart_has_hollow_points_apart_from_its_lines():
    late = {("psycopg", 500.0): 10**8}
    (chart,) = view.build([swept({"psycopg": noisy(1_600)}, late=late)]).runs[0].charts
    response, achieved = curves.drawn(chart)
    assert [len(line.path.split()) for line in (*response.lines, *achieved.lines)] == [
        3
    ] * 3
    assert [dot.counts for dot in achieved.lines[0].dots] == [False, True, True, True]
    (mark,) = achieved.marks
    assert mark.low < mark.x < mark.high
    assert len(achieved.diagonal.split()) == 4


def test_names_with_markup_stay_text():
    run = swept({"psycopg": noisy(1_600)})
    cells = [replace(cell, title="<b>$x$") for cell in run.header.cells]
    report = view.build([replace(run, header=replace(run.header, cells=cells))])
    assert "<b>$x$" not in html.render(report)
    made = curves_png.figure(report.runs[0].charts, lambda _: ("#000000", "o"))
    assert r"<b>\$x\$" in [written.get_text() for written in made.texts]


def test_an_axis_of_many_rates_has_round_marks():
    chart_rates = [500 * 1.5**n for n in range(9)]
    (chart,) = view.build([swept({"psycopg": noisy(900)}, rates=chart_rates,
                                 seconds=0.05)]).runs[0].charts  # fmt: skip
    assert len(chart.xs) == 9
    assert all(math.log10(tick / 5) % 1 < 1e-9 or tick in (1_000, 2_000, 10_000)
               for tick in chart.ticks())  # fmt: skip
    assert isinstance(chart.panels[0].curves[0], DriverCurve)
    assert isinstance(chart.panels[0].curves[0].points[0], CurvePoint)


def test_markdown_tells_the_reason_of_a_sweep_once_in_a_section():
    run = usual()
    cells = [
        changed(cell, why="Each client needs its own rows.") for cell in run.header.cells
    ]
    told = markdown.render(
        view.build([replace(run, header=replace(run.header, cells=cells))])
    )
    sections = told.split("\n### ")
    assert max(part.count("Each client needs its own rows.") for part in sections) == 1
