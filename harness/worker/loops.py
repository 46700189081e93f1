"""The timed loops: one visible function per timing model, and nothing else.

This is the only module that times an op, but for `load_loops`, whose many clients send at
once. In each function the region between the two clock readings holds the loop and the op,
no branch, no attribute look-up, no other call. A slice begins with an untimed lead-in,
because the first ops after another driver's turn find cold caches.

    wall per op = (end - start) / ops

which contains, besides the op, one step of `itertools.repeat` and one call: 17 ns
measured on CPython 3.11 (19 ns with `await`).

asyncio is imported where there are tasks, hence by nobody else: it brings ssl, logging and
subprocess along, which a worker of a sync driver would load at each start.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from itertools import repeat
from time import perf_counter_ns, sleep
from typing import Any

SyncOp = Callable[[], Any]
AsyncOp = Callable[[], Awaitable[Any]]
Program = Callable[[int, int], int]
Reading = tuple[int, ...]
Meter = Callable[[], Reading]
Timing = tuple[int, Reading, Reading]
"""Wall nanoseconds, and the meter's readings before and after."""


def sync_slice(op: SyncOp, lead: int, ops: int, meter: Meter) -> Timing:
    """`ops` calls of a sync op, one after another."""
    for _ in repeat(None, lead):
        op()
    before = meter()
    start = perf_counter_ns()
    for _ in repeat(None, ops):
        op()
    end = perf_counter_ns()
    return end - start, before, meter()


async def async_slice(op: AsyncOp, lead: int, ops: int, meter: Meter) -> Timing:
    """`ops` awaits of an async op, one after another, inside one running loop."""
    for _ in repeat(None, lead):
        await op()
    before = meter()
    start = perf_counter_ns()
    for _ in repeat(None, ops):
        await op()
    end = perf_counter_ns()
    return end - start, before, meter()


def program_slice(program: Program, lead: int, ops: int) -> int:
    """`ops` ops of a program that times itself, after `lead` at least; wall nanoseconds.

    The formula above is not this one: the clock is the program's own, and neither our
    loop nor a call of ours is in its time.
    """
    return program(lead, ops)


def threads_slice(ops: Sequence[SyncOp], lead: int, each: int, meter: Meter) -> Timing:
    """Closed loop: one thread per client, each `each` calls; wall from the moment the
    last client is ready to the moment the last one has finished."""
    begun: list[tuple[Reading, int]] = []
    finished: list[int] = []
    failures: list[BaseException] = []
    # The last client to arrive reads the clocks, before any of them is let go.
    ready = threading.Barrier(
        len(ops), action=lambda: begun.append((meter(), perf_counter_ns()))
    )

    def client(op: SyncOp) -> None:
        try:
            for _ in repeat(None, lead):
                op()
            ready.wait()
            for _ in repeat(None, each):
                op()
            finished.append(perf_counter_ns())
        except threading.BrokenBarrierError:
            pass  # another client failed and says why
        except BaseException as error:
            failures.append(error)
            ready.abort()

    threads = [threading.Thread(target=client, args=(op,), daemon=True) for op in ops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    before, start = begun[0]
    return max(finished) - start, before, meter()


def threads_once(ops: Sequence[SyncOp]) -> list[Any]:
    """Each op once, all at the same time; an exception stands for its result. Untimed."""
    from concurrent.futures import ThreadPoolExecutor

    ready = threading.Barrier(len(ops))

    def caught(op: SyncOp) -> Any:
        ready.wait()
        try:
            return op()
        except BaseException as error:
            return error

    with ThreadPoolExecutor(len(ops)) as executor:
        return list(executor.map(caught, ops))


async def tasks_once(ops: Sequence[AsyncOp]) -> list[Any]:
    """Each op once, all at the same time; an exception stands for its result. Untimed."""
    from asyncio import gather

    async def caught(op: AsyncOp) -> Any:
        try:
            return await op()
        except BaseException as error:
            return error

    return list(await gather(*map(caught, ops)))


async def tasks_slice(ops: Sequence[AsyncOp], lead: int, each: int, meter: Meter) -> Timing:
    """Closed loop: one task per client, each `each` awaits; wall from the common start
    to the last finish."""
    from asyncio import ensure_future, gather

    async def client(op: AsyncOp, count: int) -> None:
        for _ in repeat(None, count):
            await op()

    async def together(count: int) -> None:
        tasks = [ensure_future(client(op, count)) for op in ops]
        try:
            await gather(*tasks)
        finally:  # after a failure the others must not go on beside what comes next
            for task in tasks:
                task.cancel()

    await together(lead)
    before = meter()
    start = perf_counter_ns()
    await together(each)
    end = perf_counter_ns()
    return end - start, before, meter()


def sync_latencies(op: SyncOp, ops: int) -> list[int]:
    """Service times of single calls, ns: from the call to its return (closed loop)."""
    times: list[int] = []
    record = times.append
    for _ in repeat(None, ops):
        start = perf_counter_ns()
        op()
        record(perf_counter_ns() - start)
    return times


async def async_latencies(op: AsyncOp, ops: int) -> list[int]:
    """Service times of single awaits, ns: from the call to its result (closed loop)."""
    times: list[int] = []
    record = times.append
    for _ in repeat(None, ops):
        start = perf_counter_ns()
        await op()
        record(perf_counter_ns() - start)
    return times


Use = Timing
"""One op: its wall nanoseconds, and the meter's readings before and after it."""


def sync_uses(op: SyncOp, ops: int, meter: Meter) -> list[Use]:
    """Single calls, each between two readings of the meter: for the first ones, which
    take long enough that a reading of clocks between them does not matter."""
    uses: list[Use] = []
    record = uses.append
    for _ in repeat(None, ops):
        before = meter()
        start = perf_counter_ns()
        op()
        end = perf_counter_ns()
        record((end - start, before, meter()))
    return uses


async def async_uses(op: AsyncOp, ops: int, meter: Meter) -> list[Use]:
    """Single awaits, each between two readings of the meter."""
    uses: list[Use] = []
    record = uses.append
    for _ in repeat(None, ops):
        before = meter()
        start = perf_counter_ns()
        await op()
        end = perf_counter_ns()
        record((end - start, before, meter()))
    return uses


def threads_latencies(ops: Sequence[SyncOp], each: int) -> tuple[int, list[int]]:
    """Wall ns, and the service times of every call of every client, at the same time."""
    times: list[int] = []
    record = times.append

    def timed(op: SyncOp) -> SyncOp:
        def once() -> None:
            start = perf_counter_ns()
            op()
            record(perf_counter_ns() - start)

        return once

    wall, *_ = threads_slice([timed(op) for op in ops], 0, each, tuple)
    return wall, times


async def tasks_latencies(ops: Sequence[AsyncOp], each: int) -> tuple[int, list[int]]:
    """Wall ns, and the service times of every await of every client, at the same time."""
    times: list[int] = []
    record = times.append

    def timed(op: AsyncOp) -> AsyncOp:
        async def once() -> None:
            start = perf_counter_ns()
            await op()
            record(perf_counter_ns() - start)

        return once

    wall, *_ = await tasks_slice([timed(op) for op in ops], 0, each, tuple)
    return wall, times


Arrival = tuple[int, int]
"""Of one op of an open loop, both from the moment at which it was due: ns until it began
(the send lag), and ns until it was back (the response time)."""


def sync_arrivals(op: SyncOp, due: Sequence[int]) -> list[Arrival]:
    """Open loop: op k is due at its own moment, and begins then or, if the one before is
    still out, as soon as that is back.

        response of op k = end of op k - (start + due of op k)

    The time that an op had to wait for its turn is in its response time, so a stall is
    charged to every op that was due in it (no coordinated omission).
    """
    arrivals: list[Arrival] = []
    record = arrivals.append
    start = perf_counter_ns()
    for moment in due:
        intended = start + moment
        early = intended - perf_counter_ns()
        if early > 0:
            sleep(early / 1e9)
        begun = perf_counter_ns()
        op()
        ended = perf_counter_ns()
        record((begun - intended, ended - intended))
    return arrivals


async def async_arrivals(op: AsyncOp, due: Sequence[int]) -> list[Arrival]:
    """The same for an async op. Until an op is due the whole loop sleeps: nothing else is
    on it, and a timer of asyncio would come up to a millisecond late."""
    arrivals: list[Arrival] = []
    record = arrivals.append
    start = perf_counter_ns()
    for moment in due:
        intended = start + moment
        early = intended - perf_counter_ns()
        if early > 0:
            sleep(early / 1e9)
        begun = perf_counter_ns()
        await op()
        ended = perf_counter_ns()
        record((begun - intended, ended - intended))
    return arrivals
