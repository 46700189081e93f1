"""What a record must be like beyond its types, so that whoever computes need not ask.

A results file may come from anywhere. What is refused here would otherwise end as a
logarithm of zero or an overflow, far from the line that is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from harness.core.conditions import MOST_RTT_MS
from harness.core.metrics import READINGS
from harness.core.verdicts import Facts
from harness.results.records import (
    Footer,
    Header,
    Judged,
    LaneRecord,
    OpenLoop,
    Rounds,
    Route,
    Slices,
    Trial,
)

LIMIT = 2**63
"""Of `Whole`, for numbers that no type limits: those of facts and of a lane's records."""

LONGEST = 86_400 * 10**12
"""Of a time in picoseconds: a day. It may be multiplied by a number of clients."""


def problem(record: msgspec.Struct) -> str:
    """What is wrong with a record, in words that follow its place; empty if nothing is."""
    return next(_problems(record), "")


def _problems(record: msgspec.Struct) -> Iterator[str]:
    if isinstance(record, Judged):
        yield from _of_facts(record.judgement.facts)
    if isinstance(record, Trial):
        if record.slices is not None:
            yield from _of_slices(record.slices)
        yield from _of_passes(record)
        if record.open_loop is not None:
            yield from _of_open_loop(record.open_loop)
    elif isinstance(record, Rounds):
        yield from _of_rounds(record)
    elif isinstance(record, LaneRecord):
        yield from _numbers(record)
        yield from record.problems()
    elif isinstance(record, Route):
        yield from _of_route(record)
    elif isinstance(record, Header):
        yield from _of_header(record)
    elif isinstance(record, Footer) and min(record.phases_ns.values(), default=0) < 0:
        yield "phases_ns holds a time of less than zero"


def _of_facts(facts: Facts) -> Iterator[str]:
    for name, value in facts.items():
        if type(value) is int and not -LIMIT <= value < LIMIT:
            yield f"judgement.facts.{name[:40]} is a number beyond ±2⁶³"


def _numbers(record: msgspec.Struct, where: str = "") -> Iterator[str]:
    """Numbers that nothing measures, at any depth."""
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if type(value) in _NUMBERS:
            values = _NUMBERS[type(value)](value)
            if values and not -LIMIT <= min(values) <= max(values) < LIMIT:
                yield f"{where}{name} is a number beyond ±2⁶³"
        for inner in value if isinstance(value, list) else (value,):
            if not isinstance(inner, msgspec.Struct):
                break
            yield from _numbers(inner, f"{where}{name}.")


def _of_list(values: list[Any]) -> list[int]:
    return values if values and type(values[0]) is int else []


def _of_dict(values: dict[str, Any]) -> list[int]:
    return [value for value in values.values() if type(value) is int]


_NUMBERS: dict[type, Any] = {
    int: lambda value: (value,),
    list: _of_list,
    dict: _of_dict,
}


def _of_slices(slices: Slices) -> Iterator[str]:
    if slices.ops < 1:
        yield f"slices.ops is {slices.ops}: a slice has at least one op"
    if min(slices.wall_ns, default=1) < 1:
        yield "slices.wall_ns holds a time of zero or less"
    passes = len(slices.wall_ns)
    for name in READINGS:  # a loop is half of what `any` takes, and this is of every trial
        if (values := getattr(slices, name)) and len(values) != passes:
            yield "the lists of its slices are of different lengths"


def _of_passes(trial: Trial) -> Iterator[str]:
    """Passes that do not count are some of those that there are, each told once. An arm
    whose number was withdrawn has none."""
    if not (left_out := trial.left_out):
        return
    if left_out != sorted(set(left_out)):
        yield "left_out names its passes out of order or twice"
    passes = len(trial.slices.wall_ns) if trial.slices else LIMIT
    if not 0 <= left_out[0] <= left_out[-1] < passes:
        yield "left_out names a pass that is not there"
    if len(left_out) >= passes:
        yield "left_out names all of its passes, so nothing would count"


def _of_rounds(record: Rounds) -> Iterator[str]:
    if len(record.rounds) != len(record.wall_ps):
        yield "rounds and wall_ps are of different lengths"
    if len(set(record.rounds)) != len(record.rounds):
        yield "rounds holds a round twice"
    if not 1 <= min(record.wall_ps, default=1) <= max(record.wall_ps, default=1) <= LONGEST:
        yield "wall_ps holds a time of zero or less, or of more than a day"


def _of_open_loop(loop: OpenLoop) -> Iterator[str]:
    if len(loop.lag_ns) != len(loop.response_ns):
        yield "open_loop.lag_ns and open_loop.response_ns are of different lengths"
    if min(loop.response_ns, default=1) < 1:
        yield "open_loop.response_ns holds a time of zero or less"
    if loop.planned_ns < 0:
        yield f"open_loop.planned_ns is {loop.planned_ns}, less than zero"


def _of_route(route: Route) -> Iterator[str]:
    if not 0 <= route.rtt_ms <= MOST_RTT_MS:
        yield f"rtt_ms is {route.rtt_ms:g}: no round trip of a network"
    for seen in route.null_ops:
        if seen.connections < 1 or seen.ops < 1:
            yield "null_ops holds a number of connections or ops of less than one"


def _of_header(header: Header) -> Iterator[str]:
    # A check asks an arm in both profiles, which the header lists one by one.
    profiles = header.kind == "check"
    arms = (f"{arm.id}, {arm.profile}" if profiles else arm.id for arm in header.arms)
    for what, ids in (("arm", arms), ("cell", (cell.id for cell in header.cells))):
        for identity in _repeated(ids):
            yield f"it names the {what} {identity[:80]!r} twice"
    for cell in header.cells:
        if cell.units_per_op < 1 or min(cell.clients, cell.pool, cell.rate) < 0:
            yield f"the cell {cell.id[:80]!r} has a number that is too small"


def _repeated(ids: Iterable[str]) -> Iterator[str]:
    return (identity for identity, count in Counter(ids).items() if count > 1)
