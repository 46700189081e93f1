"""The harness's timed loop against a hand-written loop: same driver, same statement.

Each round is a fresh process that opens one connection, for both loops: two connections
of one process may differ by some per cent. Slices of both loops take turns in random
order. The figure is the ratio harness / by hand over rounds, with a
Hodges–Lehmann interval; the mark is an upper end of at most 1 %.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import math
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from time import perf_counter_ns
from typing import Any

from harness.core import stats
from harness.core.calls import Call, Op, Target
from harness.machine import host
from harness.plugin import contract
from harness.validity.outcome import Outcome
from harness.venue.control import connected
from harness.venue.venue import Venue
from harness.worker import loops
from harness.worker.allocator import warm_allocator
from studies import with_studies

SCHEMA = "pgdyno_by_hand"
SQL = f"select id, name from {SCHEMA}.account where id = $1"
FORMAT_SQL = f"select id, name from {SCHEMA}.account where id = %s"
PARAMS = tuple((i,) for i in range(1, 51))
OPS = 100
PASSES = 60
WARM_UP = 5
MARK = 0.01
DRIVERS = ("psycopg", "psycopg2", "psycopg-async", "asyncpg", "psqlpy")


Loop = Callable[[int], int]
AsyncLoop = Callable[[int], Awaitable[int]]


def no_meter() -> loops.Reading:
    """Only wall time is compared here."""
    return ()


def by_hand_psycopg(connection: Any) -> Loop:
    """What a psycopg user would write to time a query."""
    params = itertools.cycle(PARAMS)

    def loop(ops: int) -> int:
        start = perf_counter_ns()
        for _ in range(ops):
            connection.execute(FORMAT_SQL, next(params)).fetchone()
        return perf_counter_ns() - start

    return loop


def by_hand_psycopg2(connection: Any) -> Loop:
    """What a psycopg2 user would write."""
    params = itertools.cycle(PARAMS)

    def loop(ops: int) -> int:
        start = perf_counter_ns()
        for _ in range(ops):
            with connection.cursor() as cursor:
                cursor.execute(FORMAT_SQL, next(params))
                cursor.fetchone()
        return perf_counter_ns() - start

    return loop


def by_hand_psycopg_async(connection: Any) -> AsyncLoop:
    """What a user of psycopg's async connection would write."""
    params = itertools.cycle(PARAMS)

    async def loop(ops: int) -> int:
        start = perf_counter_ns()
        for _ in range(ops):
            cursor = await connection.execute(FORMAT_SQL, next(params))
            await cursor.fetchone()
        return perf_counter_ns() - start

    return loop


def by_hand_asyncpg(connection: Any) -> AsyncLoop:
    """What an asyncpg user would write."""
    params = itertools.cycle(PARAMS)

    async def loop(ops: int) -> int:
        start = perf_counter_ns()
        for _ in range(ops):
            await connection.fetchrow(SQL, *next(params))
        return perf_counter_ns() - start

    return loop


def by_hand_psqlpy(connection: Any) -> AsyncLoop:
    """What a psqlpy user would write."""
    params = itertools.cycle([list(row) for row in PARAMS])

    async def loop(ops: int) -> int:
        start = perf_counter_ns()
        for _ in range(ops):
            answer = await connection.fetch_row(SQL, next(params))
            answer.result()
        return perf_counter_ns() - start

    return loop


SYNC = {"psycopg": by_hand_psycopg, "psycopg2": by_hand_psycopg2}
ASYNC = {
    "psycopg-async": by_hand_psycopg_async,
    "asyncpg": by_hand_asyncpg,
    "psqlpy": by_hand_psqlpy,
}


def log_ratio_of_process(name: str, target: Target) -> float:
    """One round: in each pass both loops once, in random order; the median log-ratio."""
    warm_allocator()
    plugin = contract.load(contract.parse_arm(name))
    call = Call(Op.FETCH_ONE, sql=SQL, params=PARAMS)
    if name in SYNC:
        session = plugin.open(target, "default")
        op, hand = session.fetch_one(call), SYNC[name](session.connection)
        return paired(
            lambda ops: loops.sync_slice(op, ops // 5, ops, no_meter)[0],
            lambda ops: hand(ops // 5) and hand(ops),
        )
    return asyncio.new_event_loop().run_until_complete(of_async(plugin, name, target, call))


def paired(harness: Callable[[int], int], hand: Callable[[int], int]) -> float:
    """The median over passes of log(harness / by hand); the first passes warm up."""
    logs = []
    for _ in range(PASSES):
        if random.random() < 0.5:
            first, second = harness(OPS), hand(OPS)
        else:
            second, first = hand(OPS), harness(OPS)
        logs.append(math.log(first / second))
    return statistics.median(logs[WARM_UP:])


async def of_async(plugin: Any, name: str, target: Target, call: Call) -> float:
    """The same for an async driver, inside one running loop."""
    session = await plugin.open(target, "default")
    op, hand = session.fetch_one(call), ASYNC[name](session.connection)
    logs = []
    for _ in range(PASSES):
        walls: dict[bool, int] = {}
        for harness in random.sample((True, False), 2):
            if harness:
                walls[True] = (await loops.async_slice(op, OPS // 5, OPS, no_meter))[0]
            else:
                await hand(OPS // 5)
                walls[False] = await hand(OPS)
        logs.append(math.log(walls[True] / walls[False]))
    return statistics.median(logs[WARM_UP:])


def round_in_fresh_process(name: str, target: Target, cores: Sequence[int]) -> float:
    """Run one round as a process of its own, pinned like a worker."""
    fields = ("host", "port", "user", "password", "dbname")
    done = subprocess.run(
        [sys.executable, "-m", "studies.validity.by_hand", name, *map(str, cores)],
        input=json.dumps({field: getattr(target, field) for field in fields}),
        env=with_studies(os.environ),
        text=True,
        capture_output=True,
        check=True,
    )
    return float(done.stdout)


def against_hand(place: Venue, rounds: int) -> Iterator[Outcome]:
    """One row per driver: the upper end of the interval of harness / by hand."""
    target = place.server.target
    with host.placed(place.server) as placement, _table(target):
        for name in DRIVERS:
            logs = [
                round_in_fresh_process(name, target, placement.clients)
                for _ in range(rounds)
            ]
            found = stats.hodges_lehmann(logs)
            assert found.low is not None
            assert found.high is not None
            point, low, high = map(math.expm1, (found.point, found.low, found.high))
            yield Outcome(
                f"timed loop against a hand-written one, {name}",
                f"upper end at most {MARK:.0%}",
                f"{point:+.2%} ({low:+.2%} … {high:+.2%}), {found.n} rounds",
                high <= MARK,
            )


@contextlib.contextmanager
def _table(target: Target) -> Iterator[None]:
    """The table that is asked, in a schema of its own."""
    with connected(target) as control:
        control.drop_schema(SCHEMA)
        control.create_schema(SCHEMA)
        control.run(
            f"create table {SCHEMA}.account (id int primary key, name text);"
            f"insert into {SCHEMA}.account"
            " select i, 'customer ' || i from generate_series(1, 1000) i;"
            f"analyze {SCHEMA}.account"
        )
        try:
            yield
        finally:
            control.drop_schema(SCHEMA)


def main() -> None:
    """Entry of a round's process: the target on stdin, the log-ratio on stdout."""
    name, *cores = sys.argv[1:]
    host.pin_here([int(core) for core in cores])
    target = Target(**json.load(sys.stdin))
    print(log_ratio_of_process(name, target), flush=True)
    os._exit(0)  # a native thread pool may object to the end of the interpreter


if __name__ == "__main__":
    main()
