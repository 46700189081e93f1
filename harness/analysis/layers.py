"""What a layer costs: an adapter or an ORM against the bare driver that it stands on.

All arms of a block are timed in the same passes, so a layer is compared with its driver
pass by pass. The difference of two times in ns is estimated as their ratio is: the median
over passes is the round's value, and Hodges–Lehmann over rounds makes the interval.

A null reference is the layer over answers from memory. If a layer only adds to its driver,

    stack = bare driver + layer alone

and `Sum` says whether that is so. Where it is not, the layer makes the driver do other
work, or one of the two finds the caches colder beside the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Literal

from harness.analysis.times import (
    RunTimes,
    Timings,
    measured,
    paired_log_ratios,
    passes_per_op,
)
from harness.core import stats
from harness.core.verdicts import Verdict

if TYPE_CHECKING:  # at run time this module needs the standard library only
    from harness.results.records import ArmFacts, CellFacts, Check, Run

SILENT = 0.02
"""A null reference may cost the server so much of what the bare driver does: the clock of
a process that waits does not move, but a tick may fall into it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """An arm that stands on others. `under` are they, the bare driver first; `null` is the
    reference that shows its own cost, if it took part. `lower` is the layer that it is a
    step above: the one that it wraps, or the one before it of the same library."""

    arm: ArmFacts
    under: tuple[ArmFacts, ...]
    null: ArmFacts | None = None
    lower: ArmFacts | None = None

    @property
    def bare(self) -> ArmFacts:
        """The driver below all layers."""
        return self.under[0]


@dataclass(frozen=True, slots=True)
class Sum:
    """Bare driver + layer alone, ns per op, beside the stack.

    `gap` is what the stack takes more than both together, ns, pass by pass; `share` is
    that as a part of the stack's time.
    """

    alone: stats.Estimate
    gap: stats.Estimate
    share: float

    @property
    def adds_up(self) -> bool | None:
        """Whether the sum lies in the stack's interval, paired as all differences are;
        None for want of rounds."""
        return None if self.gap.low is None else not self.gap.excludes_zero


@dataclass(frozen=True, slots=True)
class Taken:
    """What an arm takes in one cell: its time and CPU times in ns per op; `first` is the
    CPU time of the first call, less that of a later one."""

    time: stats.Estimate
    cpu: float | None
    server_cpu: float | None
    first: float | None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a layer costs in one cell.

    `ratio` is times the bare driver, `extra` what it takes more, ns per op; `step` is times
    the lower layer, if there is one. `hears` says that the null
    reference asked the server after all, so that it shows nothing.
    """

    cell: CellFacts
    layer: Layer
    verdict: Verdict
    detail: str
    bare_verdict: Verdict | None
    spent: Taken | None = None
    bare: Taken | None = None
    ratio: stats.Estimate | None = None
    extra: stats.Estimate | None = None
    step: stats.Estimate | None = None
    sum: Sum | None = None
    hears: bool = False

    def more(self, name: Literal["cpu", "server_cpu", "first"]) -> float | None:
        """What the layer takes more of this than its bare driver, ns."""
        own = getattr(self.spent, name, None)
        other = getattr(self.bare, name, None)
        return None if own is None or other is None else own - other

    @property
    def ranked(self) -> bool:
        """Whether both did the same work, so that their ratio says something."""
        both = (self.verdict, self.bare_verdict)
        return self.ratio is not None and both == (Verdict.EXACT, Verdict.EXACT)


@dataclass(frozen=True, slots=True)
class VerdictShift:
    """A cell of which a layer makes something better or worse than its bare driver."""

    cell: str
    profile: str
    before: Verdict
    after: Verdict
    detail: str

    @property
    def improved(self) -> bool:
        """Whether the layer's verdict is the better one."""
        return self.after.severity < self.before.severity


# --- who stands on whom -----------------------------------------------------------------


def layers(arms: Sequence[ArmFacts]) -> tuple[Layer, ...]:
    """Every layer whose bare driver took part, in the order of drivers and then of layers.

    An arm stands on that arm of its driver which has the version that it wraps.
    """
    drivers = [arm for arm in arms if arm.competes and not arm.problem]
    nulls = {arm.isolates: arm for arm in arms if arm.isolates and not arm.problem}
    found = [
        Layer(arm, under, nulls.get(arm.driver) if not arm.options else None)
        for arm in drivers
        if (under := _under(arm, drivers))
    ]
    order = {arm.id: number for number, arm in enumerate(arms)}
    found.sort(key=lambda layer: (order[layer.bare.id], len(layer.under)))
    return tuple(
        replace(layer, lower=_lower(layer, found[:number]))
        for number, layer in enumerate(found)
    )


def _lower(layer: Layer, before: Sequence[Layer]) -> ArmFacts | None:
    if len(layer.under) > 1:
        return layer.under[-1]
    library = layer.arm.terms.get("library")
    alike = [
        other.arm
        for other in before
        if (other.bare, other.arm.options) == (layer.bare, layer.arm.options)
        and other.arm.terms.get("library") == library
    ]
    return alike[-1] if alike else None


def _under(arm: ArmFacts, arms: Sequence[ArmFacts]) -> tuple[ArmFacts, ...]:
    """What an arm stands on, from the bare driver up; nothing if that is not there."""
    found: list[ArmFacts] = []
    below = _below(arm, arms)
    while below is not None and below not in (arm, *found):
        found.insert(0, below)
        if "wraps" not in below.terms:
            return tuple(found)
        below = _below(below, arms)
    return ()


def _below(arm: ArmFacts, arms: Sequence[ArmFacts]) -> ArmFacts | None:
    version = arm.terms.get("wrapped_version")
    alike = [
        other
        for other in arms
        if other.driver == arm.terms.get("wraps") and other.terms.get("version") == version
    ]
    same = [other for other in alike if other.options == arm.options]
    plain = [other for other in alike if not other.options]
    return next(iter([*same, *plain]), None)


# --- one cell ---------------------------------------------------------------------------


def costs(run: Run) -> tuple[Cost, ...]:
    """Every cell and layer of a run, in the order of cells."""
    found, stacked = measured(run), layers(run.header.arms)
    return tuple(
        _cost(cell, layer, found)
        for cell in run.header.cells
        for layer in stacked
        if (cell.id, layer.arm.id) in found.worst
    )


def _cost(cell: CellFacts, layer: Layer, found: RunTimes) -> Cost:
    told = found.worst[cell.id, layer.arm.id]
    below = found.worst.get((cell.id, layer.bare.id))
    stack, bare = _series(cell, layer.arm, found), _series(cell, layer.bare, found)
    cost = Cost(
        cell,
        layer,
        told.verdict,
        told.detail,
        below.verdict if below else None,
        spent=_spent(stack) if stack else None,
        bare=_spent(bare) if bare else None,
    )
    return _compared(cost, stack, bare, found) if stack and bare else cost


def _series(cell: CellFacts, arm: ArmFacts | None, found: RunTimes) -> Timings | None:
    """What counts of an arm in a cell; None where its verdict forbids a number."""
    if arm is None:
        return None
    worst = found.worst.get((cell.id, arm.id))
    timeable = worst is not None and worst.verdict.timeable
    return found.series.get((cell.id, arm.id)) if timeable else None


def _spent(series: Timings) -> Taken:
    return Taken(
        _time(series),
        _middle(series.per_op["cpu_ns"]),
        _middle(series.per_op["server_cpu_ns"]),
        _middle(series.firsts),
    )


def _compared(cost: Cost, stack: Timings, bare: Timings, found: RunTimes) -> Cost:
    logs = paired_log_ratios(stack, bare)
    if not logs:
        return cost
    null = _series(cost.cell, cost.layer.null, found)
    hears = null is not None and _asks(null, bare)
    return replace(
        cost,
        ratio=stats.hodges_lehmann(logs).exp(),
        extra=difference(stack, bare),
        step=_step(cost, stack, found),
        sum=summed(stack, bare, null) if null is not None and not hears else None,
        hears=hears,
    )


def _time(series: Timings) -> stats.Estimate:
    """As a report estimates a time: over rounds, in logarithms."""
    logs = [stats.log_ratio(wall, 1.0) for wall in series.walls]
    return stats.hodges_lehmann(logs).exp()


def difference(stack: Timings, bare: Timings) -> stats.Estimate:
    """What one takes more than the other, ns per op, paired by pass and round."""
    rounds = passes_per_op((stack, bare))
    return stats.hodges_lehmann([median(own - other for own, other in passes)
                                 for passes in rounds])  # fmt: skip


def _step(cost: Cost, stack: Timings, found: RunTimes) -> stats.Estimate | None:
    """Times the lower layer; None where that is the bare driver."""
    below = _series(cost.cell, cost.layer.lower, found)
    logs = paired_log_ratios(stack, below) if below else []
    return stats.hodges_lehmann(logs).exp() if logs else None


def _middle(values: Sequence[float]) -> float | None:
    return median(values) if values else None


# --- does it add up? --------------------------------------------------------------------


def summed(stack: Timings, bare: Timings, null: Timings) -> Sum | None:
    """Whether bare driver + layer alone is the stack; None without a common round."""
    rounds = passes_per_op((stack, bare, null))
    if not rounds:
        return None
    gap = stats.hodges_lehmann(
        [median(whole - sum(parts) for whole, *parts in passes) for passes in rounds]
    )
    return Sum(_time(null), gap, gap.point / _time(stack).point)


def _asks(null: Timings, bare: Timings) -> bool:
    """Whether a null reference cost the server more than nothing."""
    own, other = null.per_op["server_cpu_ns"], bare.per_op["server_cpu_ns"]
    return bool(own and other) and median(own) > SILENT * median(other)


# --- what an arm costs once -------------------------------------------------------------


def imports(run: Run) -> Mapping[str, float]:
    """The CPU time that each arm took to import, ns: the median over its processes."""
    found: dict[str, list[float]] = {}
    for (_, arm), series in measured(run).series.items():
        found.setdefault(arm, []).extend(series.imports)
    return {arm: median(values) for arm, values in found.items() if values}


# --- verdicts ---------------------------------------------------------------------------


def shifts_timed(run: Run, layer: Layer) -> tuple[VerdictShift, ...]:
    """The cells of a bench run in which a layer's verdict is another than its driver's."""
    worst = measured(run).worst
    told = (
        (cell.id, worst.get((cell.id, layer.bare.id)), worst.get((cell.id, layer.arm.id)))
        for cell in run.header.cells
    )
    return tuple(
        VerdictShift(cell, layer.arm.profile, before.verdict, after.verdict, after.detail)
        for cell, before, after in told
        if before and after and _differ(before.verdict, after.verdict)
    )


def shifts_checked(checks: Sequence[Check], layer: Layer) -> tuple[VerdictShift, ...]:
    """The same of a check run, in each profile."""
    before = _by_cell(checks, layer.bare.id)
    after = _by_cell(checks, layer.arm.id)
    return tuple(
        VerdictShift(
            cell, profile, found.verdict, after[cell, profile].verdict,
            after[cell, profile].detail,
        )
        for (cell, profile), found in before.items()
        if (cell, profile) in after
        and _differ(found.verdict, after[cell, profile].verdict)
    )  # fmt: skip


def _by_cell(checks: Sequence[Check], driver: str) -> dict[tuple[str, str], Check]:
    return {
        (check.cell, check.profile): check for check in checks if check.driver == driver
    }


_UNCHARGED = (Verdict.INVALID, Verdict.SKIPPED)
"""Verdicts that say nothing of a driver."""


def _differ(before: Verdict, after: Verdict) -> bool:
    return before is not after and not {before, after} & {*_UNCHARGED}
