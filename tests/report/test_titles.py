"""What a reader calls a question: no two of a report are called the same."""

from __future__ import annotations

import pytest

from harness.report.titles import titles
from harness.results.records import CellFacts


def cell(id_: str, title: str, **point: int | str) -> CellFacts:
    scenario, _, local = id_.partition("#")
    case = local.partition("@")[0]
    return CellFacts(
        id=id_, scenario=scenario, case=case, point=point, title=title, why="", op="execute"
    )


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ([cell("a/b#one", "A title")], ["A title"]),
        ([cell("a/b#x", "Code of `@>`")], ["Code of @>"]),
        (
            [cell("t/n#int4-one-past-max", "Numbers"), cell("t/n#int2_min", "Numbers")],
            ["Numbers – int4 one past max", "Numbers – int2 min"],
        ),
        (
            [cell(f"c/in#rows@rows={n}", "COPY", format="csv", rows=n) for n in (1, 10)],
            ["COPY (format = csv, rows = 1)", "COPY (format = csv, rows = 10)"],
        ),
        (
            [
                cell(f"t/i#read@value={v}", "Intervals", value=v)
                for v in ("-1_mons", "null-first", "f8-7d")
            ],
            ["Intervals (-1 mons)", "Intervals (null first)", "Intervals (f8-7d)"],
        ),
        (
            [cell("a/b#x", "Twice"), cell("a/c#x", "Twice")],
            ["Twice – a/b#x", "Twice – a/c#x"],
        ),
        ([cell("a/b#x", "")], ["a/b#x"]),
    ],
)
def test_a_title_says_what_tells_a_question_from_its_neighbours(cells, told):
    assert list(titles(cells).values()) == told


def test_no_two_are_alike_under_two_conditions():
    both = [cell("q/p#one", "Row"), cell("q/p#one[via=tls]", "Row · TLS")]
    assert list(titles(both).values()) == ["Row", "Row · TLS"]
