"""Routes of a run, opened and measured before it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.core.conditions import Condition
from harness.core.errors import OracleError
from harness.results.records import Note, Route
from harness.scenario import files
from harness.servers.routes.promise import Extra
from harness.servers.routes.way import Way
from harness.venue import routes

TEXT = """
schema = 1
title = "T"
why = "W"

[[case]]
name = "first"
op = "fetch_val"
sql = "select 1"
"""


class Played:
    """Routes whose measurements are known."""

    def __init__(self, *medians_ns: int) -> None:
        self.medians_ns = list(medians_ns)
        self.tuned: list[bool] = []

    def lacks(self, condition: Condition) -> str:
        return "nobody has it" if condition.via == "tls" else ""

    def about(self, condition: Condition) -> Way:
        if condition.via == "pgbouncer":
            raise OracleError("it does not start")
        return Way("plain connection", {"of": "nothing"})

    def measured(self, condition: Condition, *, anew: bool = False) -> tuple[Extra, ...]:
        self.tuned.append(anew)
        return (Extra(1, 10, (self.medians_ns.pop(0),) * 3),)


@pytest.fixture
def cell(tmp_path):
    file = tmp_path / "small.toml"
    file.write_text(TEXT)
    return files.load(file).cells[0]


def opened(cell, played, *conditions):
    stage = type("Stage", (), {"routes": played})()
    cells = [replace(cell, condition=condition) for condition in conditions]
    return list(routes.opened(stage, cells))


def test_a_plain_run_measures_nothing(cell):
    assert opened(cell, Played(), Condition()) == []


def test_each_condition_is_measured_once(cell):
    played = Played(5_000_000)
    (record,) = opened(cell, played, *[Condition("direct", 5.0)] * 3)
    assert isinstance(record, Route)
    assert (record.via, record.rtt_ms, record.label) == ("direct", 5.0, "plain connection")
    assert [seen.median_ns for seen in record.null_ops] == [5_000_000]
    assert played.tuned == [False]


def test_what_cannot_be_opened_is_left_to_its_cells(cell):
    assert opened(cell, Played(), Condition("tls"), Condition("pgbouncer")) == []


def test_a_broken_promise_is_tried_again(cell):
    played = Played(9_000_000, 5_000_000)
    (record,) = opened(cell, played, Condition("direct", 5.0))
    assert [seen.median_ns for seen in record.null_ops] == [5_000_000]
    assert played.tuned == [False, True]


def test_a_broken_promise_is_said(cell):
    played = Played(9_000_000, 8_000_000, 7_000_000)
    record, note = opened(cell, played, Condition("direct", 5.0))
    assert record.broken
    assert note == Note(
        kind="route",
        text="RTT 5 ms: a round trip takes 7.00 ms with 1 connection at once, and 5 ms was "
        "promised",
    )
