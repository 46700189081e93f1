"""Other tools under the same tests: rows are right, pairs are kept, each tool runs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.core.errors import ResultsError
from harness.validity import simulated
from harness.validity.outcome import (
    AA_HOG,
    AA_IDLE,
    CALIBRATION,
    NOTHING_MEASURED,
    POWER_2,
    POWER_5,
)
from studies.validity import table
from studies.validity.others import by_pytest, in_a_row, missing, pairs, sequential
from studies.validity.others import field as fields
from studies.validity.others.by_pyperf import Pyperf, _significant
from studies.validity.others.by_pytest import PytestBenchmark
from studies.validity.others.field import Field
from studies.validity.others.pairs import Found, Pairs
from studies.validity.others.sequential import Sequential


def found(burden: float, shift: float, flagged: bool) -> Found:
    return Found("tool", burden, math.log1p(burden), math.log1p(shift), flagged)


# --- rows -------------------------------------------------------------------------------


def test_pairs_become_rows():
    rows = {
        one.test: one
        for one in pairs.outcomes(
            [
                found(0.0, 0.0, False),
                found(0.0, -0.03, True),
                found(0.05, 0.05, True),
                found(0.05, 0.05, True),
                found(0.02, -0.04, True),  # faster: not what was put in
                found(0.02, 0.02, True),
            ]
        )
    }
    assert list(rows) == [AA_IDLE, POWER_5, POWER_2, CALIBRATION]
    assert (
        rows[AA_IDLE].measured == "1 of 2 flagged; beyond 1, 2, 5 %: 1, 1, 0; worst 3.0 %"
    )
    assert rows[POWER_5].ok
    assert rows[POWER_2].measured == "1 of 2 found; 2.0 % put in"
    assert rows[POWER_2].ok
    assert {one.tool for one in rows.values()} == {"tool"}


def test_pairs_beside_a_hog_are_equal_pairs():
    (row,) = pairs.outcomes([found(0.0, 0.0, False)], hog=True)
    assert (row.test, row.ok) == (AA_HOG, True)


def test_one_pair_can_miss_the_mark():
    (row,) = pairs.outcomes([found(0.0, 0.3, True)])
    assert (row.mark, row.ok) == ("at most 0 of 1 flagged", False)


def test_a_slope_is_found():
    rows = pairs.outcomes([found(one, one, True) for one in (0.0, 0.02, 0.05)])
    (slope,) = (one for one in rows if one.test == CALIBRATION)
    assert (slope.measured, slope.ok) == ("1.00 from 3 pairs", True)


@pytest.mark.parametrize(
    ("said", "significant"),
    [
        ("Mean +- std dev: 1 us -> 2 us: 2.00x slower\nSignificant (t=-9.00)", True),
        ("Mean +- std dev: 1 us -> 1 us: no change\nNot significant!", False),
        ("Benchmark hidden because not significant (1): point", False),
    ],
)
def test_what_pyperf_says(said, significant):
    assert _significant(said) is significant


def test_pyperf_that_says_nothing_is_no_answer():
    with pytest.raises(AssertionError, match="neither"):
        _significant("")


def test_a_tool_that_is_missing_is_told(monkeypatch):
    assert not missing()
    monkeypatch.setattr("studies.validity.others.find_spec", lambda _: None)
    assert [one.split()[0] for one in missing()] == ["pytest-benchmark", "pyperf"]


def test_one_after_the_other_favours_somebody():
    rows = list(in_a_row.one_after_the_other(60))
    assert {one.tool for one in rows} == {in_a_row.ON_SLICES}
    assert not any(one.ok for one in rows)
    assert {one.test for one in rows} <= {
        one.test for one in (*simulated.bias(1), *simulated.offsets(1))
    }


# --- the table --------------------------------------------------------------------------

ROWS = [
    {
        "test": "A/A",
        "mark": "at most 3",
        "measured": "9 | 9",
        "ok": False,
        "tool": "pyperf",
    },
    {"test": "A/A", "mark": "at most 16", "measured": "8", "ok": True, "tool": "pgdyno"},
    {"test": "power", "mark": "95%", "measured": "99%", "ok": True},
]


def test_a_table_puts_tools_side_by_side():
    assert table.markdown(ROWS).splitlines() == [
        "| test | mark | pgdyno | pyperf |",
        "| --- | --- | --- | --- |",
        "| A/A | at most 16 | ✓ 8 | ✗ 9 \\| 9 (mark: at most 3) |",
        "| power | 95% | ✓ 99% | – |",
    ]


def test_a_table_of_shared_tests():
    assert "power" not in table.markdown(ROWS, shared_only=True)


# --- what is kept -----------------------------------------------------------------------


class Counting:
    """A tool that counts its runs."""

    kind = "counting"
    calls = 0

    def compare(self, field, folder, burdens):
        self.calls += 1
        return [found(burden, burden, True) for burden in burdens]


def test_a_block_that_is_there_is_not_run_again(field: Field):
    tool = Counting()
    first = pairs.measure(field, Pairs(tool, 2), str)
    assert pairs.measure(field, Pairs(tool, 2), str) == first
    assert (tool.calls, len(first)) == (2, 2 * len(pairs.BURDENS))
    assert len(pairs.measure(field, Pairs(tool, 3), str)) == 3 * len(pairs.BURDENS)
    assert tool.calls == 3


# --- each tool, for real ----------------------------------------------------------------


@pytest.fixture(scope="module")
def field(place, tmp_path_factory) -> Iterator[Field]:
    """The point query on the shared server. Others may use the machine: of the numbers only
    such are asked that ten times as long an op makes however busy it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fields, "_LOOKS", 2)
        with fields.opened(place, tmp_path_factory.mktemp("others")) as opened:
            yield opened


def test_every_tool_gets_the_same_burden(field: Field):
    assert field.order().turns == 0
    turns = field.order(0.05).turns
    assert turns * field.turn_ns == pytest.approx(0.05 * field.op_ns, rel=0.02)
    assert json.loads(next(field.folder.glob("op-*.json")).read_text())["op_ns"] > 0


TOOLS = [
    PytestBenchmark(("--benchmark-max-time=0.1",)),
    Pyperf(2, ("--values=5", "--warmups=0", "--min-time=0.01")),
    Sequential(0.3),
]
NAMES = [[*by_pytest.RULES.values()], ["pyperf, 2 processes"], ["sequential 0.3 s"]]


@pytest.mark.parametrize(
    ("tool", "names"),
    [*zip(TOOLS, NAMES, strict=True)],
    ids=[tool.kind for tool in TOOLS],
)
def test_a_tiny_pair(field: Field, tool, names, tmp_path: Path):
    slowed = tool.compare(field, tmp_path, [9.0])  # nobody could miss it, however noisy
    assert [one.tool for one in slowed] == names
    assert {one.burden for one in slowed} == {9.0}
    assert all(one.put > 0.3 and one.shift > 0.1 for one in slowed)
    assert all(one.flagged for one in slowed if one.tool != "pyperf, 2 processes")
    password = field.target.password.encode()
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert files
    assert not [one for one in files if password and password in one.read_bytes()]


def test_a_benchmark_that_is_gone(field: Field):
    (row,) = by_pytest.nothing_measured(field)
    assert row.test == NOTHING_MEASURED
    assert row.ok is (row.measured.split()[2] != "0")


def test_wrong_answers_with_a_time_miss_the_mark():
    row = pairs.wrong_answers("tool", 2, {"short": 28e-6})
    assert row.measured == "1 of 2 timed without complaint (short: 28 µs)"
    assert not row.ok
    assert pairs.wrong_answers("tool", 2, {}).ok


def test_a_tool_that_fails_is_no_pair(field: Field, tmp_path: Path):
    with pytest.raises(ResultsError, match="ends with"):
        PytestBenchmark(("--no-such-option",)).compare(field, tmp_path, [0.0])


def test_a_server_that_stops_once(field: Field):
    if not field.postmaster:
        pytest.skip("the server is not ours to stop")
    said = sequential._stopped_once(field, 1.5, 0.3)
    assert said["worst_ms"] > 290
    assert said["ops"] > 10
