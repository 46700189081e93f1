"""Counts what passes between one seat's worker and the server, one use after another."""

from __future__ import annotations

import time
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
FEWEST = 2
"""Of those, where one takes long."""
USES_S = 1.0
"""How long uses may take, one by one, s; each seven turns or so of a slow op are enough."""


class NotCounted(Exception):  # noqa: N818 - a verdict, not an error
    """A verdict that forbids numbers."""

    def __init__(self, judged: Judgement) -> None:
        super().__init__(judged.detail)
        self.judged = judged


@contextmanager
def tapped(seat: Seat) -> Iterator[Proxy]:
    """A seat whose sessions lead through a tap for the time of a block."""
    client = Client(lambda: seat.pid, lambda: seat.busy)
    with Proxy(seat.stage.server.target, client) as proxy:
        seat.through = proxy.before
        try:
            yield proxy
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


def verified(play: Playable, seat: Seat) -> Judgement:
    """What the cell's verdict is, in a session of its own."""
    try:
        judged = seat.open(play)
        if judged.verdict is Verdict.EXACT:
            judged = worst((judged, seat.verify(play)))
        seat.close()
    except (WorkerGone, DriverError, OracleError) as error:
        return stopped(error)
    return judged


def _opened(play: Playable, seat: Seat, proxy: Proxy) -> Exchange:
    proxy.do("count")
    judged = seat.open(play)
    if not judged.verdict.timeable:
        raise NotCounted(judged)
    return _exchange(proxy.do("counted"))


def _uses(play: Playable, seat: Seat, proxy: Proxy, later: int) -> Iterator[Exchange]:
    """The first use, then later ones as far as the time goes."""
    ops, each = 1, max(1, play.cell.clients)
    if play.cell.mix:  # a slice begins with the first turn of the cycle
        ops = each = len(play.prepared.task.turns)
    until = time.monotonic() + USES_S
    for number in range(1 + later):
        if number > FEWEST and time.monotonic() > until:
            return
        proxy.do("count")
        answer = seat.ask("measure", seat.deadlines.measure, ops=ops, lead=0)
        if "failed" in answer:
            raise NotCounted(failed(answer["failed"]).during("while it was counted"))
        yield _exchange(proxy.do("counted"), each)


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
