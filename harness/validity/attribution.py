"""Is processor time charged to whom it belongs? Held against clocks of others.

The client's: an op beside which a native thread computes, against that thread's own
clock. The server's: a query that computes, against the scheduler's account of its
process, read by the parent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.core.arms import Arm
from harness.core.calls import Op
from harness.core.cells import Cell, Fixture
from harness.core.errors import WorkerGone
from harness.core.expect import Expect
from harness.core.verdicts import Judgement
from harness.machine import host
from harness.play.seat import Deadlines, Seat
from harness.validity import dose
from harness.validity.outcome import Outcome
from harness.validity.trials import fail, findable
from harness.venue.stage import Playable
from harness.venue.venue import Venue

SLICES = 5
TOLERANCE = 0.05
SERVER_ROWS = 1_000_000
"""Rows that the server counts: about 100 ms of its time."""


def run(place: Venue, folder: Path) -> Iterator[Outcome]:
    """Both clocks; `folder` keeps what the threads have written down."""
    yield client(place, folder)
    yield server(place)


def client(place: Venue, folder: Path) -> Outcome:
    """A thread of the library's own: is its time in the client's?"""
    truth = folder / "attribution.txt"
    folder.mkdir(parents=True, exist_ok=True)
    truth.write_text("")
    with (
        findable(**{dose.TRUTH: str(truth)}),
        _opened(place, Arm("spiked-burn"), "select 1") as seat,
    ):
        put = found = 0
        for _ in range(SLICES):
            before = _total(truth)
            found += _slice(seat)["cpu_ns"]
            put += _total(truth) - before
    return outcome("client CPU, native thread", put, found)


def _total(truth: Path) -> int:
    return sum(map(int, truth.read_text().split()))


def server(place: Venue) -> Outcome:
    """A query that computes: is its time the server's, and all of it?"""
    sql = f"select count(*) from generate_series(1, {SERVER_ROWS})"
    with _opened(place, Arm("psycopg2"), sql) as seat:
        pids = seat.server_pids()
        readable = seat.ask("watch", 10, pids=pids)["readable"]
        if not readable or not all(map(_scheduled, pids)):
            return outcome("server CPU, one query", 0, 0)
        put = found = 0
        for _ in range(SLICES):
            before = sum(map(_scheduled, pids))
            found += _slice(seat)["server_cpu_ns"]
            put += sum(map(_scheduled, pids)) - before
    return outcome("server CPU, one query", put, found)


def _scheduled(pid: int) -> int:
    """How long a process has been on a processor, ns, as the scheduler counts it; 0
    where it does not tell."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    except (OSError, IndexError):
        return 0


def outcome(test: str, put: int, found: int) -> Outcome:
    """What the worker found against what another clock says was put in; both ns."""
    mark = f"± {TOLERANCE:.0%}"
    if not put:
        return Outcome(test, mark, "not measured: a clock cannot be read here", ok=False)
    error = found / put - 1
    return Outcome(
        test, mark, f"{error:+.2%} of {put / 1e6:.0f} ms", abs(error) <= TOLERANCE
    )


# --- one cell on one seat ---------------------------------------------------------------


@contextmanager
def _opened(place: Venue, arm: Arm, sql: str) -> Iterator[Seat]:
    """A seat with one verified session, placed as in a bench run."""
    cell = Cell(
        "validity/attribution",
        "cpu",
        (),
        "",
        Op.FETCH_VAL,
        Fixture(),
        Expect(rows=True),
        sql,
    )
    play = place.stage.playable(cell)
    if isinstance(play, Judgement):
        fail(play.detail)
    placement = host.place(server=place.server.managed)
    cores = list(placement.clients)
    seat = Seat(arm, place.stage, place.control, place.folder, cores, Deadlines())
    try:
        _ready(seat, play)
        yield seat
    finally:
        seat.dismiss()


def _ready(seat: Seat, play: Playable) -> None:
    for judged in (seat.open(play), seat.verify(play)):
        if not judged.verdict.timeable:
            fail(f"{seat.arm.id}: {judged.verdict}: {judged.detail}")


def _slice(seat: Seat) -> Mapping[str, Any]:
    """One op, with the clocks that a slice reads."""
    answer = seat.ask("measure", seat.deadlines.measure, ops=1, lead=0)
    if "failed" in answer:
        told = answer["failed"]
        raise WorkerGone(f"an op failed: {told}", verdict="rejected", message=told)
    return answer
