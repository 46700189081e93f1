"""A statement as a scenario file: the loader reads back what was asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.cells import Cell
from harness.core.conditions import Condition
from harness.scenario import load
from harness.statements import Examined, scenario_text

HARD = (
    "select 1",
    "select 'it''s'",
    'select "A b" from t',
    r"select E'a\nb', '\d'",
    'select 1\n  , 2\t-- "both"',
    "select 'ends with a quote'",
    "select '\U0001f600', '\x7f', 'é'",
    "select $$'''$$, \"x\"",
    "select '\r\n'",
)


def loaded(folder: Path, sql: str, *conditions: Condition, params: str = "") -> Cell:
    question = Examined(sql, params, "fetch_all", 1, 1, unordered=True, seconds=0.001)
    file = folder / "mine.toml"
    file.write_bytes(scenario_text(question, conditions).encode())
    (cell,) = load(file).cells
    return cell


@pytest.mark.parametrize("sql", HARD)
def test_the_loader_reads_what_was_asked(sql: str, tmp_path: Path) -> None:
    cell = loaded(tmp_path, sql, params=sql)
    assert (cell.sql, cell.params) == (sql, sql)
    assert (cell.id, cell.search_path) == ("mine#statement", "server")
    assert cell.expect.unordered
    assert cell.bench is not None


def test_conditions_stand_in_the_file(tmp_path: Path) -> None:
    asked = (Condition("direct", 0.2), Condition("direct", 5), Condition("tls", 0.2),
             Condition("tls", 5))  # fmt: skip
    assert loaded(tmp_path, "select 1", *asked).conditions == asked
    assert loaded(tmp_path, "select 1").conditions == ()
