"""Seats do side by side what is not timed; what ends one of them ends no other."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from helpers import plain, timed
from test_runner import PLAN, bench, of

from harness import scenario
from harness.bench.crew import Crew, assembled
from harness.core import interrupt
from harness.core.verdicts import Verdict
from harness.machine.host import Placement
from harness.play.process import Launch, WorkerProcess
from harness.play.seat import Seat
from harness.venue.venue import Venue

ARMS = [plain("psycopg"), plain("psycopg2"), plain("asyncpg")]
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
NO_CORE = 4_000
HALF_OF_A_WAIT_S = 30


def seats_of(crew: Crew) -> list[Seat]:
    return list(crew.seats.values())


def test_all_seats_act_at_the_same_time(place: Venue) -> None:
    meeting = threading.Barrier(len(ARMS), timeout=60)
    with assembled(place, ARMS, Placement()) as crew:
        crew.each(seats_of(crew), lambda _: (meeting.wait(), None)[1])
        assert len({id(seat.control) for seat in seats_of(crew)}) == len(ARMS)


def test_where_one_has_to_be_alone_they_act_one_after_another(place: Venue) -> None:
    threads: list[threading.Thread] = []
    with assembled(place, ARMS, Placement()) as crew:
        act = lambda _: threads.append(threading.current_thread())  # noqa: E731
        crew.each(seats_of(crew), act, together=False)
    assert threads == [threading.main_thread()] * len(ARMS)


def test_where_the_server_grants_few_sessions_they_share_a_control_connection(
    place: Venue,
) -> None:
    with assembled(place, ARMS, Placement(), together=False) as crew:
        assert {id(seat.control) for seat in seats_of(crew)} == {id(place.control)}


@pytest.mark.parametrize(
    ("room", "most", "own"), [(100, 24, True), (100, 25, False), (19, 1, False)]
)
def test_a_seat_has_a_control_connection_where_every_cell_leaves_one(
    place: Venue, monkeypatch: pytest.MonkeyPatch, room: int, most: int, own: bool
) -> None:
    before = place.stage._share
    monkeypatch.setattr(place.stage, "room", room)
    try:
        assert place.stage.share(4, most) is own
    finally:
        place.stage._share = before


def test_an_interrupt_ends_what_seats_wait_for(
    place: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some wait for a worker that does not answer, one for the server."""
    waiting = threading.Barrier(len(ARMS) + 1, timeout=60)

    def act(seat: Seat) -> None:
        worker = seat.worker
        waiting.wait()
        if seat.arm.name == "psycopg":
            seat.control.run("select pg_sleep(60)")
        worker._receive(60, "a question that was never asked")

    def interrupted() -> None:
        waiting.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr(interrupt, "check", interrupted)
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt), assembled(place, ARMS, Placement()) as crew:
        crew.each(seats_of(crew), act)
    assert time.monotonic() - begun < HALF_OF_A_WAIT_S
    assert not any(seat.pid for seat in seats_of(crew))


@pytest.mark.usefixtures("miniatures")
@pytest.mark.parametrize("driver", ["segfaults", "cannot-bind", "crash-at-import"])
def test_who_ends_while_others_are_made_ready_takes_nobody_along(
    place: Venue, tmp_path: Path, driver: str
) -> None:
    arms = [plain("psycopg2"), plain(driver), plain("asyncpg")]
    run = bench(place, tmp_path, arms, ["read"])
    for healthy in ("psycopg2", "asyncpg"):
        trials = of(run, "read", healthy)
        assert [trial.verdict for trial in trials] == [Verdict.EXACT] * PLAN.min_rounds
        assert all(trial.slices for trial in trials)
    assert not any(trial.slices for trial in of(run, "read", driver))
    assert run.footer is not None
    assert run.footer.reason == "complete"


@pytest.mark.skipif(not CORES, reason="this system cannot pin processes")
def test_a_core_that_was_taken_away_is_said(place: Venue, tmp_path: Path) -> None:
    gone = Placement(clients=(NO_CORE,))
    (point,), _ = scenario.select_cells(["query/point#fetch-one"])
    run = timed(place, tmp_path, point, ["fetch-one"], ARMS[:2], PLAN, placement=gone)
    notes = [note for note in run.notes if note.kind == "arm-lost"]
    assert [note.arm for note in notes] == ["psycopg", "psycopg2"]
    assert all("may not run on core 4000" in note.text for note in notes)


@pytest.mark.skipif(len(CORES) < 2, reason="there is only one core")
def test_a_worker_loads_where_there_is_room_and_then_goes_to_the_clients(
    place: Venue, tmp_path: Path
) -> None:
    clients, server = CORES[:2]
    worker = WorkerProcess(
        plain("psqlpy"), tmp_path, [clients], launch=Launch(), loads_on=[server]
    )
    try:
        worker.greet()
        tasks = Path(f"/proc/{worker.pid}/task")
        cores = {frozenset(os.sched_getaffinity(int(one.name))) for one in tasks.iterdir()}
        assert cores == {frozenset({clients})}
    finally:
        worker.stop()


@pytest.mark.skipif(len(CORES) < 2, reason="there is only one core")
def test_clients_are_spread_while_nothing_is_timed_and_gathered_then(place: Venue) -> None:
    clients, server = CORES[:2]
    split = Placement(clients=(clients,), server=(server,), free=tuple(CORES))
    seen: list[dict[str, set[int]]] = []

    def look(seat: Seat) -> None:
        seen[-1][seat.arm.id] = os.sched_getaffinity(seat.worker.pid)

    with assembled(place, ARMS, split) as crew:
        seats = seats_of(crew)
        for _ in range(3):
            seen.append({})
            crew.each(seats, look)
            assert all(os.sched_getaffinity(seat.pid) == {clients} for seat in seats)
    first, second, third = seen[0], seen[1], seen[2]
    assert set(map(frozenset, second.values())) == {
        frozenset({clients}),
        frozenset({server}),
    }
    assert second != third
    assert all(len(cores) == 1 for cores in (*second.values(), *third.values()))
    assert set(map(frozenset, first.values())) == {frozenset({clients})}  # greeted at home
