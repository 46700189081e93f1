"""Patterns of cells: `*` is any text, everything else is itself."""

from __future__ import annotations

import pytest

from harness.core.patterns import matches, names_cell

CELL = "copy/in#rows@format=binary,rows=1000"


@pytest.mark.parametrize(
    "pattern",
    [
        CELL,
        "copy",
        "copy/in",
        "copy/in#rows",
        "copy/*",
        "*rows=1000",
        "copy/*@format=binary*",
        "*",
    ],
)
def test_a_cell_is_named_by_its_id_its_case_its_scenario_or_its_family(pattern):
    assert names_cell(pattern, CELL)


@pytest.mark.parametrize(
    "pattern", ["cop", "copy/i", "copy/in#row", "in#rows", "", "copy/"]
)
def test_half_a_name_names_nothing(pattern):
    assert not names_cell(pattern, CELL)


def test_brackets_and_question_marks_are_themselves():
    cell = "query/point#fetch-one[via=tls]"
    assert names_cell(cell, cell)
    assert not matches("query/point#fetch-one?via=tls?", cell)
    assert not matches("a[bc]", "ab")
