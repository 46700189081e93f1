"""One cell in one seat: what becomes of it. Whoever calls decides what comes beside it."""

from __future__ import annotations

from harness.check.order import shares_session
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import DriverError, OracleError, WorkerGone
from harness.core.verdicts import Judgement, Verdict, stopped
from harness.play.director import Director
from harness.play.seat import Seat
from harness.results.records import Check
from harness.venue import server_view
from harness.venue.limits import sessions_of
from harness.venue.stage import Playable

_SPOILS = (Verdict.BROKEN, Verdict.CRASHED, Verdict.HUNG, Verdict.INVALID)
"""After these a session is not one that another cell should have."""


def judged_in(seat: Seat, play: Playable) -> Judgement:
    """Play a cell in a seat and judge it; a session that a next cell may have is kept.

    Raises:
        ServerError: the server is gone, or does not answer.
    """
    try:
        if play.cell.steps:
            return _directed(seat, play)
        shares = shares_session(play.cell)
        if play.cell.expect.sessions is not None and play.cell.condition.has_sessions:
            server_view.await_others(seat.control, seat.stage.run)
        judged = _in_session(seat, play, reuse=shares)
        if judged.verdict is Verdict.BROKEN and seat.reused:
            seat.close()  # what an earlier cell left behind is not this one's fault
            judged = _in_session(seat, play, reuse=False)
        if shares and judged.verdict not in _SPOILS:
            seat.keep()
        else:
            seat.close()
    except (DriverError, WorkerGone) as error:
        return stopped(error)
    return judged


def _in_session(seat: Seat, play: Playable, *, reuse: bool) -> Judgement:
    judged = seat.open(play, reuse=reuse)
    return seat.verify(play) if judged.verdict is Verdict.EXACT else judged


def _directed(seat: Seat, play: Playable) -> Judgement:
    try:
        judged = Director(seat, play, seat.set(play)).run()
        return seat.blamed(judged, sessions_of(play.cell))
    except OracleError as error:
        return stopped(error)


def check_of(arm: Arm, cell: Cell, judged: Judgement, elapsed_ns: int = 0) -> Check:
    """The record of a cell that was judged."""
    return Check(
        scenario=cell.scenario,
        case=cell.id.partition("#")[2],
        cell=cell.id,
        driver=arm.name,
        profile=arm.profile,
        judgement=judged,
        elapsed_ns=elapsed_ns,
    )
