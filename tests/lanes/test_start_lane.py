"""What is derived from first uses and imports, and how a report shows it: no process."""

from __future__ import annotations

import random

import pytest
from fake_runs import CELLS as ROWS
from fake_runs import arm_facts, bench, cell_facts, judged
from msgspec.structs import replace

from harness.core.errors import PgdynoError
from harness.core.verdicts import Verdict
from harness.lanes.start import meaning
from harness.lanes.start import view as lane_view
from harness.lanes.start.record import Import, Start
from harness.render import html, markdown, text
from harness.report import view
from harness.results import store
from harness.results.records import LaneRecord, Run

CELL = cell_facts(ROWS[0]).id
USES = 16
US = 1_000


def started(
    arm: str, repeat: int, *, first: int = 1_000, changes_at: int = 0, to: float = 1.0
) -> Start:
    """A first use of `first` µs, later ones of about 200, from one on `to` times these."""
    rng = random.Random(f"{arm} {repeat}")
    later = [200 * rng.uniform(0.9, 1.1) for _ in range(1, USES)]
    scaled = [
        took * (to if changes_at and use >= changes_at else 1)
        for use, took in enumerate(later, 2)
    ]
    wall = [round(took * US) for took in (first, *scaled)]
    return Start(
        cell=CELL,
        arm=arm,
        repeat=repeat,
        judgement=judged(),
        open_ns=20_000_000,
        wall_ns=wall,
        cpu_ns=wall,
        server_cpu_ns=wall,
    )


def imported(arm: str, repeat: int, *, wall_ns: int = 90_000_000) -> Import:
    return Import(
        arm=arm,
        repeat=repeat,
        judgement=judged(),
        python_cpu_ns=15_000_000,
        wall_ns=wall_ns + repeat,
        cpu_ns=wall_ns,
        rss_bytes=17_100_000,
        modules=162,
    )


def run_of(*records: LaneRecord) -> Run:
    arms = [
        arm_facts("psycopg2"),
        arm_facts("asyncpg"),
        arm_facts("psqlpy", problem="its library is not installed"),
    ]
    made = bench(rows=ROWS[:1], rounds=0, arms=arms)
    return replace(
        made, header=replace(made.header, lane="start"), lane_records=list(records)
    )


# --- the step ---------------------------------------------------------------------------


@pytest.mark.parametrize("at", [6, 7, 11, 12])
@pytest.mark.parametrize("to", [10.0, 0.1])
def test_a_step_is_told_at_its_use(at, to):
    found = meaning.step([started("a", n, changes_at=at, to=to) for n in range(6)])
    assert found is not None
    assert found.use == at
    assert found.ratio.point == pytest.approx(to, rel=0.1)
    assert found.ratio.low is not None


@pytest.mark.parametrize(
    "records",
    [
        [started("a", n) for n in range(10)],
        [started("a", n, first=50_000) for n in range(10)],
        [started("a", n, changes_at=6, to=1.25) for n in range(10)],
        [started("a", n, changes_at=6, to=10) for n in range(5)],
        [started("a", n, changes_at=16, to=10) for n in range(10)],
        [started("a", n, changes_at=6, to=10 if n < 4 else 1) for n in range(10)],
    ],
    ids=[
        "even",
        "only the first use is dear",
        "little",
        "five repeats",
        "only the last use is dear",
        "few repeats",
    ],
)
def test_everything_else_is_no_step(records):
    assert meaning.step(records) is None


# --- over repeats -----------------------------------------------------------------------


def test_groups_are_medians_and_the_first_use_is_a_ratio_to_the_next_four():
    run = run_of(*(started("asyncpg", n, first=3_000) for n in range(10)))
    (found,) = meaning.arm_starts(run)
    assert (found.repeats, found.session) == (10, meaning.stats.hodges_lehmann([2e7] * 10))
    once, *others = (group.point for group in found.groups)
    assert once == 3_000 * US
    assert len(others) == 3
    assert all(180 * US < group < 220 * US for group in others)
    assert found.first is not None
    assert found.first.point == pytest.approx(15, rel=0.05)


def test_an_op_that_connects_has_no_session():
    run = run_of(*(replace(started("asyncpg", n), open_ns=0) for n in range(6)))
    assert meaning.arm_starts(run)[0].session is None


def test_a_verdict_that_forbids_numbers_takes_them_all_away():
    lost = Start(cell=CELL, arm="asyncpg", repeat=1, judgement=judged("lossy", "wrong"))
    (found,) = meaning.arm_starts(run_of(started("asyncpg", 0), lost))
    assert found.verdict is Verdict.LOSSY
    assert found.first is None
    assert found.groups == ()


def test_imports_belong_to_arms():
    run = run_of(*(imported("asyncpg", n) for n in range(6)))
    (found,) = meaning.arm_imports(run)
    assert found.arm == "asyncpg"
    assert found.wall is not None
    assert found.wall.point == 90_000_002.5
    assert (found.modules, meaning.python_cpu(run)) == (162, 15_000_000)


# --- what is read and shown ---------------------------------------------------------------


@pytest.fixture(scope="module")
def run() -> Run:
    return run_of(
        *(imported(arm, n) for n in range(6) for arm in ("asyncpg", "psycopg2")),
        *(started("asyncpg", n, first=2_600, changes_at=6, to=10) for n in range(6)),
        Start(cell=CELL, arm="psycopg2", repeat=0, judgement=judged("hung", "no answer")),
    )


def test_a_start_is_kept_and_read_again(run, tmp_path):
    file = tmp_path / "run.jsonl"
    with store.Writer(file) as writer:
        for record in (run.header, *run.lane_records, run.footer):
            writer.write(record)
    again = store.read(file)
    assert again.of(Start) == run.of(Start)
    assert again.of(Import) == run.of(Import)


@pytest.mark.parametrize(
    "broken",
    [
        {"cpu_ns": [1]},
        {"server_cpu_ns": [1]},
        {"wall_ns": [0] * USES},
    ],
)
def test_times_of_which_nothing_can_be_computed_are_refused(run, tmp_path, broken):
    file = tmp_path / "run.jsonl"
    with store.Writer(file) as writer:
        for record in (run.header, replace(started("asyncpg", 0), **broken), run.footer):
            writer.write(record)
    with pytest.raises(PgdynoError, match="wall_ns"):
        store.read(file)


@pytest.mark.parametrize("render", [html.render, markdown.render, text.render])
def test_a_report_shows_imports_uses_and_steps(run, render):
    shown = render(view.build([run]))
    for words in ("90.0 ms", "17.1 MB", "162", "20.0 ms", "2.60 ms", "no answer", "6: "):
        assert words in shown, words


def test_what_stands_out_is_said_last_and_in_points(run):
    shown = lane_view.view(run)
    assert shown.answer.startswith("1 question × 3 drivers: 1 exact, 1 hung; dearest first")
    assert shown.answer.endswith("; slower after some uses: asyncpg.")
    step, first = shown.findings
    assert step.text.startswith("asyncpg takes ")
    assert "from its use 6 on" in step.text
    assert first.text.startswith("asyncpg’s first use takes ")
    assert first.text.endswith(
        ": 2.60 ms, of which the client computes 2.60 ms and the server 2.60 ms."
    )
    assert {step.where, first.where} == {CELL}
    points = text.remarks(shown).splitlines()
    assert points[0].startswith("- asyncpg takes ")
    assert max(map(len, points)) <= text.WIDTH


def test_a_first_use_that_is_not_dearer_is_no_finding():
    even = [started("asyncpg", n, first=200) for n in range(10)]
    dear = [started("psycopg2", n, first=400) for n in range(10)]
    (found,) = lane_view.view(run_of(*even, *dear)).findings
    assert found.text.startswith("psycopg2’s first use takes ")


def test_a_text_report_keeps_to_its_width(run):
    assert max(map(len, text.render(view.build([run])).splitlines())) <= text.WIDTH
