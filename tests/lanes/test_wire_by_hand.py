"""Turns and messages that were counted by hand equal those that the lane counts.

Each number has its reason: what the protocol's documentation ("Message Flow") asks for, and
what the driver's source does about it. C is what the client says before it waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import scenario
from harness.bench.crew import DEADLINES
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.verdicts import EXACT, Verdict
from harness.lanes.wire import counting
from harness.lanes.wire.record import Exchange, unfolded
from harness.play.seat import Seat
from harness.servers.proxy import Proxy
from harness.venue.venue import Venue

SCENARIO = """
schema = 1
title = "Counted by hand"
why = "For tests."

[fixture]
scope = "trial"
sql = '''
create table items (id int primary key, name text);
insert into items select i, 'item ' || i from generate_series(1, 50) i;
create table log (id int, name text);
'''

[[case]]
name = "one-row"
op = "fetch_one"
sql = "select id, name from items where id = $1"
params = "select 7"
[case.bench]

[[case]]
name = "ten-rows"
op = "execute_many"
sql = "insert into log values ($1, $2)"
rows = "select i, 'row ' || i from generate_series(1, 10) i"
expect.state = "select id, name from log"
[case.bench]
reset = "truncate log"

[[case]]
name = "two-statements"
op = "transaction"
statements = [
    { sql = "insert into log values ($1, 'a')", params = "select 1" },
    { sql = "insert into log values ($1, 'b')", params = "select 2" },
]
expect.state = "select id, name from log"
[case.bench]
reset = "truncate log"
"""
DRIVERS = ("psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy")

BOUND = {"Bind": 1, "Execute": 1, "Sync": 1}
DESCRIBED = {**BOUND, "Describe": 1}

ONE_ROW = {
    # use -> (turns, what the client sends)
    # psycopg, uses 1 to 5 (prepare_threshold = 5): PQsendQueryParams says everything at
    # once, C = Parse Bind Describe Execute Sync, because a parameter needs the extended
    # query. At use 6 it prepares: PQsendPrepare is C = Parse Sync and waits, and then
    # PQsendQueryPrepared is C = Bind Describe Execute Sync: two turns. From use 7 on only
    # the latter. The asynchronous connection is the same generator, awaited.
    "psycopg": {
        1: (1, {"Parse": 1, **DESCRIBED}),
        5: (1, {"Parse": 1, **DESCRIBED}),
        6: (2, {"Parse": 1, **DESCRIBED, "Sync": 2}),
        7: (1, DESCRIBED),
        12: (1, DESCRIBED),
    },
    # psycopg2 writes the value into the SQL: PQsendQuery, one simple Query, every time.
    "psycopg2": {1: (1, {"Query": 1}), 12: (1, {"Query": 1})},
    # asyncpg prepares at once: C = Parse Describe Flush, waits for the types, then C = Bind
    # Execute Sync. Later the statement is in its cache: one turn, without a Describe.
    "asyncpg": {
        1: (2, {"Parse": 1, "Describe": 1, "Flush": 1, **BOUND}),
        2: (1, BOUND),
        12: (1, BOUND),
    },
    # psqlpy (tokio-postgres) prepares with C = Parse Describe Sync, then C = Bind Execute
    # Sync; deadpool's statement cache keeps it.
    "psqlpy": {
        1: (2, {"Parse": 1, **DESCRIBED, "Sync": 2}),
        2: (1, BOUND),
        12: (1, BOUND),
    },
}

TEN = {"Bind": 10, "Execute": 10}
TEN_ROWS = {
    # psycopg's executemany runs in pipeline mode: ten times Bind Describe Execute, a Parse
    # before the first (ten rows are beyond the threshold at once), and at the end one Sync
    # that it waits for. The Flush is PQsendFlushRequest, before results are read.
    "psycopg": {
        1: (1, {"Parse": 1, **TEN, "Describe": 10, "Flush": 1, "Sync": 1}),
        2: (1, {**TEN, "Describe": 10, "Flush": 1, "Sync": 1}),
    },
    # psycopg2's executemany is a loop of execute: ten Queries, each waited for.
    "psycopg2": {1: (10, {"Query": 10}), 12: (10, {"Query": 10})},
    # asyncpg prepares (one turn), then sends all rows and one Sync: Bind Execute ten times.
    "asyncpg": {
        1: (2, {"Parse": 1, "Describe": 1, "Flush": 1, **TEN, "Sync": 1}),
        2: (1, {**TEN, "Sync": 1}),
    },
    # psqlpy wraps it in a transaction: Query BEGIN, the rows (Bind Execute Sync each, sent
    # without waiting: their futures are joined), Query COMMIT. At first it prepares, too.
    "psqlpy": {
        1: (4, {"Query": 2, "Parse": 1, "Describe": 1, **TEN, "Sync": 11}),
        2: (3, {"Query": 2, **TEN, "Sync": 10}),
    },
}

TWO_STATEMENTS = {
    # psycopg's transaction() says BEGIN when it begins and COMMIT at its end, in Queries of
    # their own; each statement is a turn. Its threshold counts for each statement.
    "psycopg": {
        1: (4, {"Query": 2, "Parse": 2, "Bind": 2, "Describe": 2, "Execute": 2, "Sync": 2}),
        6: (6, {"Query": 2, "Parse": 2, "Bind": 2, "Describe": 2, "Execute": 2, "Sync": 4}),
        7: (4, {"Query": 2, "Bind": 2, "Describe": 2, "Execute": 2, "Sync": 2}),
    },
    # psycopg2 says BEGIN by itself before the first statement, and waits for it.
    "psycopg2": {1: (4, {"Query": 4}), 12: (4, {"Query": 4})},
    # asyncpg: Query "BEGIN;", each statement prepared (2 turns) and later only bound,
    # Query "COMMIT;".
    "asyncpg": {
        1: (6, {"Query": 2, "Parse": 2, "Describe": 2, "Flush": 2, "Bind": 2, "Execute": 2,
                "Sync": 2}),
        2: (4, {"Query": 2, "Bind": 2, "Execute": 2, "Sync": 2}),
    },
    # psqlpy: the same four, and at first a Parse Describe Sync before each statement.
    "psqlpy": {
        1: (6, {"Query": 2, "Parse": 2, "Describe": 2, "Bind": 2, "Execute": 2, "Sync": 4}),
        2: (4, {"Query": 2, "Bind": 2, "Execute": 2, "Sync": 2}),
    },
}  # fmt: skip
BY_HAND = {
    "one-row": ONE_ROW,
    "ten-rows": TEN_ROWS,
    "two-statements": TWO_STATEMENTS,
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cell]:
    file: Path = tmp_path_factory.mktemp("by-hand") / "hand.toml"
    file.write_text(SCENARIO)
    return {cell.case: cell for cell in scenario.select([str(file)])[0].cells}


@pytest.fixture(scope="module", params=DRIVERS)
def tapped(request: pytest.FixtureRequest, place: Venue) -> Iterator[tuple[Seat, Proxy]]:
    arm = Arm(request.param)
    seat = Seat(arm, place.stage, place.control, place.folder, [], DEADLINES)
    with counting.tap_of(seat) as proxy:
        yield seat, proxy
    seat.dismiss()


@pytest.mark.parametrize("case", BY_HAND)
def test_what_was_counted_by_hand(
    place: Venue, cells: dict[str, Cell], tapped: tuple[Seat, Proxy], case: str
) -> None:
    seat, proxy = tapped
    play = place.stage.prepare(cells[case])
    for repeat in range(2):
        record = counting.wire(play, seat, proxy, EXACT, repeat)
        assert record.verdict is Verdict.EXACT, record.detail
        uses = unfolded(record.uses)
        expected = BY_HAND[case][seat.arm.driver.removesuffix("-async")]
        assert {number: _told(uses[number - 1]) for number in expected} == expected


def _told(use: Exchange) -> tuple[int, dict[str, int]]:
    assert use.unsettled == 0
    return use.turns, use.sent


def test_a_driver_of_each_kind_opens_a_session_in_as_many_turns_as_scram_needs(
    place: Venue, cells: dict[str, Cell], tapped: tuple[Seat, Proxy]
) -> None:
    """SCRAM is Startup, SASLInitialResponse, SASLResponse: three turns. libpq and asyncpg
    ask for TLS before ("prefer"), and this server says no: one more. What the profile
    registers comes on top, so the connection of a `connect` case is counted, not a
    session's."""
    seat, proxy = tapped
    [connect] = [
        cell
        for cell in scenario.select(["connections/connect"])[0].cells
        if cell.case == "connect" and not cell.condition.mark
    ]
    play = place.stage.prepare(connect)
    record = counting.wire(play, seat, proxy, EXACT)
    first = record.uses[0]
    asks = seat.arm.driver != "psqlpy"
    assert first.sent["Startup"] == first.opened == 1
    assert first.sent["Password"] == 2
    assert first.sent.get("SSLRequest", 0) == asks
    assert first.turns == 3 + asks + first.sent.get("Query", 0) + first.sent.get("Sync", 0)
