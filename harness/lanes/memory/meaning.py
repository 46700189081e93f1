"""What repeats say of a driver's memory: sizes, bytes per connection, and a leak or not.

Pure. One value per repeat, which is one fresh process; the samples within a process are
not independent, so a leak is told by all repeats together and never by one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from harness.core import stats
from harness.core.conditions import Condition, parted
from harness.core.verdicts import Verdict
from harness.lanes.memory.record import Footprint, Memory

if TYPE_CHECKING:
    from harness.results.records import CellFacts, Run

LEAK_REPEATS = 3
"""Fewer fresh processes may agree by chance."""
LEAK_PAGES = 64
"""Growth over a loop that says nothing: an allocator takes memory in pieces, and a cache
that fills up is no leak. 256 KiB where a page has 4."""


KEPT_BYTES = 256 * 1024
"""So much more per connection, at one point of a sweep than at another, says nothing."""


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes over repeats: the median, the least and the greatest."""

    typical: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth in a long loop, bytes per op, one estimate per repeat.

    `low` to `high` holds the intervals of all repeats. `leaks` is the verdict.
    """

    slopes: tuple[stats.Estimate, ...]
    leaks: bool

    @property
    def point(self) -> float:
        """The median of the repeats."""
        return median(slope.point for slope in self.slopes)

    @property
    def low(self) -> float | None:
        """The least lower end; None where a repeat has no interval."""
        ends = [slope.low for slope in self.slopes if slope.low is not None]
        return min(ends) if len(ends) == len(self.slopes) else None

    @property
    def high(self) -> float | None:
        """The greatest upper end; None where a repeat has no interval."""
        ends = [slope.high for slope in self.slopes if slope.high is not None]
        return max(ends) if len(ends) == len(self.slopes) else None


@dataclass(frozen=True, slots=True)
class ArmMemory:
    """One arm in one cell over its repeats; without numbers where the verdict forbids.

    `connection` is what one more session costs the client, `server` what its process
    holds on the server. `verdict` is None where the arm was not even tried.
    """

    cell: str
    arm: str
    verdict: Verdict | None
    detail: str
    repeats: int = 0
    imported: Size | None = None
    session: Size | None = None
    peak: Size | None = None
    connection: Size | None = None
    server: Size | None = None
    growth: Growth | None = None

    @property
    def leaks(self) -> bool:
        """Whether a leak is told."""
        return self.growth is not None and self.growth.leaks


@dataclass(frozen=True, slots=True)
class Surplus:
    """What a connection of an arm keeps more at the greatest point of an axis than at the
    least one, bytes: the client of each, and its process on the server; None where nothing
    can be told. `cell` is that of the greatest."""

    cell: str
    arm: str
    axis: str
    least: int
    greatest: int
    client: float | None
    server: float | None


def arm_memory(run: Run) -> tuple[ArmMemory, ...]:
    """Every cell and arm of a run that was tried, in the order of its header; worked out
    once, and kept with the run."""
    known: dict[str, tuple[ArmMemory, ...]] = run.__dict__
    if "arm_memory" not in known:
        known["arm_memory"] = _arm_memory(run)
    return known["arm_memory"]


def _arm_memory(run: Run) -> tuple[ArmMemory, ...]:
    found: dict[tuple[str, str], list[Footprint]] = {}
    for footprint in run.of(Footprint):
        found.setdefault((footprint.cell, footprint.arm), []).append(footprint)
    keys = [(cell.id, arm.id) for cell in run.header.cells for arm in run.header.arms]
    return tuple(_of_repeats(found[key]) for key in keys if key in found)


def _of_repeats(prints: Sequence[Footprint]) -> ArmMemory:
    """A verdict that forbids numbers forbids them in all repeats."""
    worst = max(prints, key=lambda footprint: _concern(footprint.verdict))
    verdict = Verdict(worst.verdict)
    bare = ArmMemory(worst.cell, worst.arm, verdict, worst.detail, len(prints))
    told = [footprint.memory for footprint in prints if footprint.memory is not None]
    if not verdict.timeable or not told:
        return bare
    return ArmMemory(
        bare.cell,
        bare.arm,
        verdict,
        worst.detail,
        len(told),
        imported=_size(memory.import_bytes for memory in told),
        session=_size(memory.session_bytes for memory in told),
        peak=_size(memory.peak_bytes for memory in told if memory.peak_bytes),
        connection=_size(map(per_connection, told)),
        server=_size(
            median(memory.server_bytes) if memory.server_bytes else None for memory in told
        ),
        growth=_growth(told),
    )


def kept(run: Run) -> tuple[Surplus, ...]:
    """Who keeps more per connection where there was more to read or to send."""
    sizes = {(held.cell, held.arm): held for held in arm_memory(run)}
    found = []
    for axis, few, many in _sweeps(run.header.cells):
        for arm in run.header.arms:
            a, b = sizes.get((few.id, arm.id)), sizes.get((many.id, arm.id))
            if a is None or b is None:
                continue
            more = _more(a.connection, b.connection), _more(a.server, b.server)
            if more != (None, None):
                ends = int(few.point[axis]), int(many.point[axis])
                found.append(Surplus(many.id, arm.id, axis, *ends, *more))
    return tuple(found)


def _sweeps(cells: Sequence[CellFacts]) -> Iterator[tuple[str, CellFacts, CellFacts]]:
    """The least and the greatest point of each case that has one axis, of numbers."""
    cases: dict[tuple[str, str, Condition], list[CellFacts]] = {}
    for cell in cells:
        key = cell.scenario, cell.case, parted(cell.id)[1]
        cases.setdefault(key, []).append(cell)
    for points in cases.values():
        axes = {axis for cell in points for axis in cell.point}
        numbers = all(isinstance(n, int) for cell in points for n in cell.point.values())
        if len(points) > 1 and len(axes) == 1 and numbers:
            (axis,) = axes
            ordered = sorted(points, key=lambda cell: int(cell.point[axis]))
            yield axis, ordered[0], ordered[-1]


def _more(few: Size | None, many: Size | None) -> float | None:
    """By how much; None where the repeats of both overlap, or it is not much."""
    if few is None or many is None or many.low <= few.high:
        return None
    more = many.typical - few.typical
    return more if more > KEPT_BYTES else None


def _concern(verdict: str) -> int:
    known = Verdict(verdict)
    return len(Verdict) if known is Verdict.INVALID else known.severity


def _size(values: Iterable[float | None]) -> Size | None:
    known = [float(value) for value in values if value is not None]
    return Size(median(known), min(known), max(known)) if known else None


def per_connection(memory: Memory) -> float | None:
    """Bytes that one more session costs the client: the slope between the counts."""
    if len(memory.sessions) < 2:
        return None
    return stats.theil_sen(memory.sessions, memory.sessions_bytes).point


def slope(memory: Memory, samples: slice = slice(None)) -> stats.Estimate:
    """Growth of the resident size in the loop, or in a part of it, bytes per op."""
    ops = [memory.ops * number for number in range(len(memory.loop_bytes))]
    return stats.theil_sen(ops[samples], memory.loop_bytes[samples])


def _growth(told: Sequence[Memory]) -> Growth | None:
    looped = [memory for memory in told if len(memory.loop_bytes) > 1]
    if not looped:
        return None
    return Growth(tuple(map(slope, looped)), leaks(looped))


def leaks(told: Sequence[Memory]) -> bool:
    """The rule. A leak is told if there are at least `LEAK_REPEATS` repeats and in each

    - the interval of the slope lies above 0,
    - so does that of the second half alone: what has come to rest is no leak, and
    - the slope, over all ops of the loop, makes more than `LEAK_PAGES` pages.
    """
    return len(told) >= LEAK_REPEATS and all(map(_grows, told))


def _grows(memory: Memory) -> bool:
    whole, count = slope(memory), len(memory.loop_bytes)
    late = slope(memory, slice(count // 2, None))
    much = whole.point * memory.ops * (count - 1) > LEAK_PAGES * memory.page_bytes
    return much and _above(whole) and _above(late)


def _above(estimate: stats.Estimate) -> bool:
    return estimate.low is not None and estimate.low > 0
