"""Conditions: their marks, what people type, and patterns that mean cells under them."""

from __future__ import annotations

import pytest

from harness.core.calls import Op
from harness.core.cells import Cell, Fixture
from harness.core.conditions import DIRECT, Condition, asked, crossed, listed, parted
from harness.core.errors import UsageError
from harness.core.expect import Expect
from harness.core.patterns import names_cell


@pytest.mark.parametrize(
    ("condition", "mark"),
    [
        (DIRECT, ""),
        (Condition("tls"), "[via=tls]"),
        (Condition(rtt_ms=0.2), "[rtt=0.2]"),
        (Condition("pgbouncer", 45), "[via=pgbouncer,rtt=45]"),
    ],
)
def test_a_mark_is_read_back(condition: Condition, mark: str) -> None:
    assert condition.mark == mark
    assert parted(f"copy/in#rows@rows=10{mark}") == ("copy/in#rows@rows=10", condition)


@pytest.mark.parametrize(
    "cell", ["a/b#c[1]", "a/b#c[via=smoke]", "a/b#c[rtt=1.2.3]", "a/b#c@type=int[]"]
)
def test_what_is_no_mark_belongs_to_the_name(cell: str) -> None:
    assert parted(cell) == (cell, DIRECT)


def test_every_way_is_crossed_with_every_time() -> None:
    found = crossed(listed(["tls,direct"]), listed(["0,5", "5"]))
    marks = [condition.mark for condition in found]
    assert marks == ["[via=tls]", "[via=tls,rtt=5]", "", "[rtt=5]"]
    assert crossed([], []) == ()


@pytest.mark.parametrize(
    ("vias", "rtts"),
    [
        (["smoke"], []),
        ([], ["fast"]),
        ([], ["-1"]),
        ([], ["nan"]),
        ([], ["1e9"]),
        (["unix"], ["5"]),
    ],
)
def test_what_is_no_condition_is_said(vias: list[str], rtts: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        crossed(vias, rtts)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("condition", "title"),
    [
        (DIRECT, "One row"),
        (Condition(rtt_ms=0.2), "One row · RTT 0.2 ms"),
        (Condition("unix"), "One row · Unix socket"),
        (Condition("pgbouncer", 45), "One row · PgBouncer, RTT 45 ms"),
    ],
)
def test_a_title_says_the_condition_in_words(condition: Condition, title: str) -> None:
    cell = Cell("a", "b", (), "One row", Op.FETCH_ONE, Fixture(), Expect())
    assert [found.title for found in cell.under([condition])] == [title]


def test_a_pattern_means_a_cell_under_every_condition() -> None:
    assert names_cell("query/point#one", "query/point#one[via=tls]")
    assert not names_cell("query/point#one", "query/point#one-more")


@pytest.mark.parametrize(
    ("mark", "condition"),
    [
        ("[via=tls]", Condition("tls")),
        ("[rtt=5,via=tls]", Condition("tls", 5.0)),
        ("[rtt=5.0]", Condition("direct", 5.0)),
        ("[via=direct]", DIRECT),
    ],
)
def test_a_user_names_a_condition_in_any_order(mark: str, condition: Condition) -> None:
    assert asked(f"query/point#fetch-one{mark}") == ("query/point#fetch-one", condition)


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("[via=wifi]", "'wifi' is no way to a server"),
        ("[rtt=-1]", "'-1' is no round-trip time"),
        ("[rtt=100000]", "'100000' is no round-trip time"),
        ("[rtt=1e400]", "'1e400' is no round-trip time"),
        ("[via=unix,rtt=5]", "a Unix socket has no network"),
        ("[via=tls,rtt=5,rtt=6]", "'rtt=6' cannot stand there"),
        ("[via=tls,]", "'' cannot stand there"),
    ],
)
def test_what_a_user_names_and_is_no_condition_is_told(mark: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        asked(f"query/point#fetch-one{mark}")
    assert words in str(caught.value)
