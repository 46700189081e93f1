"""What repeats say of beginnings: imports, first uses, and a step between two uses.

Pure. One value per repeat, which is one fresh process. Uses fall into the groups that
PostgreSQL makes: a prepared statement is planned anew five times, and may have a generic
plan from then on; a driver that prepares at its sixth use gets there at its eleventh.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from harness.core import stats
from harness.core.verdicts import Verdict
from harness.lanes.start.record import Import, Start

if TYPE_CHECKING:
    from harness.results.records import Run

R = TypeVar("R", Import, Start)

Group = tuple[int, int]
GROUPS: tuple[Group, ...] = ((1, 1), (2, 5), (6, 10), (11, 16))
"""The uses that are told together, from 1."""
STEP = 1.5
"""A step is told from this ratio on: to prepare makes an op some 10 to 30 % cheaper."""
FEWEST_BESIDE = 2
"""Uses that must lie on either side of a step: of one alone nobody knows why."""


@dataclass(frozen=True, slots=True)
class UseStep:
    """From use number `use` on each takes `ratio` times what the uses before took; the
    first use does not count, because it is dearer for other reasons."""

    use: int
    ratio: stats.Estimate


@dataclass(frozen=True, slots=True)
class ArmImport:
    """An arm's import over its repeats: ns, ns, bytes, modules added; `detail` says why
    there is none."""

    arm: str
    verdict: Verdict | None
    detail: str
    repeats: int = 0
    wall: stats.Estimate | None = None
    cpu: stats.Estimate | None = None
    rss: stats.Estimate | None = None
    modules: int = 0


@dataclass(frozen=True, slots=True)
class ArmStart:
    """One arm in one cell over its repeats; without numbers where the verdict forbids.

    `session` is how long it took to open, `groups` the uses of `GROUPS`, ns. `first` is
    the first use as a multiple of the second to fifth, of the wall clock; `client_cpu` and
    `server_cpu` are what the first use took of the processors.
    """

    cell: str
    arm: str
    verdict: Verdict
    detail: str
    repeats: int = 0
    session: stats.Estimate | None = None
    groups: tuple[stats.Estimate, ...] = ()
    first: stats.Estimate | None = None
    client_cpu: stats.Estimate | None = None
    server_cpu: stats.Estimate | None = None
    step: UseStep | None = None


# --- imports ------------------------------------------------------------------------------


def arm_imports(run: Run) -> tuple[ArmImport, ...]:
    """Every arm that was imported, in the order of the header."""
    found = [
        (arm.id, [record for record in run.of(Import) if record.arm == arm.id])
        for arm in run.header.arms
    ]
    return tuple(_import(arm, records) for arm, records in found if records)


def _import(arm: str, records: Sequence[Import]) -> ArmImport:
    worst = _worst(records)
    if not worst.verdict.timeable:
        return ArmImport(arm, worst.verdict, worst.detail, len(records))
    return ArmImport(
        arm,
        worst.verdict,
        worst.detail,
        len(records),
        wall=_typical(record.wall_ns for record in records),
        cpu=_typical(record.cpu_ns for record in records),
        rss=_typical(record.rss_bytes for record in records),
        modules=round(median(record.modules for record in records)),
    )


def python_cpu(run: Run) -> float | None:
    """What the start of an interpreter takes by itself, ns of the processor."""
    known = [record.python_cpu_ns for record in run.of(Import) if record.python_cpu_ns]
    return median(known) if known else None


# --- first uses ---------------------------------------------------------------------------


def arm_starts(run: Run) -> tuple[ArmStart, ...]:
    """Every cell and arm that was tried, in the order of the header."""
    found: dict[tuple[str, str], list[Start]] = {}
    for record in run.of(Start):
        found.setdefault((record.cell, record.arm), []).append(record)
    keys = [(cell.id, arm.id) for cell in run.header.cells for arm in run.header.arms]
    return tuple(_start(found[key]) for key in keys if key in found)


def _start(records: Sequence[Start]) -> ArmStart:
    """A verdict that forbids numbers forbids them in all repeats."""
    worst = _worst(records)
    told = [record for record in records if record.wall_ns]
    if not worst.verdict.timeable or not told:
        return ArmStart(worst.cell, worst.arm, worst.verdict, worst.detail, len(records))
    return ArmStart(
        worst.cell,
        worst.arm,
        worst.verdict,
        worst.detail,
        len(told),
        session=_typical(record.open_ns for record in told),
        groups=tuple(
            stats.hodges_lehmann([_uses(record, group) for record in told])
            for group in GROUPS
        ),
        first=_first(told),
        client_cpu=_typical(record.cpu_ns[0] for record in told),
        server_cpu=_typical(
            record.server_cpu_ns[0] for record in told if record.server_cpu_ns
        ),
        step=step(told),
    )


def _first(records: Sequence[Start]) -> stats.Estimate:
    once, again = GROUPS[:2]
    logs = [
        stats.log_ratio(_uses(record, once), _uses(record, again)) for record in records
    ]
    return stats.hodges_lehmann(logs).exp()


def step(records: Sequence[Start]) -> UseStep | None:
    """The rule. With the median over repeats of each use, the slowest use on one side of
    the step is faster than the fastest on the other by `STEP`, and the interval of the
    ratio excludes 1: so it takes six repeats at least."""
    uses = min(len(record.wall_ns) for record in records)
    curve = [median(record.wall_ns[use] for record in records) for use in range(uses)]
    for at in range(1 + FEWEST_BESIDE, uses - FEWEST_BESIDE + 1):
        before, after = curve[1:at], curve[at:]
        slower = min(after) >= STEP * max(before)
        faster = min(before) >= STEP * max(after)
        if slower or faster:
            logs = [
                stats.log_ratio(median(record.wall_ns[at:]), median(record.wall_ns[1:at]))
                for record in records
            ]
            ratio = stats.hodges_lehmann(logs)
            return UseStep(at + 1, ratio.exp()) if ratio.excludes_zero else None
    return None


# --- both ---------------------------------------------------------------------------------


def _uses(record: Start, group: Group) -> float:
    """The median of the uses of a group; of the last one, where there are fewer."""
    first, last = group
    return median(record.wall_ns[first - 1 : last] or record.wall_ns[-1:])


def _typical(values: Iterable[float]) -> stats.Estimate | None:
    """The middle of the repeats; None of nothing, or where nothing could be read."""
    known = [value for value in values if value]
    return stats.hodges_lehmann(known) if known else None


def _worst(records: Sequence[R]) -> R:
    """The record whose verdict is of most concern; our own fault before any driver's."""
    return max(
        records,
        key=lambda record: (record.verdict is Verdict.INVALID, record.verdict.severity),
    )
