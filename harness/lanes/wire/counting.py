"""Counts what passes between one seat's worker and the server, one use after another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.core.errors import DriverError, OracleError, WorkerGone
from harness.core.verdicts import Judgement, Verdict, failed, stopped
from harness.judge.verify import worst
from harness.lanes.wire.record import Exchange, Wire, folded
from harness.play.seat import Seat
from harness.servers.proxy import Proxy
from harness.servers.tap import Counts
from harness.servers.tap.patience import Client
from harness.venue.stage import Playable

LATER = 12
"""Later uses: psycopg prepares a statement at its fifth or sixth, the server changes its
plan at the sixth of a prepared one."""
FEWEST = 1
"""Of those, where an op is long."""
MOST_TURNS = 300
MOST_MESSAGES = 20_000
"""Of all later uses together, by what the first one took: a clock would let the number of
uses depend on who else uses the machine."""


class NotCounted(Exception):  # noqa: N818 - a verdict, not an error
    """A verdict that forbids numbers."""

    def __init__(self, judged: Judgement) -> None:
        super().__init__(judged.detail)
        self.judged = judged


@contextmanager
def tap_of(seat: Seat) -> Iterator[Proxy]:
    """A tap before the server that knows when this seat's worker waits."""
    client = Client(lambda: seat.pid, lambda: seat.busy)
    with Proxy(seat.stage.server.target, client) as proxy:
        yield proxy


@contextmanager
def _through(seat: Seat, proxy: Proxy) -> Iterator[None]:
    """Let a seat's sessions lead through a tap."""
    seat.through = proxy.before
    try:
        yield
    finally:
        seat.through = None


def wire(
    play: Playable,
    seat: Seat,
    proxy: Proxy,
    judged: Judgement,
    repeat: int = 0,
    later: int = LATER,
) -> Wire:
    """One session from its opening to its end, of a cell that was `judged` before; or the
    verdict that forbids numbers."""
    cell, arm = play.cell.id, seat.arm.id
    try:
        opening = _opened(play, seat, proxy)
        uses = list(_uses(play, seat, proxy, later))
        judged = worst((judged, _left(play, seat, sum(use.ops for use in uses))))
        closing = _closed(seat, proxy)
    except NotCounted as refused:
        seat.close()
        return Wire(cell=cell, arm=arm, repeat=repeat, judgement=refused.judged)
    except (WorkerGone, DriverError, OracleError) as error:
        return Wire(cell=cell, arm=arm, repeat=repeat, judgement=stopped(error))
    return Wire(
        cell=cell,
        arm=arm,
        repeat=repeat,
        judgement=judged,
        opening=opening,
        uses=folded(uses),
        closing=closing,
    )


def verified(play: Playable, seat: Seat, calls: int = 0) -> Judgement:
    """What the cell's verdict is, in a session of its own; of so many `calls`, or all."""
    try:
        judged = seat.open(play)
        if judged.verdict is Verdict.EXACT:
            judged = worst((judged, seat.verify(play, calls=calls)))
        seat.close()
    except (WorkerGone, DriverError, OracleError) as error:
        return stopped(error)
    return judged


def _opened(play: Playable, seat: Seat, proxy: Proxy) -> Exchange:
    proxy.do("count")
    with _through(seat, proxy):
        judged = seat.open(play)
    if not judged.verdict.timeable:
        raise NotCounted(judged)
    return _exchange(proxy.do("counted"))


def _uses(play: Playable, seat: Seat, proxy: Proxy, later: int) -> Iterator[Exchange]:
    """The first use, then later ones, fewer of a long op."""
    first = _use(play, seat, proxy)
    yield first
    for _ in range(min(later, _affordable(first))):
        yield _use(play, seat, proxy)


def _affordable(first: Exchange) -> int:
    messages = sum(first.sent.values()) + sum(first.received.values())
    by_turns = MOST_TURNS // max(1, first.turns)
    return max(FEWEST, min(by_turns, MOST_MESSAGES // max(1, messages)))


def _use(play: Playable, seat: Seat, proxy: Proxy) -> Exchange:
    """One op, of each client; of a mix one cycle, because a slice begins with its first
    turn."""
    turns = len(play.prepared.task.turns)
    proxy.do("count")
    seconds = seat.deadlines.measure
    answer = seat.ask("measure", seconds, ops=turns or 1, lead=0)
    if "failed" in answer:
        raise NotCounted(failed(answer["failed"]).during("while it was counted"))
    return _exchange(proxy.do("counted"), (turns or 1) * max(1, play.cell.clients))


def _left(play: Playable, seat: Seat, ops: int) -> Judgement:
    """Whether the server has what so many ops must have left."""
    judged = seat.stage.check_state(seat.control, play, seat.schema, ops)
    if not judged.verdict.timeable:
        raise NotCounted(judged)
    return judged


def _closed(seat: Seat, proxy: Proxy) -> Exchange:
    proxy.do("count")
    seat.close()
    return _exchange(proxy.do("counted"))


def _exchange(counts: Counts, ops: int = 1) -> Exchange:
    return Exchange(
        turns=counts.turns,
        sent_bytes=counts.sent_bytes,
        received_bytes=counts.received_bytes,
        sent=dict(sorted(counts.sent.items())),
        received=dict(sorted(counts.received.items())),
        opened=counts.connections,
        unsettled=counts.unsettled,
        ops=ops,
    )
