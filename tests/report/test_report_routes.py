"""What a report says of the routes of a run."""

from __future__ import annotations

import fake_runs
import pytest
from fake_runs import arm_facts, bench
from msgspec.structs import replace

from harness.render import html, markdown, text
from harness.report import view
from harness.results import lines, soundness, store
from harness.results.records import Note, NullOps, Route


def null_ops(median_ns, connections=1):
    return NullOps(
        connections=connections,
        ops=100,
        base_ns=40_000,
        median_ns=median_ns,
        p5_ns=median_ns - 30_000,
        p95_ns=median_ns + 90_000,
    )


FAR = Route(
    via="pgbouncer",
    rtt_ms=5.0,
    label="PgBouncer 1.18.0, transaction mode",
    versions={"pgbouncer": "1.18.0"},
    null_ops=[null_ops(5_010_000), null_ops(5_100_000, 16)],
)
NEAR = Route(via="unix", label="Unix socket", null_ops=[null_ops(-7_000)])


@pytest.fixture
def run():
    made = bench(rows=fake_runs.CELLS[:1], arms=[arm_facts("psycopg")])
    return replace(made, routes=[FAR, NEAR])


def test_a_route_is_a_line_of_every_report(run):
    shown = view.build([run])
    far, near = shown.runs[0].routes
    assert far.name == "route PgBouncer, RTT 5 ms"
    assert far.value == (
        "PgBouncer 1.18.0, transaction mode (pgbouncer 1.18.0); "
        "promised 5.00 ms, a null op takes 5.01 ms more (5–95 %: 4.98 ms … 5.10 ms), "
        "5.10 ms more (5–95 %: 5.07 ms … 5.19 ms) with 16 connections"
    )
    taken = "−7.00 µs more (5–95 %: −37.0 µs … 83.0 µs)"
    assert near.value == f"Unix socket; a null op takes {taken}"
    assert {far, near} <= set(shown.runs[0].environment)
    for drawn in (text.render(shown), markdown.render(shown), html.render(shown)):
        assert "route PgBouncer, RTT 5 ms" in drawn


def test_a_plain_run_says_nothing_of_routes(run):
    shown = view.build([replace(run, routes=[])])
    assert not shown.runs[0].routes
    assert "route" not in text.render(shown)


@pytest.mark.parametrize(
    ("rtt_ms", "median_ns", "kept"),
    [
        (0.2, 249_000, True),
        (0.2, 251_000, False),
        (0.2, 149_000, False),
        (5.0, 5_249_000, True),
        (5.0, 5_251_000, False),
        (45.0, 42_760_000, True),
        (45.0, 42_740_000, False),
        (0.0, 900_000, True),
    ],
)
def test_a_promise_is_kept_within_the_larger_of_both(rtt_ms, median_ns, kept):
    route = replace(FAR, rtt_ms=rtt_ms, null_ops=[null_ops(median_ns)])
    assert (not route.broken) == kept


def test_a_broken_promise_is_told_for_each_number_of_connections():
    route = replace(FAR, null_ops=[null_ops(5_010_000), null_ops(6_000_000, 16)])
    assert route.broken == (
        "a round trip takes 6.00 ms with 16 connections at once, and 5 ms was promised"
    )


def test_routes_come_back_from_a_file(run, tmp_path):
    path = tmp_path / "run.jsonl"
    note = Note(kind="route", text="RTT 5 ms: late")
    path.write_bytes(lines.encoded([run.header, FAR, note, NEAR, run.footer]))
    read = store.read(path)
    assert read.routes == [FAR, NEAR]
    assert read.notes == [note]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rtt_ms": -1.0}, "rtt_ms is -1: no round trip of a network"),
        ({"rtt_ms": float("nan")}, "rtt_ms is nan: no round trip of a network"),
        ({"null_ops": [null_ops(1, 0)]}, "null_ops holds a number of connections or ops"),
    ],
)
def test_a_route_that_nobody_measured_is_refused(changes, said):
    assert soundness.problem(replace(FAR, **changes)).startswith(said)
    assert not soundness.problem(FAR)
