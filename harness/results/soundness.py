"""What a record must be like beyond its types, so that whoever computes need not ask.

A results file may come from anywhere. What is refused here would otherwise end as a
logarithm of zero or an overflow, far from the line that is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from harness.core.verdicts import Facts
from harness.results.records import (
    Footprint,
    Header,
    Judged,
    Memory,
    OpenLoop,
    Slices,
    Trial,
)

LIMIT = 2**63
"""The facts of a judgement have no types; their numbers obey the limit of `Whole`."""


def problem(record: msgspec.Struct) -> str:
    """What is wrong with a record, in words that follow its place; empty if nothing is."""
    return next(_problems(record), "")


def _problems(record: msgspec.Struct) -> Iterator[str]:
    if isinstance(record, Judged):
        yield from _of_facts(record.judgement.facts)
    if isinstance(record, Trial):
        if record.slices is not None:
            yield from _of_slices(record.slices)
        if record.open_loop is not None:
            yield from _of_open_loop(record.open_loop)
    elif isinstance(record, Footprint) and record.memory is not None:
        yield from _of_memory(record.memory)
    elif isinstance(record, Header):
        yield from _of_header(record)


def _of_facts(facts: Facts) -> Iterator[str]:
    for name, value in facts.items():
        if type(value) is int and not -LIMIT <= value < LIMIT:
            yield f"judgement.facts.{name[:40]} is a number beyond ±2⁶³"


def _of_slices(slices: Slices) -> Iterator[str]:
    if slices.ops < 1:
        yield f"slices.ops is {slices.ops}: a slice has at least one op"
    if min(slices.wall_ns, default=1) < 1:
        yield "slices.wall_ns holds a time of zero or less"
    lists = (
        slices.cpu_ns,
        slices.server_cpu_ns,
        slices.voluntary_switches,
        slices.involuntary_switches,
        slices.burden_ns,
    )
    if any(values and len(values) != len(slices.wall_ns) for values in lists):
        yield "the lists of its slices are of different lengths"


def _of_open_loop(loop: OpenLoop) -> Iterator[str]:
    if len(loop.lag_ns) != len(loop.response_ns):
        yield "open_loop.lag_ns and open_loop.response_ns are of different lengths"
    if min(loop.response_ns, default=1) < 1:
        yield "open_loop.response_ns holds a time of zero or less"
    if loop.planned_ns < 0:
        yield f"open_loop.planned_ns is {loop.planned_ns}, less than zero"


def _of_memory(memory: Memory) -> Iterator[str]:
    if len(memory.loop_bytes) > 1 and memory.ops < 1:
        yield f"memory.ops is {memory.ops}: samples lie at least one op apart"
    if len(memory.sessions) != len(memory.sessions_bytes):
        yield "memory.sessions and memory.sessions_bytes are of different lengths"
    if len(set(memory.sessions)) != len(memory.sessions):
        yield "memory.sessions holds a number twice"


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
