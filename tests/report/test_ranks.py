"""One definition of "fastest" decides ratios, rank and tie, whatever was measured."""

from __future__ import annotations

import fake_runs
import pytest
from fake_runs import arm_facts, bench, changed
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pages import everything

from harness.core.verdicts import Verdict
from harness.render import html, markdown, text
from harness.report import view
from harness.report.cells import RankGroup, cell_views

ARMS = ("psycopg", "psycopg2", "asyncpg", "psqlpy")
VERDICTS = ("exact", "exact", "exact", "exact", "differs", "lossy", "unsupported")


def run_of(walls, verdicts=None, cells=1):
    """A run in which each arm takes these ns in each round; None: it was not there."""
    rows = fake_runs.CELLS[:cells]
    rounds = len(next(iter(walls.values())))

    def set_(trial):
        wall = walls[trial.arm][trial.round]
        if wall is None:
            return None
        slices = replace(trial.slices, ops=1, wall_ns=list(wall))
        verdict = (verdicts or {}).get(trial.arm, "exact")
        if not Verdict(verdict).timeable:
            return changed(trial, verdict=verdict, detail="as drawn", slices=None)
        return changed(trial, verdict=verdict, slices=slices)

    arms = [arm_facts(name) for name in walls]
    return bench(rows=rows, arms=arms, rounds=rounds, slices=3, override=set_)


@st.composite
def runs(draw):
    """Close or distant arms, rounds that some of them miss, verdicts of all kinds."""
    names = ARMS[: draw(st.integers(1, 4))]
    rounds = draw(st.sampled_from((1, 5, 6, 8)))
    noise = draw(st.sampled_from((1, 20, 400)))
    base = {name: draw(st.sampled_from((1000, 1003, 1050, 3000))) for name in names}
    passes = st.lists(st.integers(0, noise), min_size=3, max_size=3)
    lost = st.sampled_from((False,) * 9 + (True,))
    walls = {
        name: [
            None if draw(lost) else [base[name] + extra for extra in draw(passes)]
            for _ in range(rounds)
        ]
        for name in names
    }
    verdicts = {name: draw(st.sampled_from(VERDICTS)) for name in names}
    return run_of(walls, verdicts, cells=draw(st.integers(1, 2)))


def must_hold(group: RankGroup) -> None:
    """What a reader may rely on."""
    able = [row for row in group.rows if row.rank is not None]
    level = [row for row in able if row.rank == 1]
    exact = [row for row in group.rows if row.verdict is Verdict.EXACT]
    assert all(row.verdict is Verdict.EXACT and row.sure and row.ratio for row in able)
    assert list(group.rows[: len(able)]) == able  # the ranked come first
    assert [row.rank for row in able] == sorted(row.rank for row in able)
    if not any(row.time for row in exact):
        assert group.fastest is None
        return
    best = group.fastest
    assert best is not None
    assert best.ratio is not None
    assert best.ratio.point == 1
    if able:
        assert able[0] is best
        assert best.rank == 1
    for row in able:
        assert row.ratio.point >= 1 or row.tied
        assert row.tied == (row.rank == 1 and len(level) > 1)
    slower = [row.ratio.point for row in able if row.rank != 1]
    assert slower == sorted(slower)
    assert [row.rank for row in able if row.rank != 1] == list(
        range(len(level) + 1, len(able) + 1)
    )
    in_order = [row.time.point for row in able]
    apart = len({f"{value:.3g}" for value in in_order}) == len(able)
    if apart and in_order != sorted(in_order):
        assert "by time alone" in group.order_note


@settings(max_examples=200)
@given(runs())
def test_ranks_ratios_and_ties_agree(run):
    for cell in cell_views(run):
        for group in cell.groups:
            must_hold(group)


@settings(max_examples=50)
@given(runs(), st.randoms())
def test_the_order_of_a_header_decides_nothing(run, random):
    arms = list(run.header.arms)
    random.shuffle(arms)
    other = cell_views(replace(run, header=replace(run.header, arms=arms)))
    for cell, again in zip(cell_views(run), other, strict=True):
        ranks = {row.arm: (row.rank, row.tied) for row in cell.rows}
        if cell.groups[0].fastest:
            assert ranks == {row.arm: (row.rank, row.tied) for row in again.rows}


def test_less_time_is_not_faster():
    """The middle slice of psycopg2 is shorter, and pass by pass it is slower."""
    walls = {
        "psycopg": [[1000, 1900, 1901]] * 8,
        "psycopg2": [[1010, 1020, 5000]] * 8,
    }
    (cell,) = cell_views(run_of(walls))
    (group,) = cell.groups
    assert group.fastest.arm == "psycopg"
    rows = {row.arm: row for row in group.rows}
    assert rows["psycopg2"].time.point < rows["psycopg"].time.point
    assert rows["psycopg2"].ratio.point == pytest.approx(1.01)
    assert [row.mark for row in group.rows] == ["1", "2"]
    must_hold(group)
    report = view.build([run_of(walls)])
    for shown in (
        text.render(report),
        markdown.render(report),
        everything(html.render(report)),
    ):
        assert "by time alone it would be psycopg2, psycopg" in " ".join(shown.split())


def test_arms_that_beat_each_other_in_a_ring_are_tied():
    """In each pass another is first: by medians a beats b, b beats c and c beats a."""
    ring = {
        "psycopg": [[100, 300, 200]] * 8,
        "psycopg2": [[200, 100, 300]] * 8,
        "asyncpg": [[300, 200, 100]] * 8,
    }
    (cell,) = cell_views(run_of(ring))
    (group,) = cell.groups
    ratios = [row.ratio.point for row in group.rows]
    assert min(ratios) < 1 < max(ratios)
    ahead = next(row for row in group.rows if row.ratio.point < 1)
    assert (ahead.rank, ahead.tied, group.fastest.tied) == (1, True, True)
    must_hold(group)


def test_an_arm_without_an_interval_is_no_reference_of_those_that_have_one():
    walls = {
        "psycopg": [[1000, 1001, 1002]] * 8,
        "psycopg2": [[500, 501, 502]] * 3 + [None] * 5,
    }
    (cell,) = cell_views(run_of(walls))
    (group,) = cell.groups
    assert (group.fastest.arm, group.fastest.rank) == ("psycopg", 1)
    lost = group.rows[1]
    assert (lost.rank, lost.ratio.point) == (None, pytest.approx(0.5, rel=0.01))
