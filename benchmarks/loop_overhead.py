"""The harness's timed loop against a hand-written loop: same driver, same statement.

Each round is a fresh process that opens one connection and interleaves slices of both
loops in random order. The figure is the ratio harness / by hand over rounds, with a
Hodges–Lehmann interval; the mark is an upper end of at most 1 %.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import random
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from typing import Any

from harness import driver, loops, machine, servers, stats
from harness.model import Call, Op, Target

SQL = "select id, name from account where id = $1"
PARAMS = tuple((i,) for i in range(1, 51))
OPS = 100
SLICES = 40
MARK = 0.01
DRIVERS = ("psycopg", "psycopg2", "psycopg-async", "asyncpg", "psqlpy")


def no_meter() -> loops.Reading:
    """Only wall time is compared here."""
    return ()


def by_hand_psycopg(target: Target) -> Callable[[int], int]:
    """What a psycopg user would write to time a query."""
    import psycopg

    connection = psycopg.connect(**arguments(target), autocommit=True)
    params = itertools.cycle(PARAMS)

    def loop(ops: int) -> int:
        start = perf_counter_ns()
        for _ in range(ops):
            cursor = connection.execute(
                "select id, name from account where id = %s", next(params)
            )
            cursor.fetchone()
        return perf_counter_ns() - start

    return loop


def by_hand_psycopg2(target: Target) -> Callable[[int], int]:
    """What a psycopg2 user would write."""
    import psycopg2

    connection = psycopg2.connect(**arguments(target))
    connection.autocommit = True
    params = itertools.cycle(PARAMS)

    def loop(ops: int) -> int:
        start = perf_counter_ns()
        for _ in range(ops):
            with connection.cursor() as cursor:
                cursor.execute("select id, name from account where id = %s", next(params))
                cursor.fetchone()
        return perf_counter_ns() - start

    return loop


AsyncLoop = Callable[[int], Awaitable[int]]


async def by_hand_psycopg_async(target: Target) -> AsyncLoop:
    """What a user of psycopg's async connection would write."""
    import psycopg

    connection = await psycopg.AsyncConnection.connect(**arguments(target), autocommit=True)
    params = itertools.cycle(PARAMS)

    async def loop(ops: int) -> int:
        start = perf_counter_ns()
        for _ in range(ops):
            cursor = await connection.execute(
                "select id, name from account where id = %s", next(params)
            )
            await cursor.fetchone()
        return perf_counter_ns() - start

    return loop


async def by_hand_asyncpg(target: Target) -> AsyncLoop:
    """What an asyncpg user would write."""
    import asyncpg

    connection = await asyncpg.connect(
        host=target.host, port=target.port, user=target.user,
        password=target.password, database=target.dbname,
    )  # fmt: skip
    params = itertools.cycle(PARAMS)

    async def loop(ops: int) -> int:
        start = perf_counter_ns()
        for _ in range(ops):
            await connection.fetchrow(SQL, *next(params))
        return perf_counter_ns() - start

    return loop


async def by_hand_psqlpy(target: Target) -> AsyncLoop:
    """What a psqlpy user would write."""
    import psqlpy

    connection = await psqlpy.connect(
        host=target.host, port=target.port, username=target.user,
        password=target.password, db_name=target.dbname,
    )  # fmt: skip
    params = itertools.cycle([list(one) for one in PARAMS])

    async def loop(ops: int) -> int:
        start = perf_counter_ns()
        for _ in range(ops):
            answer = await connection.fetch_row(SQL, next(params))
            answer.result()
        return perf_counter_ns() - start

    return loop


def arguments(target: Target) -> dict[str, Any]:
    """How libpq's drivers are told where to connect."""
    return {
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "password": target.password,
        "dbname": target.dbname,
    }


SYNC = {"psycopg": by_hand_psycopg, "psycopg2": by_hand_psycopg2}
ASYNC = {
    "psycopg-async": by_hand_psycopg_async,
    "asyncpg": by_hand_asyncpg,
    "psqlpy": by_hand_psqlpy,
}


def log_ratio_of_process(name: str, target: Target) -> float:
    """One round: both loops interleaved in this process; the log of their ratio."""
    plugin = driver.load(driver.parse_arm(name))
    call = Call(Op.FETCH_ONE, sql=SQL, params=PARAMS)
    order = [harness for harness in (True, False) for _ in range(SLICES)]
    random.shuffle(order)
    times: dict[bool, list[int]] = {True: [], False: []}
    if name in SYNC:
        session = plugin.open(target, "default")
        op, hand = session.fetch_one(call), SYNC[name](target)
        for harness in [True, False, *order]:
            hand(20) if not harness else loops.sync_slice(op, 20, 1, no_meter)
            wall = loops.sync_slice(op, 0, OPS, no_meter)[0] if harness else hand(OPS)
            times[harness].append(wall)
    else:
        asyncio.run(measure_async(plugin, name, target, call, order, times))
    return math.log(statistics.median(times[True]) / statistics.median(times[False]))


async def measure_async(
    plugin: Any,
    name: str,
    target: Target,
    call: Call,
    order: list[bool],
    times: dict[bool, list[int]],
) -> None:
    """The same for an async driver, inside one running loop."""
    session = await plugin.open(target, "default")
    op, hand = session.fetch_one(call), await ASYNC[name](target)
    for harness in [True, False, *order]:
        if harness:
            await loops.async_slice(op, 20, 1, no_meter)
            times[True].append((await loops.async_slice(op, 0, OPS, no_meter))[0])
        else:
            await hand(20)
            times[False].append(await hand(OPS))


def round_in_fresh_process(name: str, target: Target) -> float:
    """Run one round as a process of its own, pinned like a worker."""
    spec = json.dumps(
        {
            one: getattr(target, one)
            for one in ("host", "port", "user", "password", "dbname")
        }
    )
    done = subprocess.run(
        [sys.executable, __file__, "--round", name],
        input=spec,
        text=True,
        capture_output=True,
        check=True,
    )
    return float(done.stdout)


def main() -> int:
    """Print one line per driver; exit 1 if any upper end is above the mark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=16)
    parser.add_argument("--driver", action="append", default=[])
    parser.add_argument("--round", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.round:
        print(log_ratio_of_process(args.round, Target(**json.load(sys.stdin))))
        return 0
    missed = False
    print("mark: upper end of the interval ≤ 1 %")
    print(f"{'driver':<15} {'harness / by hand':>18} {'interval':>20}  n")
    with servers.open_server(servers.parse("wheel")) as server:
        place = machine.place(server=True)
        machine.pin_server(server.pid, place.server)
        fill(server.target)
        machine.pin_here(place.clients)
        for name in args.driver or DRIVERS:
            logs = [round_in_fresh_process(name, server.target) for _ in range(args.rounds)]
            found = stats.hodges_lehmann(logs)
            assert found.low is not None
            assert found.high is not None
            ok = math.expm1(found.high) <= MARK
            missed |= not ok
            interval = f"{math.expm1(found.low):+.2%} … {math.expm1(found.high):+.2%}"
            point = f"{math.expm1(found.point):+.2%}"
            mark = "ok" if ok else "MISSED"
            print(f"{name:<15} {point:>18} {interval:>20} {found.n:>2}  {mark}")
    return int(missed)


def fill(target: Target) -> None:
    """The table that is asked."""
    from harness.control import connected

    with connected(target) as control:
        control.run(
            "create table account (id int primary key, name text);"
            "insert into account"
            " select i, 'customer ' || i from generate_series(1, 1000) i;"
            "analyze account"
        )


if __name__ == "__main__":
    sys.exit(main())
