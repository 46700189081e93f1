"""Measures memory: bytes per connection, and whether a long loop grows.

Each cell of each arm is played in fresh processes, several times: one process runs its
op in a long loop, the other opens session after session. Sessions have a process of
their own because they would use again what the loop has freed.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.bench import schedule
from harness.bench.assignment import Assignment, Forecast
from harness.bench.repeats import Repeats
from harness.bench.schedule import WARM_UP_OPS, Plan
from harness.core.arms import Arm
from harness.core.calls import Op
from harness.core.cells import Cell
from harness.core.errors import DriverError, OracleError, WorkerGone
from harness.core.verdicts import Judgement, Verdict, failed, stopped
from harness.judge.verify import worst
from harness.lanes.memory.record import Footprint, Memory
from harness.machine import rss
from harness.play.seat import Seat
from harness.results.records import Note
from harness.venue.stage import Playable
from harness.venue.venue import SPARE_CONNECTIONS

REPEATS = 3
SESSIONS = (1, 9, 17)
CHUNKS = 24
FEWEST_CHUNKS = 10
CHUNK_NS = 42_000_000
"""24 of them are a second."""
LEAST_OPS = 300
"""Ops per chunk, unless they last longer than `DEAR_CHUNK_NS`."""
DEAR_CHUNK_NS = 5 * CHUNK_NS
LOOP_NS = CHUNKS * DEAR_CHUNK_NS
"""How long a loop may last where one cycle of parameters is longer than a chunk."""
LEAD_SHARE = 0.4
"""Chunks before the first sample, as a share of those after it."""
LEAD_OPS = 2_500
"""The least number of ops in them, if they last no longer than `LEAD_NS`. What grows at
first and then no more is no leak: asyncpg comes to rest after 2,000 ops and 370 kB."""
LEAD_NS = 5_000_000_000
_ROOM = """
    select current_setting('max_connections')::int
           - current_setting('superuser_reserved_connections')::int - count(*)
    from pg_stat_activity where backend_type = 'client backend'
"""
_SECONDS = 3.5
"""What a repeat of one cell and arm takes: two processes, a loop, sixteen sessions."""


def forecast(cells: Sequence[Cell], arms: Sequence[Arm], plan: Plan) -> Forecast:
    """How much a run would do: all that is asked, whatever the budget of its effort."""
    del plan
    played = [cell for cell in cells if not left_out(cell)]
    return Forecast(
        rounds=f"{REPEATS}",
        connections=SESSIONS[-1] + 2 + SPARE_CONNECTIONS,
        seconds=REPEATS * len(played) * len(arms) * _SECONDS,
    )


def left_out(cell: Cell) -> str:
    """Why a cell has no footprint; empty if it has one."""
    if cell.clients or cell.pool:
        return (
            "clients and pools are left out: their sessions are opened by the library, "
            "several at once, so no growth can be told to be one op's or one connection's"
        )
    return ""


def run(work: Assignment) -> None:
    """Every cell of every arm, `REPEATS` times; a repeat is whole before the next."""
    work.dismiss()
    _Lane(work).run()


class _Gone(Exception):  # noqa: N818 - what became of a driver, not a failure of ours
    """A judgement that ends a footprint."""

    def __init__(self, judged: Judgement) -> None:
        self.judged = judged


class _Lane:
    def __init__(self, work: Assignment) -> None:
        self.work = work
        self.repeats = Repeats(work, REPEATS)
        self.roomy = True  # the server takes as many sessions as are to be opened

    def run(self) -> None:
        self._look_for_room()
        for turn in self.repeats.turns(self.repeats.plays(left_out, _record)):
            judged, memory = self._footprint(turn.play, turn.arm)
            self.repeats.record(
                _record(turn.play.cell, turn.arm, judged, turn.repeat, memory)
            )

    def _look_for_room(self) -> None:
        """A borrowed server that is full is no driver's fault."""
        room = int(self.work.place.control.value(_ROOM) or 0)
        self.roomy = room >= SESSIONS[-1]
        if not self.roomy:
            text = f"connections are not counted: the server has room for {room} sessions"
            self.work.emit(Note(kind="left-out", text=text))

    # --- one footprint -------------------------------------------------------------------

    def _footprint(self, play: Playable, arm: Arm) -> tuple[Judgement, Memory | None]:
        """What became of the cell, and its memory if both processes were right."""
        try:
            with self.work.place.stage.server_settings(play.cell):
                with self.repeats.fresh(arm) as seat:
                    judged, memory = _loop(play, seat)
                opens = self.roomy and opens_sessions(play.cell)
                if judged.verdict.timeable and opens:
                    with self.repeats.fresh(arm) as seat:
                        again, memory = _sessions(play, seat, memory)
                    judged = worst((judged, again))
        except _Gone as gone:
            return gone.judged, None
        except (WorkerGone, DriverError, OracleError) as error:
            return stopped(error), None
        return judged, memory


def _record(
    cell: Cell,
    arm: Arm,
    judged: Judgement,
    repeat: int = 0,
    memory: Memory | None = None,
) -> Footprint:
    return Footprint(
        cell=cell.id,
        arm=arm.id,
        repeat=repeat,
        judgement=judged,
        memory=memory if judged.verdict.timeable else None,
    )


def opens_sessions(cell: Cell) -> bool:
    """Whether there is a session that stays: an op that connects ends its own."""
    return cell.op not in (Op.CONNECT, Op.CONNECT_QUERY)


# --- the loop ---------------------------------------------------------------------------


def _loop(play: Playable, seat: Seat) -> tuple[Judgement, Memory]:
    """Import, open, verify, warm up, run the op for long, verify again."""
    _ = seat.worker  # greeted: its library is imported
    imported = rss.rss_bytes(seat.pid)
    _demand(seat.open(play))
    opened = rss.rss_bytes(seat.pid)
    judged = _demand(seat.verify(play))
    ops, chunks, lead = _calibrated(play, seat)
    for _ in range(lead):
        _burst(play, seat, ops)
    resettable = rss.forget_peak(seat.pid)
    samples = [_sampled(seat)]
    for _ in range(chunks):
        _burst(play, seat, ops)
        samples.append(_sampled(seat))
    memory = Memory(
        import_bytes=imported,
        session_bytes=opened,
        peak_bytes=rss.peak_bytes(seat.pid) if resettable else 0,
        page_bytes=rss.PAGE_BYTES,
        lead=lead * ops,
        ops=ops,
        loop_bytes=samples,
    )
    return _verified_again(play, seat, judged), memory


def _sampled(seat: Seat) -> int:
    """The resident size without garbage, bytes.

    The collector runs by itself, too, but only after so many allocations: until then
    objects in cycles look like growth, for thousands of ops.
    """
    seat.ask("collect", seat.deadlines.verify)
    return rss.rss_bytes(seat.pid)


def chunk_ops(ns_per_op: float, cycle: int) -> int:
    """Ops between two samples: whole cycles of about `CHUNK_NS`, and at least
    `LEAST_OPS` where these are not dear."""
    wanted = schedule.ops_per_slice(ns_per_op, CHUNK_NS, cycle)
    dear = schedule.ops_per_slice(ns_per_op, DEAR_CHUNK_NS, cycle)
    return max(wanted, min(dear, -(-LEAST_OPS // cycle) * cycle))


def chunk_count(chunk_ns: float) -> int:
    """Chunks of a loop: fewer where one cycle of parameters takes long."""
    return max(FEWEST_CHUNKS, min(CHUNKS, int(LOOP_NS / max(1.0, chunk_ns))))


def lead_chunks(ops: int, chunks: int, chunk_ns: float) -> int:
    """Chunks before the first sample."""
    affordable = int(LEAD_NS / max(1.0, chunk_ns))
    return max(round(chunks * LEAD_SHARE), min(-(-LEAD_OPS // ops), affordable))


def _calibrated(play: Playable, seat: Seat) -> tuple[int, int, int]:
    """Ops per chunk, how many chunks, and how many before them."""
    cycle = play.prepared.calls
    _warm(seat, schedule.warm_up_ops(seat.slowest_ns, schedule.PLANS["full"]))
    ops = cycle
    wall = _burst(play, seat, ops)
    while wall < CHUNK_NS / 2:
        ops *= 4
        wall = _burst(play, seat, ops)
    chunk = chunk_ops(wall / ops, cycle)
    chunk_ns = chunk * wall / ops
    chunks = chunk_count(chunk_ns)
    return chunk, chunks, lead_chunks(chunk, chunks, chunk_ns)


def _burst(play: Playable, seat: Seat, ops: int) -> int:
    """So many ops, ns. A write begins with the first state of its table, and the server
    must hold as many rows afterwards as were sent."""
    writes = play.prepared.before is not None
    if writes:
        seat.stage.renew(seat.control, play.cell, seat.schema)
    answer = seat.ask("measure", seat.deadlines.measure, ops=ops, lead=0)
    if "failed" in answer:
        raise _Gone(failed(answer["failed"]).during("in the loop"))
    if writes:
        judged = seat.stage.check_state(seat.control, play, seat.schema, ops)
        if judged.verdict is not Verdict.EXACT:
            raise _Gone(judged)
    wall: int = answer["wall_ns"]
    return wall


# --- sessions ---------------------------------------------------------------------------


def _sessions(play: Playable, seat: Seat, memory: Memory) -> tuple[Judgement, Memory]:
    """Open session after session, all of them with a warm op; verify before and after."""
    _demand(seat.open(play))
    judged = _demand(seat.verify(play))
    if play.prepared.before is not None:
        seat.stage.renew(seat.control, play.cell, seat.schema)
    _warm(seat, WARM_UP_OPS)
    held = [_gathered(seat, count) for count in SESSIONS]
    pids = seat.server_pids()
    server = [rss.private_bytes(pid) for pid in pids]
    known = [size for size in server if size is not None]
    memory = memory.beside(
        sessions=list(SESSIONS),
        sessions_bytes=held,
        server_bytes=known if len(known) == len(pids) else [],
    )
    return _verified_again(play, seat, judged), memory


def _gathered(seat: Seat, count: int) -> int:
    answer = seat.gather(count, WARM_UP_OPS)
    if "failed" in answer:
        lost = failed(answer["failed"]).during(f"with {count} sessions")
        raise _Gone(seat.blamed(lost, count))
    return rss.rss_bytes(seat.pid)


# --- both -------------------------------------------------------------------------------


def _warm(seat: Seat, ops: int) -> None:
    answer = seat.ask("warm", seat.deadlines.verify, ops=ops)
    if "failed" in answer:
        raise _Gone(failed(answer["failed"]).during("while warming up"))


def _demand(judged: Judgement) -> Judgement:
    """Go on only with a verdict that may have numbers."""
    if not judged.verdict.timeable:
        raise _Gone(judged)
    return judged


def _verified_again(play: Playable, seat: Seat, before: Judgement) -> Judgement:
    """What was counted must still be right."""
    after = seat.verify(play)
    seat.close()
    return before if worst((before, after)) is before else after
