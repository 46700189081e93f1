"""The timed loops: how often the op is called, what is timed, and where errors go."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from harness.worker import loops


class Meter:
    """Reads how many ops were done when it was asked."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter

    def __call__(self) -> tuple[int, ...]:
        return (self.counter.calls,)


class Counter:
    """An op that counts its calls, and may take time or fail at one of them."""

    def __init__(self, *, seconds: float = 0.0, slow: int = 0, fails: int = -1) -> None:
        self.calls = 0
        self.seconds = seconds
        self.slow = slow  # only the first calls are slow
        self.fails = fails
        self.lock = threading.Lock()

    def _begin(self) -> float:
        with self.lock:
            number = self.calls
            self.calls += 1
        if number == self.fails:
            raise ValueError(f"op {number} fails")
        return self.seconds if number < self.slow else 0.0

    def call(self) -> int:
        time.sleep(self._begin())
        return self.calls

    async def wait(self) -> int:
        await asyncio.sleep(self._begin())
        return self.calls


def test_a_program_tells_its_own_time():
    asked: list[tuple[int, int]] = []

    def program(lead: int, ops: int) -> int:
        asked.append((lead, ops))
        return 12_345

    assert loops.program_slice(program, 3, 20) == 12_345
    assert asked == [(3, 20)]


def run(kind: str, ops: list[Counter], lead: int, count: int, meter: Any) -> loops.Timing:
    """One slice of a timing model."""
    if kind == "sync":
        return loops.sync_slice(ops[0].call, lead, count, meter)
    if kind == "async":
        return asyncio.run(loops.async_slice(ops[0].wait, lead, count, meter))
    if kind == "threads":
        return loops.threads_slice([one.call for one in ops], lead, count, meter)
    return asyncio.run(loops.tasks_slice([one.wait for one in ops], lead, count, meter))


KINDS = ("sync", "async", "threads", "tasks")
CONCURRENT = ("threads", "tasks")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("lead", "count"), [(0, 1), (3, 10), (7, 1)])
def test_lead_and_ops_are_called_and_only_the_ops_are_metered(kind, lead, count):
    op = Counter()
    wall, before, after = run(kind, [op], lead, count, Meter(op))
    assert (op.calls, before, after) == (lead + count, (lead,), (lead + count,))
    assert wall > 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_lead_is_not_timed(kind):
    op = Counter(seconds=0.2, slow=1)
    wall, *_ = run(kind, [op], 1, 2, Meter(op))
    assert wall < 200_000_000


@pytest.mark.parametrize("kind", KINDS)
def test_the_ops_are_timed(kind):
    op = Counter(seconds=0.02, slow=3)
    wall, *_ = run(kind, [op], 0, 3, Meter(op))
    assert 60_000_000 <= wall < 600_000_000


@pytest.mark.parametrize("kind", CONCURRENT)
def test_each_client_has_its_own_op_and_works_at_the_same_time(kind):
    ops = [Counter(seconds=0.05, slow=2) for _ in range(8)]
    wall, *_ = run(kind, ops, 0, 2, lambda: ())
    assert [one.calls for one in ops] == [2] * 8
    assert 100_000_000 <= wall < 400_000_000  # one after another would take 800 ms


@pytest.mark.parametrize("kind", CONCURRENT)
def test_the_clock_starts_when_the_last_client_is_ready(kind):
    slow, fast = Counter(seconds=0.2, slow=1), Counter()
    wall, before, _ = run(kind, [slow, fast], 1, 5, Meter(fast))
    assert wall < 200_000_000
    assert before == (1,)  # the fast client has waited


@pytest.mark.parametrize("kind", CONCURRENT)
def test_the_clock_stops_with_the_last_client(kind):
    slow, fast = Counter(seconds=0.1, slow=1), Counter()
    wall, *_ = run(kind, [slow, fast], 0, 1, lambda: ())
    assert wall >= 100_000_000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [0, 3])
def test_an_exception_comes_out(kind, at):
    op = Counter(fails=at)
    with pytest.raises(ValueError, match=f"op {at} fails"):
        run(kind, [op], 2, 4, lambda: ())
    assert op.calls == at + 1


@pytest.mark.parametrize("kind", CONCURRENT)
def test_one_client_that_fails_before_the_start_stops_the_slice(kind):
    bad, good = Counter(fails=0), Counter()
    with pytest.raises(ValueError, match="op 0 fails"):
        run(kind, [good, bad], 1, 1000, lambda: ())
    assert good.calls <= 1


@pytest.mark.parametrize("kind", CONCURRENT)
def test_a_meter_that_fails_is_no_deadlock(kind):
    def meter():
        raise OSError("no such clock")

    with pytest.raises(OSError, match="no such clock"):
        run(kind, [Counter() for _ in range(3)], 1, 1, meter)


def test_tasks_of_a_failed_slice_do_not_go_on_beside_the_next_op():
    async def scene():
        bad, good = Counter(fails=1), Counter(seconds=0.001, slow=10_000)
        with pytest.raises(ValueError, match="op 1 fails"):
            await loops.tasks_slice([good.wait, bad.wait], 0, 10_000, lambda: ())
        done = good.calls
        await asyncio.sleep(0.05)
        return good.calls - done

    assert asyncio.run(scene()) == 0


def threads_left() -> list[str]:
    return [one.name for one in threading.enumerate() if one is not threading.main_thread()]


def test_threads_of_a_failed_slice_have_ended():
    before = threads_left()
    bad, good = Counter(fails=5), Counter()
    with pytest.raises(ValueError, match="op 5 fails"):
        loops.threads_slice([good.call, bad.call], 0, 100, lambda: ())
    assert threads_left() == before


def answers(values: list[Any], asynchronous: bool) -> list[Any]:
    """What `…_once` gives for ops that return or raise these, the first one last."""

    def sync_op(index: int, value: Any) -> Any:
        def op() -> Any:
            time.sleep(0.02 * (len(values) - index))
            if isinstance(value, BaseException):
                raise value
            return value

        return op

    def async_op(index: int, value: Any) -> Any:
        async def op() -> Any:
            await asyncio.sleep(0.02 * (len(values) - index))
            if isinstance(value, BaseException):
                raise value
            return value

        return op

    if asynchronous:
        ops = [async_op(*one) for one in enumerate(values)]
        return asyncio.run(loops.tasks_once(ops))
    return loops.threads_once([sync_op(*one) for one in enumerate(values)])


class Panic(BaseException):
    """What a native library may raise."""


@pytest.mark.parametrize("asynchronous", [False, True])
def test_once_keeps_the_order_and_gives_exceptions_as_results(asynchronous):
    values = ["first", ValueError("second"), None, Panic("fourth"), 5]
    assert answers(values, asynchronous) == values


def test_threads_once_is_all_at_the_same_time():
    together = threading.Barrier(16, timeout=60)
    assert sorted(loops.threads_once([together.wait] * 16)) == list(range(16))


def test_tasks_once_is_all_at_the_same_time():
    async def scene():
        together = asyncio.Barrier(16)
        return await asyncio.wait_for(loops.tasks_once([together.wait] * 16), 60)

    assert sorted(asyncio.run(scene())) == list(range(16))


def latencies(op: Counter, asynchronous: bool) -> list[int]:
    """The times of five ops."""
    if asynchronous:
        return asyncio.run(loops.async_latencies(op.wait, 5))
    return loops.sync_latencies(op.call, 5)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_latencies_are_one_time_per_op_in_order(asynchronous):
    op = Counter(seconds=0.02, slow=1)
    times = latencies(op, asynchronous)
    assert (op.calls, len(times)) == (5, 5)
    assert times[0] >= 20_000_000
    assert max(times[1:]) < times[0]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_failing_op_ends_the_latencies(asynchronous):
    op = Counter(fails=2)
    with pytest.raises(ValueError, match="op 2 fails"):
        latencies(op, asynchronous)
    assert op.calls == 3


@pytest.mark.parametrize("asynchronous", [False, True])
def test_latencies_of_clients_are_those_of_all_of_them(asynchronous):
    ops = [Counter(seconds=0.02, slow=1), Counter(seconds=0.02, slow=1)]
    if asynchronous:
        wall, times = asyncio.run(loops.tasks_latencies([one.wait for one in ops], 3))
    else:
        wall, times = loops.threads_latencies([one.call for one in ops], 3)
    assert [one.calls for one in ops] == [3, 3]
    assert len(times) == 6
    assert sorted(times)[-2] >= 20_000_000
    assert wall < sum(sorted(times)[-2:])  # both slow ones were out at the same time


def arrivals(op: Counter, due: list[int], asynchronous: bool) -> list[loops.Arrival]:
    """An open loop of either kind."""
    if asynchronous:
        return asyncio.run(loops.async_arrivals(op.wait, due))
    return loops.sync_arrivals(op.call, due)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_op_never_begins_before_it_is_due(asynchronous):
    op = Counter()
    found = arrivals(op, [0, 5_000_000, 30_000_000], asynchronous)
    assert (op.calls, len(found)) == (3, 3)
    assert all(0 <= lag < response for lag, response in found)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_stall_is_charged_to_every_op_that_was_due_in_it(asynchronous):
    op = Counter(seconds=0.1, slow=1)
    due = [10_000_000 * number for number in range(8)]
    responses = [response for _, response in arrivals(op, due, asynchronous)]
    for moment, response in zip(due, responses, strict=True):
        assert response >= 100_000_000 - moment
    assert responses == sorted(responses, reverse=True)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_failing_op_ends_the_open_loop(asynchronous):
    with pytest.raises(ValueError, match="op 1 fails"):
        arrivals(Counter(fails=1), [0, 1, 2], asynchronous)


# --- single uses --------------------------------------------------------------------------


def used(kind: str, op: Counter, count: int) -> list[loops.Use]:
    """So many first uses, by a loop of this kind."""
    if kind == "sync":
        return loops.sync_uses(op.call, count, Meter(op))
    return asyncio.run(loops.async_uses(op.wait, count, Meter(op)))


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_each_use_is_timed_by_itself_between_two_readings(kind):
    op = Counter(seconds=0.02, slow=1)
    uses = used(kind, op, 5)
    assert op.calls == 5
    assert [reading for _, *reading in uses] == [[(n,), (n + 1,)] for n in range(5)]
    assert uses[0][0] >= 20_000_000
    assert all(wall > 0 for wall, _, _ in uses)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_use_that_fails_ends_them_all(kind):
    with pytest.raises(ValueError, match="op 2 fails"):
        used(kind, Counter(fails=2), 5)
