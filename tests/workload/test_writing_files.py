"""The file of an import: it loads, whatever is in names, and tells what was left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.scenario import load
from harness.workload import writing
from harness.workload.statement import GeneralForm
from harness.workload.trial import Repeatable
from harness.workload.writing import Case, LeftOut, Workload


def tried(sql: str, *tables: str, params: str = "", seconds: float = 0.0) -> Repeatable:
    return Repeatable(GeneralForm(sql, tables, ordered=False), params, seconds)


def workload(cases: list[Case], left_out: list[LeftOut] | None = None) -> Workload:
    return Workload(
        source="the log <b>\x1b[31m.log",
        date="2026-11-28",
        version="18.4",
        database='sh"op\\\n',
        seed=7,
        cases=cases,
        left_out=left_out or [],
    )


ODD = (
    'SELECT \'\'\'\' AS "a\'""b", 1 AS "<script>alert(1)</script>"',
    'SELECT 1 AS "\\", 2 AS "tab\t", 3 AS "\x07\x7f\u202e"',
    "SELECT 'three '''''' quotes'\nFROM t",
    "SELECT '€ \U0001f600'",
)


@pytest.mark.parametrize("sql", ODD)
def test_odd_names_and_texts_come_back_as_they_were(tmp_path: Path, sql: str) -> None:
    params = f"select\n{sql[7:]}"
    cases = writing.named([(tried(sql, sql[:50], params=params), 1, 0), (tried("a"), 1, 0)])
    file = tmp_path / "odd.toml"
    left = [LeftOut(sql, f"because\x1b[2J\n{sql}", 3)]
    file.write_text(writing.toml(workload(cases, left)), "utf-8")
    found = load(file)
    case = found.cells[0]
    assert (case.sql, case.params.strip()) == (sql, params)
    assert case.search_path == "server"
    assert not {"\x1b", "\x07", "\u202e"} & set(
        file.read_text("utf-8").partition("schema")[0]
    )


def test_the_mix_has_all_cases_by_their_calls(tmp_path: Path) -> None:
    cases = writing.named(
        [(tried("SELECT 1", "workload"), 90, 0), (tried("SELECT 2", "Workload"), 10, 0),
         (tried("SELECT 3"), 0.5, 0)]
    )  # fmt: skip
    assert [case.name for case in cases] == ["workload-1", "workload-2", "statement-1"]
    file = tmp_path / "own.toml"
    file.write_text(writing.toml(workload(cases)), "utf-8")
    *_, mix = load(file).cells
    assert (mix.case, [share.weight for share in mix.mix]) == (
        "workload",
        ["90", "10", "0.5"],
    )
    assert mix.bench is not None


def test_a_slow_statement_makes_the_cycle_short() -> None:
    slow = writing.named(
        [(tried("SELECT 1", seconds=1.0), 1, 0), (tried("SELECT 2"), 9, 0)]
    )
    fast = writing.named([(tried("SELECT 1"), 1, 0)])
    assert writing.turns_of(slow) == 5
    assert writing.turns_of(fast) == 100


def test_the_head_says_how_much_is_covered_and_what_is_not() -> None:
    cases = writing.named([(tried("SELECT 1"), 30, 25.0)])
    left = [LeftOut("update t set a = $1", "it writes", 70, 75.0)]
    left += [LeftOut("x", "y", 0)] * writing.LISTED
    text = writing.toml(workload(cases, left))
    assert "1 of 102 statements, 30 % of the calls and 25 % of the server's time" in text
    assert "#   update t set a = $1: it writes (70 calls)" in text
    assert "#   and 1 more" in text
