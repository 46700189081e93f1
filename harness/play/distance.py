"""What the way to the server does to a cell: a long round trip, a pooler in between.

Ops that a network makes too long are no fault of their driver's. What a pooler breaks is,
but whoever reads of it wants to know why, and what to do. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.verdicts import Code, Judgement, Verdict

FIRST_S = 10.0
"""How long the first op may take over a network: it may have to prepare and to ask for
types, and is not timed."""
OP_S = 3.0
"""An op that takes longer over a network is not timed: a block of it would never end."""
PROGRAM_S = 0.5
"""A program whose slices take longer to begin has no part in a cell."""
VERIFY_S = 1.0
"""So long calls of a cycle are verified at a time, at least one."""

NO_PREPARE = "noprepare"
"""The option of drivers that can do without prepared statements."""

_PREPARED = re.compile(r"prepared statement .*(does not exist|already exists)", re.DOTALL)


def calls_in_time(slowest_ns: int, calls: int) -> int:
    """How many of a cycle's calls can be verified, given how long one takes."""
    return max(1, min(calls, int(VERIFY_S * 1e9 / max(1, slowest_ns))))


def too_long(cell: Cell, slowest_ns: int, turns: int = 1) -> Judgement | None:
    """That a cell cannot be timed over its network, if so.

    `turns` is how many ops a slice has at least: the whole cycle of a mix.
    """
    rtt = f"at an RTT of {cell.condition.rtt_ms:g} ms"
    seconds = slowest_ns * turns / 1e9
    if seconds > OP_S:
        what = "one op takes" if turns == 1 else f"one cycle of {turns} ops takes"
        return _skipped(
            f"{what} {seconds:.1f} s {rtt}: too long to time (limit {OP_S:g} s)",
            seconds=round(seconds, 3),
        )
    if cell.arrivals and slowest_ns * cell.arrivals.rate > 1e9:
        gap_ms = 1000 / cell.arrivals.rate
        return _skipped(
            f"one op takes {seconds * 1000:.1f} ms {rtt}, and one is due every "
            f"{gap_ms:.3g} ms: a single client falls behind for ever",
            seconds=round(seconds, 3),
        )
    return None


def slow_program(cell: Cell, ops: int) -> Judgement | None:
    """That a program cannot take part, if so: each slice of it is a process of its own,
    which begins with so many untimed ops."""
    seconds = ops * cell.condition.rtt_ms / 1000
    if seconds <= PROGRAM_S:
        return None
    return _skipped(
        f"each slice of it begins with {ops} ops, which take {seconds:.1f} s at an RTT of"
        f" {cell.condition.rtt_ms:g} ms: too long to time (limit {PROGRAM_S:g} s)",
        seconds=round(seconds, 3),
    )


def explained(
    judged: Judgement, cell: Cell, arm: Arm, offered: Collection[str]
) -> Judgement:
    """A judgement with what the way to the server has to do with it.

    `offered` are the options that the driver has.
    """
    condition = cell.condition
    if condition.rtt_ms and judged.code is Code.NO_ANSWER:
        return _skipped(
            f"one verification did not end in time at an RTT of {condition.rtt_ms:g} ms"
            f" ({judged.detail}): too long to time"
        )
    if condition.via == "pgbouncer" and _of_statements(judged):
        return _advised(judged, _advice(arm, offered))
    return judged


def _of_statements(judged: Judgement) -> bool:
    """Whether it comes of a prepared statement that is not the session's: it is missing,
    or there already, or answers what somebody else asked."""
    return judged.code is Code.DESYNC or bool(_PREPARED.search(judged.detail))


def _advised(judged: Judgement, advice: str) -> Judgement:
    """The same with an advice at its end, once."""
    detail = judged.detail.removesuffix(f"; {advice}")
    return replace(judged, detail=f"{detail}; {advice}")


def _advice(arm: Arm, offered: Collection[str]) -> str:
    why = "behind PgBouncer in transaction mode a prepared statement is another session's"
    if NO_PREPARE in offered and NO_PREPARE not in arm.options:
        return f"{why}: --driver {arm.driver}+{NO_PREPARE} prepares none"
    return why


def _skipped(reason: str, **facts: float) -> Judgement:
    told = {"message": reason, **facts}
    return Judgement(Verdict.SKIPPED, Code.NOT_COUNTED, reason, facts=told)
