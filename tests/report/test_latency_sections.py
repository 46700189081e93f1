"""What a report says of the network: t₀ and k, crossings, savings, and what is odd."""

from __future__ import annotations

import dataclasses

import latency_runs as made
from msgspec.structs import replace

from harness.core.verdicts import EXACT
from harness.lanes.wire.record import Exchange, Wire
from harness.render import csv, html, markdown, png, text
from harness.render import measured as end_of_bench
from harness.report import measured, view
from harness.report.numbers import numbers

LINES = {"psycopg": (42.0, 1), "asyncpg": (30.0, 2)}


def still(lines, **given):
    """Without any noise, so that every number is exact."""
    return made.run(lines, noise=0, jitter_us=0, **given)


def shown(run, *others):
    return view.build([run, *others]).runs[0]


def rows(run, section=0, table=0, others=()):
    """arm → head → what a reader sees."""
    found = shown(run, *others).latency.sections[section]
    heads = [quantity.head for quantity in found.quantities]
    return {
        row.arm: dict(zip(heads, (value.text for value in row.values), strict=True))
        for row in found.tables[table].rows
    }


def counted(turns, *, cell=made.CELL, arm="asyncpg"):
    """A run of the wire lane in which an op had these turns, first and later."""
    run = still({arm: (30.0, 1)}, rtts=(0,))
    uses = [Exchange(turns=each, sent_bytes=1, received_bytes=1) for each in turns]
    facts = [replace(facts, id=cell) for facts in run.header.cells]
    header = replace(run.header, lane="wire", cells=facts)
    records = [Wire(cell=cell, arm=arm, repeat=0, judgement=EXACT, uses=uses)]
    return replace(run, header=header, trials=[], lane_records=records)


def test_a_run_without_rtts_says_nothing_of_them():
    report = view.build([made.fake_runs.bench()])
    assert report.runs[0].latency is None
    assert "What the network adds" not in text.render(report)
    assert "network" not in html.render(report).partition("<style>")[0]
    assert "network.png" not in png.render(report)


def test_each_driver_has_its_line():
    found = rows(still(LINES))
    assert found["asyncpg"] == {
        "t₀, no network": "30.0 µs",
        "k, turns": "2.00",
        "at 0.2 ms": "430 µs",
        "at 1 ms": "2.03 ms",
        "at 5 ms": "10.0 ms",
        "at 45 ms": "90.0 ms",
        "off the line": "0.0 %",
    }
    assert found["psycopg"]["k, turns"] == "1.00"


def test_promised_and_measured_rtts_are_told():
    plain = still(LINES)
    told = shown(plain).latency.sections[0].intro
    assert told.endswith("RTTs added, ms, as promised: 0, 0.2, 1, 5, 45.")
    measured_once = replace(plain, routes=[made.route(1.0, 1.04)])
    told = shown(measured_once).latency.sections[0].intro
    assert told.endswith("in brackets as measured: 0, 0.2, 1 (1.04), 5, 45.")


def test_counted_turns_of_the_same_report_stand_beside():
    timed, wire = still(LINES), counted([3, 2, 2, 2])
    found = rows(timed, others=[wire])
    assert (found["asyncpg"]["counted"], found["psycopg"]["counted"]) == ("2", "–")
    assert not [
        remark for remark in shown(timed, wire).findings if remark.kind == "network"
    ]


def test_an_op_that_may_need_no_turn_was_counted_from_none():
    without, once = counted([0, 0, 0, 0]), counted([1, 1, 1, 1])
    repeated = [replace(record, repeat=1) for record in once.lane_records]
    both = replace(without, lane_records=[*without.lane_records, *repeated])
    found = rows(still(LINES), others=[both])
    assert found["asyncpg"]["counted"] == "0 – 1"


def test_a_network_that_other_work_hid_is_taken_as_promised():
    hidden = replace(still(LINES), routes=[made.route(0.2, -0.01)])
    assert rows(hidden) == rows(still(LINES))
    assert html.render(view.build([hidden]))


def test_a_driver_that_waits_more_often_than_was_counted_is_a_finding():
    timed = made.run(LINES)
    (finding,) = [
        remark
        for remark in shown(timed, counted([1, 1, 1])).findings
        if remark.kind == "network"
    ]
    assert finding.text.startswith("asyncpg: k = 2.00 (")
    assert finding.text.endswith("), but the wire lane counted 1 turns")
    assert finding.where == made.CELL


def test_odd_turns_and_bends_are_findings():
    odd = made.run({"asyncpg": (30.0, 1.5), "psqlpy": lambda rtt: 60 + 1e3 * rtt**1.3})
    told = [remark.text for remark in shown(odd).findings if remark.kind == "network"]
    assert len(told) == 2
    assert told[0].endswith("no whole number of turns")
    assert told[1].startswith("psqlpy: not a line: at ")
    assert rows(odd)["psqlpy"]["off the line"].startswith("not a line: ")


def test_where_drivers_cross_is_said_below_their_table():
    """42 + R = 30 + 2·R."""
    (note,) = shown(still(LINES)).latency.sections[0].tables[0].notes
    assert note == (
        "asyncpg is faster up to 12.0 µs (12.0 – 12.0) of RTT, psycopg from there on."
    )


def test_what_a_pipeline_saves_is_a_table_of_its_own():
    few = {"statements": 10}
    ahead = made.cell("pipeline/selects#pipeline", op="pipeline", point=few)
    waiting = made.cell("pipeline/selects#sequential", op="sequential", point=few)
    cells = [(ahead, {"psycopg": (400.0, 1)}), (waiting, {"psycopg": (300.0, 10)})]
    run = still({}, cells=cells)
    section = shown(run).latency.sections[1]
    assert section.tables[0].facts.title == (
        "pipeline instead of sequential: Title of pipeline"
    )
    assert rows(run, section=1)["psycopg"] == {
        "turns less": "+9.00",
        "at 0 ms": "−100 µs",
        "at 0.2 ms": "1.70 ms",
        "at 1 ms": "8.90 ms",
        "at 5 ms": "44.9 ms",
        "at 45 ms": "405 ms",
        "pays from": "11.1 µs",
    }


def test_a_bench_ends_with_the_rtt_from_which_on_a_pipeline_pays():
    """300 + 10·R against 400 + R: equal at 0.1 / 9 ms."""
    few = {"statements": 10}
    ahead = made.cell("pipeline/selects#pipeline", op="pipeline", point=few)
    waiting = made.cell("pipeline/selects#sequential", op="sequential", point=few)
    cells = [(ahead, {"psycopg": (400.0, 1)}), (waiting, {"psycopg": (300.0, 10)})]
    run = still({}, cells=cells)
    end = measured.build(run, shown(run), 0)
    assert (
        "psycopg, pipeline instead of sequential: −9.00 turns, pays from 11.1 µs of RTT on "
        "(pipeline/selects#pipeline@statements=10)"
    ) in " ".join(end_of_bench.render(end).split())
    many = dataclasses.replace(end, saved=("a saving",) * 12)
    assert "and 2 more like these" in end_of_bench.render(many)


def test_every_format_has_it():
    run = made.run(LINES)
    report = view.build([run])
    for drawn in (text.render(report), markdown.render(report), html.render(report)):
        assert "What the network adds" in drawn
        assert "asyncpg is faster up to" in drawn
    assert max(map(len, text.render(report).splitlines())) <= 80
    page = html.render(report)
    assert page.count('<polygon class="band"') == 2
    assert page.count('class="x"') == 1
    assert png.render(report)["network.png"].startswith(b"\x89PNG")
    told = list(numbers(report.runs[0]))
    turns = {
        number.arm: number.estimate for number in told if number.metric == "network_turns"
    }
    assert round(turns["asyncpg"], 2) == 2
    assert "network_fixed_ns" in csv.render(told)


def test_a_bench_ends_with_the_lines():
    run = made.run(LINES)
    drawn = end_of_bench.render(measured.build(run, shown(run), 0)).splitlines()
    (head,) = [line for line in drawn if line.startswith("network: t = t₀ + k · RTT")]
    at = drawn.index(head)
    assert drawn[at + 1] == made.CELL
    assert drawn[at + 2].split()[:2] == [
        "psycopg",
        shown(run).latency.summary[0].fixed.split()[0],
    ]
    assert max(map(len, drawn)) <= 80


def test_crossings_far_nearer_than_any_rtt_are_told_but_not_drawn():
    chart = shown(still({"psycopg": (30.001, 1), "asyncpg": (30.0, 2)})).latency.charts[0]
    assert chart.marks == ()
    assert chart.nearest == 0.2
    drawn = shown(still(LINES)).latency.charts[0]
    assert [round(rtt, 4) for rtt, _, _ in drawn.marks] == [0.012]
    assert round(drawn.nearest, 4) == 0.012
