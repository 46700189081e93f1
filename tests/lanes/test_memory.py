"""What is derived from memory samples, and how a report shows it: pure, no process."""

from __future__ import annotations

import random

import msgspec
import pytest
from fake_runs import CELLS as ROWS
from fake_runs import arm_facts, bench, cell_facts, judged
from msgspec.structs import replace

from harness.analysis import compare
from harness.core.errors import EXIT_INVALID
from harness.core.verdicts import Verdict
from harness.lanes.memory import meaning as memory
from harness.lanes.memory import run as lane
from harness.lanes.memory.record import Footprint, Memory
from harness.render import html, markdown, text
from harness.report import view
from harness.results import store
from harness.results.records import Note, Run

PAGE = 4096
CELL = cell_facts(ROWS[0]).id


def held(
    per_op: float = 0.0,
    *,
    rest_after: float = 1.0,
    per_connection: int = 40_000,
    noise: int = 1,
    seed: int = 0,
) -> Memory:
    """A loop of 24,000 ops that grows until a share of it is over."""
    rng = random.Random(seed)
    ops = [min(number, 24 * rest_after) * 1000 for number in range(25)]
    loop = [
        round((30e6 + per_op * done) / PAGE + rng.randint(0, noise)) * PAGE for done in ops
    ]
    return Memory(
        import_bytes=25_000_000,
        session_bytes=27_000_000,
        peak_bytes=31_000_000,
        page_bytes=PAGE,
        lead=4000,
        ops=1000,
        loop_bytes=loop,
        sessions=[1, 9, 17],
        sessions_bytes=[30_000_000 + per_connection * n for n in (1, 9, 17)],
        server_bytes=[1_500_000] * 17,
    )


def printed(
    arm: str, repeat: int, memory: Memory | None, verdict: str = "exact"
) -> Footprint:
    detail = "" if verdict == "exact" else "it broke"
    judgement = judged(verdict, detail)
    return Footprint(cell=CELL, arm=arm, repeat=repeat, judgement=judgement, memory=memory)


def run_of(*prints: Footprint, notes: tuple[Note, ...] = ()) -> Run:
    """A memory run over one cell, of two drivers and one that could not take part."""
    made = bench(
        rows=ROWS[:2] if notes else ROWS[:1],
        rounds=0,
        arms=[
            arm_facts("psycopg2"),
            arm_facts("asyncpg"),
            arm_facts("psqlpy", problem="its library is not installed"),
        ],
        notes=notes,
    )
    return replace(
        made, header=replace(made.header, lane="memory"), lane_records=list(prints)
    )


# --- the rule -----------------------------------------------------------------------------


def test_a_steady_leak_is_told_in_bytes_per_op():
    told = [held(100, seed=seed) for seed in range(3)]
    assert memory.leaks(told)
    assert memory.slope(told[0]).point == pytest.approx(100, rel=0.02)


@pytest.mark.parametrize(
    "told",
    [
        [held(0, noise=20, seed=seed) for seed in range(3)],
        [held(-100, seed=seed) for seed in range(3)],
        [held(100, seed=seed) for seed in range(2)],
        [held(100), held(100), held(0)],
        [held(100, rest_after=0.4, seed=seed) for seed in range(3)],
        [held(4, noise=0) for _ in range(3)],
    ],
    ids=[
        "noise",
        "shrinks",
        "two repeats",
        "not every repeat",
        "came to rest",
        "few pages",
    ],
)
def test_everything_else_is_not_told(told):
    assert not memory.leaks(told)


def test_noise_accuses_nobody():
    """A walk at random is the worst that an allocator could do."""
    told = 0
    for seed in range(100):
        rng = random.Random(seed)
        loops = []
        for _ in range(3):
            place, walk = 0, []
            for _ in range(25):
                place += rng.choice((-2, -1, 0, 1, 2))
                walk.append(30_000_000 + place * PAGE)
            loops.append(replace(held(), loop_bytes=walk))
        told += memory.leaks(loops)
    assert told == 0


def test_bytes_per_connection():
    assert memory.per_connection(held(per_connection=40_000)) == 40_000
    assert memory.per_connection(replace(held(), sessions=[], sessions_bytes=[])) is None


# --- over repeats -------------------------------------------------------------------------


def test_a_holding_is_the_median_over_repeats():
    connections = (40_000, 41_000, 60_000)
    prints = [
        printed("psycopg2", n, held(0, per_connection=size))
        for n, size in enumerate(connections)
    ]
    (one,) = memory.arm_memory(run_of(*prints))
    assert one.repeats == 3
    assert one.connection == memory.Size(41_000, 40_000, 60_000)
    assert one.server == memory.Size(1_500_000, 1_500_000, 1_500_000)
    assert not one.leaks


def test_a_verdict_that_forbids_numbers_takes_them_all_away():
    run = run_of(
        printed("psycopg2", 0, held(100)),
        printed("psycopg2", 1, None, verdict="crashed"),
    )
    (one,) = memory.arm_memory(run)
    assert one.verdict is Verdict.CRASHED
    assert one.growth is None
    assert one.imported is None


# --- a sweep ------------------------------------------------------------------------------


def swept(*points: tuple[int, int], spread: int = 1_000) -> Run:
    """A run of one case at several points, with so many bytes per connection at each."""
    run = run_of()
    cell = run.header.cells[0]
    cells, prints = [], []
    for most, size in points:
        here = replace(cell, id=f"payloads#read@most={most}", point={"most": most})
        cells.append(here)
        for n in range(3):
            memory_held = held(per_connection=size + n * spread)
            prints.append(replace(printed("psycopg2", n, memory_held), cell=here.id))
    header = replace(run.header, cells=cells)
    return replace(run, header=header, lane_records=prints)


def test_what_a_connection_keeps_is_told_of_both_ends_of_a_sweep():
    run = swept((8_000_000, 16_040_000), (10_000, 40_000), (100_000, 900_000))
    (kept,) = memory.kept(run)
    assert kept == memory.Surplus(
        "payloads#read@most=8000000", "psycopg2", "most", 10_000, 8_000_000, 16e6, None
    )
    (view_of,) = view.build([run]).runs
    (found,) = [remark for remark in view_of.findings if remark.kind == "keeps"]
    assert found.where == kept.cell
    assert found.text == (
        "A connection of psycopg2 keeps 16.0 MB more in the client at most = 8,000,000 "
        "than at 10,000."
    )


@pytest.mark.parametrize(
    "run",
    [
        swept((10_000, 40_000)),
        swept((10_000, 40_000), (8_000_000, 40_000 + 200_000)),
        swept((10_000, 40_000), (8_000_000, 1_000_000), spread=600_000),
        swept((10_000, 9_000_000), (8_000_000, 40_000)),
    ],
    ids=["one point", "little", "repeats overlap", "less"],
)
def test_nothing_else_is_kept(run):
    assert memory.kept(run) == ()


def test_conditions_and_axes_of_words_are_no_sweep():
    run = swept((10_000, 40_000), (8_000_000, 16_040_000))
    few, many = run.header.cells
    through = replace(many, id=f"{many.id}[via=tls]")
    prints = [
        replace(one, cell=through.id) if one.cell == many.id else one
        for one in run.lane_records
    ]
    header = replace(run.header, cells=[few, through])
    assert memory.kept(replace(run, header=header, lane_records=prints)) == ()
    words = [replace(cell, point={"form": str(n)}) for n, cell in enumerate((few, many))]
    assert memory.kept(replace(run, header=replace(run.header, cells=words))) == ()


# --- sizes of a loop ----------------------------------------------------------------------


@pytest.mark.parametrize("cycle", [1, 7, 20])
@pytest.mark.parametrize("ns_per_op", [5_000, 40_000, 900_000, 50_000_000])
def test_a_chunk_is_whole_cycles_and_not_too_dear(ns_per_op, cycle):
    ops = lane.chunk_ops(ns_per_op, cycle)
    assert ops % cycle == 0
    assert ops * ns_per_op >= 0.7 * lane.CHUNK_NS
    assert ops * ns_per_op <= max(1.5 * lane.DEAR_CHUNK_NS, cycle * ns_per_op)


def test_a_loop_has_fewer_chunks_where_they_are_dear():
    assert lane.chunk_count(lane.CHUNK_NS) == lane.CHUNKS
    assert lane.chunk_count(60e9) == lane.FEWEST_CHUNKS


def test_a_lead_in_has_thousands_of_ops_where_these_are_cheap():
    assert lane.lead_chunks(1_400, 24, lane.CHUNK_NS) == 10
    assert lane.lead_chunks(100, 24, lane.DEAR_CHUNK_NS) == 23
    assert lane.lead_chunks(1, 10, 60e9) == 4


# --- what is read and shown ---------------------------------------------------------------


@pytest.fixture(scope="module")
def run() -> Run:
    return run_of(
        *(printed("psycopg2", n, held(104, seed=n)) for n in range(3)),
        printed("asyncpg", 0, None, verdict="hung"),
        notes=(
            Note(kind="left-out", text="pools are left out", cell=cell_facts(ROWS[1]).id),
        ),
    )


def test_a_footprint_is_kept_and_read_again(run, tmp_path):
    file = tmp_path / "run.jsonl"
    with store.Writer(file) as writer:
        for record in (run.header, *run.of(Footprint), run.footer):
            writer.write(record)
    again = store.read(file)
    assert again.of(Footprint) == run.of(Footprint)
    assert msgspec.to_builtins(again.of(Footprint)[0])["record"] == "footprint"


@pytest.mark.parametrize("render", [html.render, markdown.render, text.render])
def test_a_report_shows_every_arm_and_who_grows(run, render):
    shown = render(view.build([run]))
    told = ("40.0 kB", "1.50 MB", "+104 kB", "it broke", "its library is not", "grows")
    for words in (*told, "left-out"):
        assert words in shown, words


def test_a_leak_is_a_finding(run):
    (view_of,) = view.build([run]).runs
    (found,) = [one for one in view_of.findings if one.kind == "grows"]
    assert found.where == CELL
    assert found.text.startswith("psycopg2 grows by +104 B per op")
    assert view_of.answer == "1 question × 3 drivers: 1 exact, 1 hung; 1 of them grows."


def test_a_text_report_keeps_to_its_width(run):
    assert max(map(len, text.render(view.build([run])).splitlines())) <= text.WIDTH


@pytest.mark.parametrize("same", [True, False])
def test_two_memory_runs_are_not_comparable(run, same):
    other = run if same else replace(run, header=replace(run.header, run="other"))
    arms = {"base_arm": "psycopg2", "candidate_arm": "asyncpg"} if same else {}
    found = compare.compare(run, other, **arms)
    assert found.exit_code == EXIT_INVALID
    assert "not compared yet" in found.invalid[0]


def test_memory_and_time_are_not_comparable(run):
    time = replace(run, header=replace(run.header, lane="", run="other"))
    assert compare.compare(run, time).invalid[0] == "different lanes: memory and time"
