"""The loops of many clients, played with ops of memory: moments, tokens, mixed-up rows."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from harness.core.calls import Call, Op
from harness.core.tables import PgType, Table
from harness.core.tasks import Expected, Task
from harness.worker import alarm, clients, load_loops, tokens

MS = 1_000_000
INT8 = PgType("int8")


class Played:
    """A client of memory: its op gives back the token that it takes."""

    def __init__(self, make: Callable[[Iterator[int]], Callable[[], Any]], first: int = 0):
        self.make = make
        self.errors: list[BaseException] = []
        self.mixed_up: list[tuple[Any, Any]] = []
        self.moments: list[load_loops.Moments] = []
        self.first = first
        self.token_of: Callable[[Any], Any] = lambda answer: answer
        self._bind()

    def _bind(self) -> None:
        self.tokens: Iterator[Any] = count(self.first)
        self.op = self.make(count(self.first))

    def mix_up(self, sent: Any, came: Any) -> None:
        self.mixed_up.append((sent, came))

    def fail(self, error: BaseException) -> bool:
        self.errors.append(error)
        self._bind()
        return len(self.errors) < 3


def soon() -> int:
    return time.perf_counter_ns() + 2 * MS


def quick(numbers: Iterator[int]) -> Callable[[], int]:
    return lambda: next(numbers)


def sleepy(numbers: Iterator[int]) -> Callable[[], int]:
    def op() -> int:
        time.sleep(0.002)
        return next(numbers)

    return op


def quick_task(numbers: Iterator[int]) -> Callable[[], Any]:
    async def op() -> int:
        await asyncio.sleep(0)
        return next(numbers)

    return op


def moments(played: list[Played]) -> list[load_loops.Moments]:
    return sorted(moment for client in played for moment in client.moments)


@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_every_op_that_is_due_is_sent_and_never_early(kind: str) -> None:
    due = [number * MS // 2 for number in range(40)]
    start = soon()
    if kind == "threads":
        played = [Played(quick, 1000 * number) for number in range(3)]
        load_loops.threads_open(played, due, start)
    else:
        played = [Played(quick_task, 1000 * number) for number in range(3)]
        asyncio.run(load_loops.tasks_open(played, due, start))
    found = moments(played)
    assert [at - start for at, _, _, _ in found] == due
    for at, free, begun, ended in found:
        assert begun >= max(at, free)
        assert ended >= begun
    assert not any(client.mixed_up or client.errors for client in played)


def test_waiting_for_a_busy_client_is_response_time_and_no_lag() -> None:
    """Four ops of 2 ms at once, one client: the last one waited for three others."""
    played = [Played(sleepy)]
    load_loops.threads_open(played, [0, 0, 0, 0], soon())
    for number, (due, free, begun, ended) in enumerate(played[0].moments):
        lag = begun - max(due, free)
        assert ended - due >= (number + 1) * 2 * MS
        assert begun - due - lag >= number * 2 * MS


def test_ops_go_to_whoever_is_free() -> None:
    """While one of two clients is busy, the other takes all ops."""
    rest = threading.Semaphore(0)
    first = [True]

    def waits_for_all_others(numbers: Iterator[int]) -> Callable[[], int]:
        def op() -> int:
            if first and first.pop():
                assert all(rest.acquire(timeout=10) for _ in range(19))
            else:
                rest.release()
            return next(numbers)

        return op

    played = [Played(waits_for_all_others), Played(waits_for_all_others, 1000)]
    load_loops.threads_open(played, [number * MS for number in range(20)], soon())
    assert sorted(len(client.moments) for client in played) == [1, 19]


@pytest.mark.parametrize("without_file", [False, True])
def test_an_alarm_rings_at_its_moment(
    without_file: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the system's file not before it; without, a loop's timer is asked earlier."""
    if without_file:
        monkeypatch.setattr(alarm.Alarm, "_opened", lambda self: -1)

    async def rung() -> list[int]:
        clock = alarm.Alarm(asyncio.get_running_loop())
        late = []
        for _ in range(3):
            moment = time.perf_counter_ns() + 5 * MS
            await clock.until(moment)
            late.append(time.perf_counter_ns() - moment)
        await clock.until(time.perf_counter_ns() - MS)  # over already
        clock.close()
        return late

    late = asyncio.run(rung())
    assert min(late) > (-3 * MS if without_file else 0)


@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_a_closed_loop_ends_after_its_time(kind: str) -> None:
    start = soon()
    stop = start + 10 * MS
    if kind == "threads":
        played = [Played(quick, 1000_000 * number) for number in range(3)]
        begun = load_loops.threads_closed(played, start, stop)
    else:
        played = [Played(quick_task, 1000_000 * number) for number in range(3)]
        begun = asyncio.run(load_loops.tasks_closed(played, start, stop))
    assert begun >= start
    for client in played:
        *earlier, _last = [ended for _, _, _, ended in client.moments]
        assert all(ended < stop for ended in earlier)
    assert not any(client.mixed_up for client in played)


@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_an_op_that_raises_is_counted_and_bound_anew(kind: str) -> None:
    broken = {5}

    def value(number: int) -> int:
        if number in broken:
            broken.remove(number)
            raise OSError("the connection is lost")
        return number

    def sync(numbers: Iterator[int]) -> Callable[[], int]:
        return lambda: value(next(numbers))

    def task(numbers: Iterator[int]) -> Callable[[], Any]:
        async def op() -> int:
            return value(next(numbers))

        return op

    due = list(range(20))
    if kind == "threads":
        played = Played(sync)
        load_loops.threads_open([played], due, soon())
    else:
        played = Played(task)
        asyncio.run(load_loops.tasks_open([played], due, soon()))
    assert [str(error) for error in played.errors] == ["the connection is lost"]
    assert len(played.moments) == 19
    assert played.mixed_up == []


def test_a_client_whose_op_never_works_again_gives_up() -> None:
    def broken(_numbers: Iterator[int]) -> Callable[[], int]:
        return lambda: 1 // 0

    played = Played(broken)
    load_loops.threads_closed([played], soon(), soon() + 10_000 * MS)
    assert len(played.errors) == 3


# --- rows of another client ------------------------------------------------------------


class Wire:
    """A library that gives two of its clients each other's rows, now and then, and only
    while both of them wait."""

    def __init__(self, chance: float, seed: int) -> None:
        self.chance = chance
        self.random = random.Random(seed)
        self.waiting: list[list[int]] = []

    def bind(self, numbers: Iterator[int]) -> Callable[[], Any]:
        async def op() -> int:
            row = [next(numbers)]
            self.waiting.append(row)
            await asyncio.sleep(0)
            if len(self.waiting) > 1 and self.random.random() < self.chance:
                other = self.random.choice([own for own in self.waiting if own is not row])
                row[0], other[0] = other[0], row[0]
            self.waiting.remove(row)
            return row[0]

        return op


def mixed_up(chance: float, seed: int, clients: int = 4) -> int:
    wire = Wire(chance, seed)
    played = [Played(wire.bind, 100_000 * number) for number in range(clients)]
    due = [number // clients * 1000 for number in range(600)]
    asyncio.run(load_loops.tasks_open(played, due, time.perf_counter_ns()))
    assert len(moments(played)) == 600
    return sum(len(client.mixed_up) for client in played)


def test_rows_that_were_swapped_are_caught() -> None:
    """One op in a hundred of 600: in 95 of 100 runs and more it is seen."""
    assert sum(mixed_up(0.01, seed) > 0 for seed in range(100)) >= 95


def test_nothing_is_caught_where_nothing_is_swapped() -> None:
    assert [mixed_up(0.0, seed) for seed in range(3)] == [0, 0, 0]
    assert mixed_up(1.0, 0, clients=1) == 0  # alone nobody is mixed up


# --- tokens ------------------------------------------------------------------------------


def task(
    params: tuple[tuple[str, ...], ...], answers: tuple[str, ...], **more: Any
) -> Task:
    columns = tuple(f"c{number}" for number in range(len(params[0])))
    given = Table(columns, (INT8,) * len(columns), params)
    calls = tuple((Table(("a",), (INT8,), ((answer,),)),) for answer in answers)
    return Task("c", Op.FETCH_VAL, Expected(calls), sql="select $1", params=given, **more)


def test_an_echo_is_seen_in_the_servers_own_answers() -> None:
    assert tokens.echoes(task((("1",), ("2",)), ("1", "2")))
    assert not tokens.echoes(task((("1",), ("2",)), ("1", "3")))
    assert not tokens.echoes(task((("1",), ("2",)), ("1",)))
    assert not tokens.echoes(Task("c", Op.EXECUTE, Expected(), sql="select 1"))


def test_no_two_clients_send_the_same_token() -> None:
    call = Call(Op.FETCH_VAL, sql="select $1", params=((7, "x"), (8, "y")))
    places = [(process, client) for process in range(3) for client in range(5)]
    sent = [row for place in places for row in tokens.own(call, *place).params]
    assert len({row[0] for row in sent}) == len(sent) == 15 * tokens.PER_CLIENT
    assert {row[1] for row in sent} == {"x", "y"}
    assert max(row[0] for row in sent) < 2**63


class MemorySession:
    """A session whose op gives the first parameter back, after an error if asked."""

    def __init__(self) -> None:
        self.bound = 0

    def fetch_val(self, call: Call) -> Callable[[], Any]:
        self.bound += 1
        rows = call.cycle()
        return lambda: next(rows)[0]


def test_what_a_client_sends_is_what_its_op_takes() -> None:
    for marked in (False, True):
        asked = task((("1",), ("2",), ("3",)), ("1", "2", "3"), token=marked)
        client = clients.LoadClient(asked, MemorySession(), process=1, number=2)
        client.skip(0)
        assert [client.token_of(client.op()) for _ in range(7)] == [
            next(client.tokens) for _ in range(7)
        ]


def test_a_client_is_bound_anew_after_an_error_until_it_gives_up() -> None:
    session = MemorySession()
    client = clients.LoadClient(task((("1",),), ("1",)), session, 0, 0)
    client.op()
    went_on = [client.fail(OSError("lost")) for _ in range(clients.MOST_ERRORS)]
    assert went_on == [True] * (clients.MOST_ERRORS - 1) + [False]
    assert session.bound == clients.MOST_ERRORS
    assert client.token_of(client.op()) == next(client.tokens)


def test_what_is_told_is_sorted_by_when_it_was_due() -> None:
    one, other = (
        clients.LoadClient(task((("1",),), ("1",)), MemorySession(), 0, number)
        for number in range(2)
    )
    one.moments += [(100, 90, 105, 130), (300, 310, 312, 330)]
    other.moments += [(200, 0, 201, 260)]
    other.mix_up(5, 6)
    other.fail(OSError("lost"))
    other.fail(OSError("lost"))
    assert clients.told([one, other], 50) == {
        "due_ns": [50, 150, 250],
        "lag_ns": [5, 1, 2],
        "response_ns": [30, 60, 30],
        "ended_ns": 280,
        "mixed_up": 1,
        "mixed": [["5", "6"]],
        "errors": 2,
        "failures": ["OSError: lost"],
    }
