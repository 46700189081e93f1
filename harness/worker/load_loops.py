"""The timed loops of many clients, for sync and async drivers; `loops` has those of one.

Of each op three moments are kept, all of `perf_counter_ns`, and nothing else is done while
it is out:

    response = ended - due            of an open loop, from the moment when it was due
    response = ended - begun          of a closed loop
    lag      = begun - max(due, free) where free is when its client had its last answer

Where all clients are busy, an op that is due waits for one of them: that is response time,
whoever is slow. What is left, an op that is due and a client that is free, is the lateness
of this program, and of the processor that it has. The clients of an open loop take the ops
in the order in which they are due, the first client that is free the first op, as a queue
with several servers does.

The answer is compared with the token that its op sent when `ended` was read: the comparison
is in the lag of the next op, if that one is due already, and in no response time.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from time import perf_counter_ns, sleep
from typing import Any, Protocol

Moments = tuple[int, int, int, int]
"""When an op was due, when its client was free, when it began, and when it was back."""

Take = Callable[[], int | None]
"""The next op that is due, ns from the start; None when there are no more."""

SPIN_NS = 60_000
"""How long before its moment a client is awake: a sleeper is that much too late, and one
that does not sleep takes the processor from others."""


class LoadedClient(Protocol):
    """One client: its op, what each answer must carry, and what came of them."""

    op: Callable[[], Any]
    tokens: Iterator[Any]
    token_of: Callable[[Any], Any]
    moments: list[Moments]

    def mix_up(self, sent: Any, came: Any) -> None:
        """An answer carried another token than its op had sent."""

    def fail(self, error: BaseException) -> bool:
        """An op raised; whether there is a fresh one to go on with."""


# --- threads ------------------------------------------------------------------------------


def threads_open(clients: Sequence[LoadedClient], due: Sequence[int], start: int) -> int:
    """Open loop, a thread per client; when it began."""
    take = _queue(due, len(clients))
    return _threads(clients, start, lambda client: _sync_open(client, take, start))


def threads_closed(clients: Sequence[LoadedClient], start: int, stop: int) -> int:
    """Closed loop, a thread per client, each with op after op until `stop`; when it
    began."""
    return _threads(clients, start, lambda client: _sync_closed(client, stop))


def _sync_open(client: LoadedClient, take: Take, start: int) -> None:
    op, tokens, token_of = client.op, client.tokens, client.token_of
    record = client.moments.append
    ended = start
    for moment in iter(take, None):
        due, free = start + moment, ended
        while (early := due - perf_counter_ns()) > 0:
            sleep((early - SPIN_NS) / 1e9 if early > SPIN_NS else 0)
        begun = perf_counter_ns()
        try:
            answer = op()
        except BaseException as error:
            if not client.fail(error):
                return
            op, tokens, ended = client.op, client.tokens, perf_counter_ns()
            continue
        ended = perf_counter_ns()
        record((due, free, begun, ended))
        if (came := token_of(answer)) != (sent := next(tokens)):
            client.mix_up(sent, came)


def _sync_closed(client: LoadedClient, stop: int) -> None:
    op, tokens, token_of = client.op, client.tokens, client.token_of
    record = client.moments.append
    ended = 0
    while ended < stop:
        begun = perf_counter_ns()
        try:
            answer = op()
        except BaseException as error:
            if not client.fail(error):
                return
            op, tokens, ended = client.op, client.tokens, perf_counter_ns()
            continue
        ended = perf_counter_ns()
        record((begun, begun, begun, ended))
        if (came := token_of(answer)) != (sent := next(tokens)):
            client.mix_up(sent, came)


def _threads(
    clients: Sequence[LoadedClient], start: int, play: Callable[[LoadedClient], None]
) -> int:
    """All clients from one moment on; when that was."""
    let_go = threading.Event()
    faults: list[BaseException] = []

    def client_thread(client: LoadedClient) -> None:
        let_go.wait()
        try:
            play(client)
        except BaseException as error:  # ours: a driver's are the client's
            faults.append(error)

    threads = [
        threading.Thread(target=client_thread, args=(client,), daemon=True)
        for client in clients
    ]
    for thread in threads:
        thread.start()
    begun = _at(start)
    let_go.set()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return begun


# --- tasks --------------------------------------------------------------------------------


async def tasks_open(
    clients: Sequence[LoadedClient], due: Sequence[int], start: int
) -> int:
    """Open loop, a task per client; when it began."""
    from asyncio import gather

    take = _queue(due, len(clients))
    begun = _at(start)
    await gather(*(_async_open(client, take, start) for client in clients))
    return begun


async def tasks_closed(clients: Sequence[LoadedClient], start: int, stop: int) -> int:
    """Closed loop, a task per client, each with op after op until `stop`; when it began."""
    from asyncio import gather

    begun = _at(start)
    await gather(*(_async_closed(client, stop) for client in clients))
    return begun


async def _async_open(client: LoadedClient, take: Take, start: int) -> None:
    import asyncio

    from harness.worker.alarm import Alarm

    alarm, pause = Alarm(asyncio.get_running_loop()), asyncio.sleep
    op, tokens, token_of = client.op, client.tokens, client.token_of
    record = client.moments.append
    ended = start
    try:
        for moment in iter(take, None):
            due, free = start + moment, ended
            if due - perf_counter_ns() > SPIN_NS:
                await alarm.until(due - SPIN_NS)
            while perf_counter_ns() < due:
                await pause(0)
            begun = perf_counter_ns()
            try:
                answer = await op()
            except BaseException as error:
                if not client.fail(error):
                    return
                op, tokens, ended = client.op, client.tokens, perf_counter_ns()
                continue
            ended = perf_counter_ns()
            record((due, free, begun, ended))
            if (came := token_of(answer)) != (sent := next(tokens)):
                client.mix_up(sent, came)
    finally:
        alarm.close()


async def _async_closed(client: LoadedClient, stop: int) -> None:
    op, tokens, token_of = client.op, client.tokens, client.token_of
    record = client.moments.append
    ended = 0
    while ended < stop:
        begun = perf_counter_ns()
        try:
            answer = await op()
        except BaseException as error:
            if not client.fail(error):
                return
            op, tokens, ended = client.op, client.tokens, perf_counter_ns()
            continue
        ended = perf_counter_ns()
        record((begun, begun, begun, ended))
        if (came := token_of(answer)) != (sent := next(tokens)):
            client.mix_up(sent, came)


# --- both ---------------------------------------------------------------------------------


def _queue(due: Sequence[int], clients: int) -> Take:
    """What clients take ops from: in order, and at the end None for each of them."""
    return deque((*due, *repeat(None, clients))).popleft


def _at(start: int) -> int:
    """Wait for a moment; when that is over."""
    while (early := start - perf_counter_ns()) > 0:
        sleep((early - SPIN_NS) / 1e9 if early > SPIN_NS else 0)
    return perf_counter_ns()
