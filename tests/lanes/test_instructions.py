"""Instructions: what callgrind writes, what is made of it, and one real count."""

from __future__ import annotations

import math
from pathlib import Path

import fake_runs
import pytest
from fake_runs import counted, counts
from helpers import Silent
from msgspec.structs import replace

from harness import scenario
from harness.analysis import compare
from harness.analysis.changes import Answer, CellChange
from harness.bench import orders, schedule
from harness.cli.main import main
from harness.core.arms import Arm
from harness.core.errors import EXIT_INVALID, OracleError
from harness.core.verdicts import Change
from harness.lanes.instructions import callgrind, comparison
from harness.lanes.instructions import run as instructions
from harness.lanes.instructions.callgrind import SliceCount
from harness.lanes.instructions.meaning import arm_instructions, slope, spread, syscalls
from harness.lanes.instructions.record import Count
from harness.render import comparison as shown
from harness.render import comparison_markdown, html, markdown, text
from harness.report import view
from harness.results import store
from harness.results.records import Run

PART = b"""version: 1
creator: callgrind-3.19.0
part: {part}
desc: Trigger: --dump-before=getrusage
events: Ir sysCount sysTime
fn=(1) main
16 400
totals: %d
"""
CELL = "point/by-key#one-row"
POINT = "query/point#fetch-one"
needs_valgrind = pytest.mark.skipif(
    bool(callgrind.why_not()), reason=callgrind.why_not() or "valgrind is here"
)


# --- callgrind's file -------------------------------------------------------------------


def test_every_part_has_a_total():
    written = PART % 400 + b"totals: 43 5 6\n" + b"totals: 7 8"
    assert callgrind.part_totals(written) == [
        SliceCount(400),
        SliceCount(43, 5),
        SliceCount(7, 8),
    ]
    assert callgrind.part_totals(b"fn=(1) totals: 5\n") == []


def test_a_slice_is_the_second_part_since_the_last_look(tmp_path: Path):
    file = tmp_path / "callgrind.out"
    meter = callgrind.Meter(tmp_path)
    meter.skip()  # before there is a file
    file.write_bytes(PART % 1)
    meter.skip()
    file.write_bytes(PART % 1 + PART % 22 + PART % 333)
    assert meter.slice() == SliceCount(333)


def test_a_slice_without_its_parts_is_no_number(tmp_path: Path):
    meter = callgrind.Meter(tmp_path)
    meter.skip()
    with pytest.raises(OracleError, match="wrote 0 parts"):
        meter.slice()


# --- how much is counted ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("cycle", "instructions_", "low", "high"),
    [
        (20, 1_100_000, 160, 640),  # a point query
        (20, 1_120_000, 160, 640),  # a little dearer: the same slices
        (1, 500_000_000, 1, 2),  # one op is beyond the budget
    ],
)
def test_sizes_of_slices(cycle, instructions_, low, high):
    assert instructions.sizes(cycle, instructions_) == instructions.Sizes(low, high)


# --- runs that were made up -------------------------------------------------------------


def test_the_slope_is_what_an_op_costs():
    (count,) = counts("asyncpg", 1_000, repeats=1)
    assert slope(count) == 1_000
    assert slope(replace(count, high_ops=0, high_instructions=0)) is None
    assert syscalls(count) == 2
    assert syscalls(replace(count, low_syscalls=0, high_syscalls=0)) is None
    assert spread([100.0, 101.0]) == pytest.approx(0.01)


def test_a_verdict_in_one_repeat_forbids_the_number():
    found = counts("asyncpg", 1_000)
    found[1] = Count(
        cell=CELL, arm="asyncpg", repeat=1, judgement=fake_runs.judged("lossy", "why")
    )
    side = arm_instructions(counted("a", found))[CELL, "asyncpg"]
    assert (side.verdict, side.detail, side.number) == ("lossy", "why", None)


def one(base: Run, candidate: Run, **options: object) -> CellChange:
    (row,) = [
        row
        for row in comparison.compare(base, candidate, **options).changes
        if row.arm.startswith("asyncpg")
    ]
    return row


@pytest.mark.parametrize(
    ("factor", "change"),
    [
        (1.0, Change.SAME),
        (1.002, Change.SAME),
        (1.005, Change.REGRESSED),
        (0.995, Change.IMPROVED),
    ],
)
def test_half_a_per_cent_is_found(factor, change):
    base = counted("a", counts("asyncpg", 100_000))
    row = one(base, counted("b", counts("asyncpg", 100_000 * factor)))
    assert row.change is change
    assert math.exp(row.shift.point) == pytest.approx(factor, rel=1e-4)


def test_repeats_on_both_sides_of_the_threshold_are_inconclusive():
    base = counted("a", counts("asyncpg", 100_000, noise=0.01))
    row = one(base, counted("b", counts("asyncpg", 100_001, noise=0.01)))
    assert row.change is Change.INCONCLUSIVE
    assert row.shift.low < 0 < row.shift.high
    assert row.spread > 0.001


def test_one_repeat_is_too_few():
    single = counted("b", counts("asyncpg", 200_000, repeats=1))
    row = one(counted("a", counts("asyncpg", 100_000)), single)
    assert (row.change, row.reason) == (
        Change.INCONCLUSIVE,
        "3 and 1 repeats; 2 are needed",
    )


def test_a_number_that_was_lost_regressed():
    lost = Count(
        cell=CELL, arm="asyncpg", repeat=0, judgement=fake_runs.judged("crashed", "gone")
    )
    row = one(counted("a", counts("asyncpg", 100_000)), counted("b", [lost]))
    assert (row.change, row.reason) == (Change.REGRESSED, "was exact, is crashed: gone")


def test_what_is_not_comparable_is_no_pass():
    base = counted("a", counts("asyncpg", 100_000))
    other = [
        replace(each, judgement=fake_runs.judged("differs"))
        for each in counts("asyncpg", 100_000)
    ]
    found = comparison.compare(base, counted("b", other))
    assert (found.answer, found.exit_code) == (Answer.INVALID, EXIT_INVALID)


def test_two_arms_of_one_run():
    run = counted("a", counts("asyncpg", 100), counts("psqlpy", 200))
    row = one(run, run, base_arm="asyncpg", candidate_arm="psqlpy")
    assert (row.arm, row.change) == ("asyncpg → psqlpy", Change.REGRESSED)


def test_another_python_or_counter_is_not_comparable_and_another_machine_is():
    base = counted("a", counts("asyncpg", 100))
    machine = base.header.machine
    python = counted("b", counts("asyncpg", 100), machine=replace(machine, python="3.14.0"))
    newer = [replace(each, counter="valgrind-3.99.0") for each in counts("asyncpg", 100)]
    other = replace(machine, hostname_hash="other", cpu="another", cores=64)
    assert comparison.compare(base, python).exit_code == EXIT_INVALID
    assert comparison.compare(base, counted("b", newer)).exit_code == EXIT_INVALID
    elsewhere = counted("b", counts("asyncpg", 100), machine=other)
    found = comparison.compare(base, elsewhere)
    assert found.exit_code == 0
    assert any("different processors" in line for line in found.warnings)


def test_times_and_counts_are_not_comparable():
    times = fake_runs.bench(run="a", seed=1, rows=fake_runs.CELLS[:1])
    found = compare.compare(times, counted("b", counts("asyncpg", 100)))
    assert found.exit_code == EXIT_INVALID
    assert "different lanes" in found.invalid[0]


def test_a_comparison_states_the_spread():
    base = counted("a", counts("asyncpg", 100_000))
    found = comparison.compare(base, counted("b", counts("asyncpg", 101_000)))
    for rendered in (shown.text(found), comparison_markdown.render(found)):
        assert "spread" in rendered.lower()
        assert "+1.00 %" in rendered
        assert "95 %" not in rendered
    assert '"base_instructions": 100000.0' in shown.json(found)


def test_a_report_shows_counts_and_reasons():
    skipped = Count(
        cell=CELL, arm="psqlpy", repeat=0, judgement=fake_runs.judged("skipped", "<why>")
    )
    run = counted("a", counts("asyncpg", 50_000), counts("psycopg", 100_000), [skipped])
    report = view.build([run])
    for rendered in (html.render(report), markdown.render(report), text.render(report)):
        assert "2.00×" in rendered
        assert "skipped" in rendered
        assert "syscalls" in rendered
    assert "&lt;why&gt;" in html.render(report)
    assert "50,000" in html.render(report)
    assert '<td class="num">2.00</td>' in html.render(report)
    assert report.runs[0].subject == "Instructions"


# --- for real ---------------------------------------------------------------------------


def run_lane(place, tmp_path: Path, cells: list[str], arms: list[Arm]) -> Run:
    scenarios, chosen = scenario.select_cells(cells)
    plan = schedule.Plan(1, 1, 1, 1, 1.0, 0, 0, repeats=2)
    out = tmp_path / "run.jsonl"
    order = orders.Order(scenarios, chosen, arms, plan, "quick", 1, "instructions")
    orders.measure(place, order, out, Silent(), pytest.fail)
    return store.read(out)


# Nothing is registered: to import NumPy for it would take seconds under valgrind.
BURDENED = [Arm("psycopg2", profile="default", burden=burden) for burden in (0.0, 0.05)]


@pytest.fixture(scope="module")
def burdened(place, tmp_path_factory) -> Run:
    """A driver, and itself with a burden: under valgrind each count takes seconds."""
    return run_lane(place, tmp_path_factory.mktemp("counts"), [POINT], BURDENED)


@needs_valgrind
def test_one_driver_is_counted(burdened: Run):
    assert burdened.footer.counts == 2 * len(BURDENED)
    side = arm_instructions(burdened)[POINT, BURDENED[0].id]
    assert side.verdict == "exact"
    assert 10_000 < side.number < 1_000_000
    assert side.spread < 0.005  # a busy machine cuts answers into more reads
    assert side.syscalls is None or 1 < side.syscalls < 20


@needs_valgrind
def test_a_burden_is_counted(burdened: Run):
    plain, heavier = (arm_instructions(burdened)[POINT, arm.id] for arm in BURDENED)
    assert heavier.number / plain.number == pytest.approx(1.05, abs=0.005)
    assert [each.arm for each in burdened.of(Count)].count(BURDENED[1].id) == 2


def test_without_valgrind_all_is_skipped_with_the_reason(place, tmp_path, monkeypatch):
    monkeypatch.setattr(callgrind.shutil, "which", lambda _: None)
    run = run_lane(place, tmp_path, [POINT], [Arm("psycopg2"), Arm("asyncpg")])
    assert [each.arm for each in run.of(Count)] == ["psycopg2", "asyncpg"]
    assert {each.verdict for each in run.of(Count)} == {"skipped"}
    assert all("valgrind is not installed" in each.detail for each in run.of(Count))


def test_a_dry_run_tells_repeats(capsys):
    arguments = ["bench", POINT, "--lane", "instructions", "--dry-run"]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert "rounds: 3 repeats" in told
    assert "A/A" not in told


def test_open_loops_are_not_counted():
    _, cells = scenario.select_cells(["arrivals"])
    assert cells
    assert all("rate of arrivals" in instructions.why_not(cell) for cell in cells)
