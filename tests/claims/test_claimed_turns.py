"""Claims about rates over a network: N ÷ (k · RTT), from records that were made for it."""

from __future__ import annotations

import re

import fake_runs
import latency_runs
import msgspec
import pytest
from msgspec.structs import replace

from harness.claims import deciding, form, missing, naming, reading
from harness.claims.evidence import Evidence
from harness.claims.outcomes import ClaimOutcome, DecidedPart
from harness.core.errors import ClaimError
from harness.core.verdicts import EXACT, Judgement, Verdict
from harness.lanes.wire.record import Exchange, Wire
from harness.results.records import Run, Slices, Trial

CELL = "latency/handlers#select"
FAR = f"{CELL}[rtt=45]"
CLIENTS = 16


def condition(**keys) -> form.TurnsCondition:
    given = {"by": "turns", "cell": CELL, "driver": "asyncpg", **keys}
    found = msgspec.convert(given, form.AnyCondition)
    assert isinstance(found, form.TurnsCondition)
    return found


def run(cell: str) -> Run:
    """A run of one cell and driver, without records."""
    made = fake_runs.bench(rows=[], rounds=0, arms=[fake_runs.arm_facts("asyncpg")])
    facts = replace(latency_runs.cell(clients=CLIENTS), id=cell)
    return replace(made, header=replace(made.header, cells=[facts]))


def counted(*turns: int, verdict: Judgement = EXACT) -> Run:
    """What the wire lane counted of ops by all clients, use by use."""
    uses = [
        Exchange(turns=each * CLIENTS, sent_bytes=1, received_bytes=1, ops=CLIENTS)
        for each in turns
    ]
    record = Wire(cell=CELL, arm="asyncpg", repeat=0, judgement=verdict, uses=uses)
    return replace(run(CELL), lane_records=[record])


def measured(rate: float, rounds: int = 8) -> Run:
    """So many requests a second of all clients together, with a noise of 1 %."""
    ns = 1e9 / rate
    trials = [
        Trial(
            cell=FAR,
            arm="asyncpg",
            round=number,
            judgement=EXACT,
            slices=Slices(
                ops=10,
                lead=1,
                wall_ns=[round(ns * 10 * CLIENTS * (1 + (number - 4) / 400))],
                cpu_ns=[],
            ),
        )
        for number in range(rounds)
    ]
    return replace(run(FAR), trials=trials)


def decide(asked: form.TurnsCondition, *runs: Run) -> DecidedPart:
    (part,) = deciding.parts_of(asked, Evidence(runs), "pgdyno claims X --run")
    return part


@pytest.mark.parametrize(
    ("equals", "outcome"),
    [(2, ClaimOutcome.HOLDS), (1, ClaimOutcome.DOES_NOT_HOLD)],
)
def test_turns_are_those_of_later_uses(equals, outcome):
    part = decide(condition(**{"is": {"equals": equals}}), counted(4, 3, 2, 2, 2, 2))
    assert part.outcome is outcome
    assert part.seen == "2 turns a request"
    assert part.command == f"pgdyno bench '{CELL}' --lane wire --driver asyncpg"


def test_turns_that_differ_decide_only_what_holds_of_all():
    varied = counted(*[2, 3] * 6)
    assert (
        decide(condition(**{"is": {"at_least": 2}}), varied).outcome is ClaimOutcome.HOLDS
    )
    part = decide(condition(**{"is": {"equals": 2}}), varied)
    assert part.outcome is ClaimOutcome.INCONCLUSIVE
    assert part.seen == "2 to 3 turns a request"


@pytest.mark.parametrize(
    ("rate", "outcome"),
    [
        (444, ClaimOutcome.HOLDS),  # 40 ÷ (2 · 45 ms)
        (400, ClaimOutcome.HOLDS),
        (927, ClaimOutcome.DOES_NOT_HOLD),  # one turn
        (296, ClaimOutcome.DOES_NOT_HOLD),  # three
    ],
)
def test_a_published_rate_is_so_many_turns(rate, outcome):
    asked = condition(published=rate, clients=40, rtt_ms=45)
    part = decide(asked, counted(2, 2))
    assert part.outcome is outcome
    assert part.seen == (
        f"2 turns a request: 40 ÷ (k · 45 ms) is 444 a second; the source has {rate}"
    )


@pytest.mark.parametrize(
    ("rate", "outcome"),
    [
        (178, ClaimOutcome.HOLDS),  # 16 ÷ (2 · 45 ms)
        (355, ClaimOutcome.DOES_NOT_HOLD),
        (196, ClaimOutcome.INCONCLUSIVE),  # the edge of 10 %
    ],
)
def test_a_measured_rate_is_so_many_turns(rate, outcome):
    part = decide(condition(at=FAR, within=0.1), counted(2, 2), measured(rate))
    assert part.outcome is outcome
    assert part.seen.startswith(
        "2 turns a request: 16 ÷ (k · 45 ms) is 178 a second; measured "
    )
    assert part.cells == (CELL, FAR)


def test_what_is_missing_is_not_tried():
    asked = condition(at=FAR)
    assert decide(asked).outcome is ClaimOutcome.NOT_TRIED
    assert decide(asked).command == "pgdyno claims X --run --times"
    assert decide(asked, counted(2)).outcome is ClaimOutcome.NOT_TRIED
    few = decide(asked, counted(2), measured(178, rounds=5))
    assert few.outcome is ClaimOutcome.INCONCLUSIVE
    hung = Judgement(Verdict.HUNG, EXACT.code, "no answer")
    part = decide(asked, counted(verdict=hung))
    assert (part.outcome, part.seen) == (ClaimOutcome.NOT_TRIED, "hung: no answer")


def test_what_is_missing_is_counted_and_measured():
    asked = condition(at=FAR)
    both = [
        missing.Measuring("wire", (CELL,), ("asyncpg",)),
        missing.Measuring("time", (FAR,), ("asyncpg",)),
    ]
    assert missing.times([asked], Evidence()) == both
    assert missing.times([asked], Evidence([counted(2)])) == both[1:]
    assert missing.times([asked], Evidence([counted(2), measured(178)])) == []
    assert missing.times([condition(**{"is": {"equals": 1}})], Evidence()) == both[:1]


def test_a_cell_under_a_condition_is_found_by_its_name():
    assert naming.cells_of(condition(at=FAR)) == [CELL, FAR]
    assert naming.unknown_cell("query/point#fetch-one[rtt=45]") == ""
    assert "no cell is called" in naming.unknown_cell("query/point#fetch-on[rtt=45]")


SOURCE = """
schema = 1
id = "P2"
title = "A title"
date = "2026"
about = "About."
[[claim]]
id = "P2-01"
claim = "It waits."
[[claim.decide]]
by = "turns"
cell = "latency/handlers#select"
driver = "asyncpg"
"""


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("", "nothing or several things of turns"),
        ('is = { equals = 1 }\nat = "a/b#c[rtt=5]"', "nothing or several things of turns"),
        ("published = 400", "a published rate needs `clients` and `rtt_ms`"),
        ('at = "latency/handlers#select"', "has no network"),
        ('at = "a/b#c[rtt=5]"\nwithin = 1.5', "`within` is no share"),
        ("is = { }", "`is` must say one thing"),
    ],
)
def test_a_slip_is_told(tmp_path, keys, told):
    file = tmp_path / "p2.toml"
    file.write_text(SOURCE + keys + "\n", "utf-8")
    with pytest.raises(ClaimError, match=re.escape(told)):
        reading.load(file)
