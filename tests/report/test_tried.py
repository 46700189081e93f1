"""How a try ends: who is ranked, who is wrong, and the exit code that says it."""

from __future__ import annotations

import pytest

from harness.core.stats import Estimate
from harness.core.verdicts import Verdict
from harness.render import tried as drawn
from harness.report.tried import Tried, TriedCell, TriedRow, conclusion, exit_code

TIME = Estimate(104_000.0, 100_000.0, 108_000.0, 6, 0.97)
RATIO = Estimate(1.26, 1.22, 1.30, 6, 0.97)
SAME = Estimate(1.0, 1.0, 1.0, 6, 0.97)
LEVEL = Estimate(1.0, 0.98, 1.02, 6, 0.97)
FIRST = TriedRow("asyncpg", Verdict.EXACT, "", "1", TIME, SAME, 1)
TIED = TriedRow("psycopg2", Verdict.EXACT, "", "1", TIME, LEVEL, 1)
SECOND = TriedRow("psycopg", Verdict.EXACT, "", "2", TIME, RATIO, 2)
LOSSY = TriedRow("psqlpy", Verdict.LOSSY, "row 1, column price: 12.5 instead of 12.50")
INVALID = TriedRow("psqlpy", Verdict.INVALID, "the answer differs")
ABSENT = TriedRow("psqlpy", Verdict.SKIPPED, "the server lacks it")
UNRANKED = TriedRow("psycopg", Verdict.EXACT, "", "", Estimate(9e4, None, None, 2, None))
OTHERS = TriedRow(
    "pg8000", Verdict.DIFFERS, "column j: str instead of dict", "1", TIME, RATIO
)


def cell(*rows: TriedRow, condition: str = "") -> TriedCell:
    return TriedCell("try#statement", condition, rows)


UNSURE = (
    "nobody is ranked: too few quiet rounds for an interval (run it again, or give it "
    "longer: --seconds)"
)


@pytest.mark.parametrize(
    ("rows", "code", "told"),
    [
        ((FIRST, SECOND), 0, "asyncpg is the fastest"),
        ((FIRST, TIED, SECOND), 0, "asyncpg and psycopg2 are equally fast"),
        ((FIRST, OTHERS), 0, "asyncpg is the fastest"),
        ((FIRST, LOSSY), 1, "asyncpg is the fastest; psqlpy is lossy"),
        ((LOSSY,), 1, "nothing was timed; psqlpy is lossy"),
        ((UNRANKED,), 3, UNSURE),
        ((INVALID,), 4, "nothing was timed"),
        ((ABSENT,), 4, "nothing was timed"),
    ],
)
def test_an_end_says_who_is_fast_and_who_is_wrong(
    rows: tuple[TriedRow, ...], code: int, told: str
) -> None:
    assert (exit_code([cell(*rows)]), conclusion([cell(*rows)])) == (code, told)


def test_each_condition_has_its_fastest() -> None:
    cells = [cell(FIRST, SECOND), cell(TIED, SECOND, condition="TLS, RTT 1 ms")]
    told = "asyncpg is the fastest; TLS, RTT 1 ms: psycopg2 is the fastest"
    assert conclusion(cells) == told


def test_a_terminal_shows_the_table_and_the_conclusion_last() -> None:
    end = Tried(
        ("try  select 1", "PostgreSQL 18.4"), (cell(FIRST, SECOND, OTHERS, LOSSY),),
        ("noise: none",), "schema = 1\n", "", 1, "exit 1: so it is.",
    )  # fmt: skip
    assert drawn.text(end).splitlines() == [
        "the scenario that repeats this:",
        "  schema = 1",
        "",
        "try  select 1 · PostgreSQL 18.4",
        "                        value         turns      per op  against fastest",
        "▶ asyncpg               exact             1      104 µs  –",
        "  psycopg               exact             2      104 µs  1.26× (1.22…1.30)",
        "  pg8000                differs           1      104 µs  1.26× (1.22…1.30)",
        "    column j: str instead of dict",
        "  psqlpy                lossy             –           –  –",
        "    row 1, column price: 12.5 instead of 12.50",
        "noise: none",
        "exit 1: so it is.",
    ]
