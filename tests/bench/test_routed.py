"""A bench run through routes: whose processes are the run's, and what is recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers import Silent, plain

from harness import scenario
from harness.bench import measurer, orders
from harness.bench.schedule import Plan
from harness.core.conditions import DIRECT, Condition
from harness.machine.watch import Watch
from harness.results import store
from harness.venue.venue import Venue

PLAN = Plan(500_000, 3, 2, 2, 0.5, 0, 0)
TEXT = """
schema = 1
title = "T"
why = "W"

[[case]]
name = "near"
op = "fetch_val"
sql = "select 1"
[case.bench]
"""
NETWORK = Condition("direct", 0.5)


def test_routes_are_measured_first_and_belong_to_the_run(
    place: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[Sequence[int]] = []

    class Watching(Watch):
        def __init__(self, cores: Sequence[int], pids: Sequence[int]) -> None:
            watched.append(pids)
            super().__init__(cores, pids)

    monkeypatch.setattr(measurer, "Watch", Watching)
    file = tmp_path / "small.toml"
    file.write_text(TEXT)
    made = scenario.load(file)
    cells = [under for cell in made.cells for under in cell.under([DIRECT, NETWORK])]
    order = orders.Order([made], cells, [plain("psycopg2")], PLAN, "quick", 1)
    out = tmp_path / "run.jsonl"
    orders.measure(place, order, out, Silent(), lambda _: None)

    kinds = [json.loads(line)["record"] for line in out.read_text().splitlines()]
    assert kinds.index("route") < kinds.index("trial")
    run = store.read(out)
    (route,) = run.routes
    assert (route.via, route.rtt_ms, route.label) == ("direct", 0.5, "plain connection")
    assert [seen.connections for seen in route.null_ops] == [1, 16]
    assert {trial.cell: trial.verdict for trial in run.trials} == {
        "small#near": "exact",
        "small#near[rtt=0.5]": "exact",
    }
    assert place.stage.routes.takes(NETWORK)
    # The backend takes turns with the route's process: others are seen by the clock only.
    assert any(set(place.stage.routes.pids()) <= set(pids) for pids in watched)
