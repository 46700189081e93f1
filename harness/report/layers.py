"""What a report says of layers: an adapter's or an ORM's cost beside its bare driver's.

Two sections of the form that lanes have too: a row per layer over all questions, and each
question with its chains. A bare driver's row has its own numbers, a layer's row what comes
on top.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from harness.analysis import layers as analysis
from harness.analysis.layers import Cost, Layer, VerdictShift
from harness.analysis.times import measured
from harness.core import stats
from harness.report import format as fmt
from harness.report.sections import (
    ArmRow,
    CellTable,
    LaneSection,
    Quantity,
    Remark,
    Value,
)
from harness.results.records import ArmFacts, Check, Run

NAMED = 3
"""So many questions are named where a verdict changes in more."""
OVER_ALL = (
    Quantity("time, × bare", "layer_ratio", "× bare"),
    Quantity("wall per op", "layer_extra_ns", "ns/op"),
    Quantity("client CPU per op", "layer_cpu_ns", "ns/op"),
    Quantity("server CPU per op", "layer_server_cpu_ns", "ns/op"),
    Quantity("first use of a text, CPU", "layer_first_cpu_ns", "ns"),
    Quantity("import, CPU", "layer_import_cpu_ns", "ns"),
    Quantity("peak memory (RSS)", "layer_rss_bytes", "bytes"),
    Quantity("verdicts better / worse"),
    Quantity("adds up"),
)
PER_CELL = (
    Quantity("% of bare", "layer_ratio", "× bare"),
    Quantity("wall per op", "layer_extra_ns", "ns/op"),
    Quantity("client CPU per op", "layer_cpu_ns", "ns/op"),
    Quantity("server CPU per op", "layer_server_cpu_ns", "ns/op"),
    Quantity("first use, CPU", "layer_first_cpu_ns", "ns"),
    Quantity("layer alone", "layer_alone_ns", "ns/op"),
    Quantity("bare + alone, % of stack", "layer_sum_share", "of the stack"),
)
INTRO = (
    "A bare driver’s row says what it takes itself, each layer’s row what comes on top. "
    "All is timed in the same passes. × is the geometric mean over the questions that both "
    "answered exactly, with the least and the greatest of them; the other numbers per op "
    "are medians over these questions."
)
EACH = (
    "The bare driver is 100 %. In brackets: 95 % intervals of paired rounds. Layer alone "
    "is the layer over answers from memory; bare + alone says how much of the stack’s time "
    "both explain together, and is marked where the difference is certain."
)
CHARTED = ("layer_ratio",)
TERMS = (
    (
        "Layer",
        "A library that stands on a driver: an adapter, a toolkit, an ORM. Import and "
        "first use are CPU time of the client: of a fresh process until the driver is "
        "loaded, and of the first call with a text, less that of a later one.",
    ),
    (
        "Layer alone",
        "The same layer and its driver’s connection, whose answers come from memory once "
        "they were heard. If a layer only adds to its driver, bare + alone is the stack; "
        "where it is not, the layer makes the driver do other work, or caches are colder.",
    ),
)


@dataclass(frozen=True, slots=True)
class LayersView:
    """The cost of layers in one run."""

    sections: tuple[LaneSection, ...]
    findings: tuple[Remark, ...]
    terms: tuple[tuple[str, str], ...] = TERMS


def layers_view(run: Run, checks: Sequence[Check] = ()) -> LayersView | None:
    """What a run says of layers; None where no layer stands beside its driver. `checks` are
    those of other runs in the same report."""
    stacked = analysis.layers(run.header.arms)
    costs = analysis.costs(run)
    if not costs:
        return None
    shifts = {
        layer.arm.id: (
            *analysis.shifts_timed(run, layer),
            *analysis.shifts_checked(checks, layer),
        )
        for layer in stacked
    }
    once = _Once(run)
    sections = (
        LaneSection(
            "layers", "What a layer costs", INTRO, OVER_ALL,
            (CellTable(None, tuple(_over_all(stacked, costs, shifts, once))),), CHARTED,
        ),
        LaneSection(
            "layers-cells", "Layers, each question", EACH, PER_CELL,
            tuple(_tables(run, costs)), CHARTED,
        ),
    )  # fmt: skip
    return LayersView(sections, tuple(_findings(stacked, costs, shifts)))


class _Once:
    """What an arm costs once: to import, and of memory."""

    def __init__(self, run: Run) -> None:
        self.imports = analysis.imports(run)
        self.peaks = measured(run).peaks


# --- over all questions -----------------------------------------------------------------


def _over_all(
    stacked: Sequence[Layer],
    costs: Sequence[Cost],
    shifts: Mapping[str, Sequence[VerdictShift]],
    once: _Once,
) -> Iterator[ArmRow]:
    """A bare driver, then the layers on it."""
    for _, group in groupby(stacked, lambda layer: layer.bare.id):
        chain = list(group)
        ours = [cost for cost in costs if cost.layer.bare.id == chain[0].bare.id]
        yield _bare_over_all(chain[0].bare, ours, once)
        for layer in chain:
            own = [cost for cost in ours if cost.layer.arm.id == layer.arm.id]
            yield _layer_over_all(layer, own, shifts[layer.arm.id], once)


def _bare_over_all(bare: ArmFacts, costs: Sequence[Cost], once: _Once) -> ArmRow:
    found = {cost.cell.id: cost.bare for cost in costs if cost.bare}
    spent = list(found.values())
    values = (
        Value("1", 1.0),
        _time(_median(own.time.point for own in spent)),
        _time(_median(own.cpu for own in spent)),
        _time(_median(own.server_cpu for own in spent)),
        _time(_median(own.first for own in spent)),
        _time(once.imports.get(bare.id)),
        _size(once.peaks.get(bare.id)),
        Value(""),
        Value(""),
    )
    return ArmRow(bare.id, None, "", values, repeats=len(spent))


def _layer_over_all(
    layer: Layer, costs: Sequence[Cost], shifts: Sequence[VerdictShift], once: _Once
) -> ArmRow:
    ranked = [cost for cost in costs if cost.ranked]
    bare, own = layer.bare.id, layer.arm.id
    values = (
        _ratios([cost.ratio.point for cost in ranked if cost.ratio]),
        _more(_median(cost.extra.point for cost in ranked if cost.extra)),
        _more(_median(cost.more("cpu") for cost in ranked)),
        _more(_median(cost.more("server_cpu") for cost in ranked)),
        _more(_median(cost.more("first") for cost in ranked)),
        _more(_less(once.imports.get(own), once.imports.get(bare))),
        _bytes(_less(once.peaks.get(own), once.peaks.get(bare))),
        _verdicts(shifts),
        _sums(costs),
    )
    return ArmRow(own, None, "", values, repeats=len(ranked))


def _ratios(ratios: Sequence[float]) -> Value:
    if not ratios:
        return Value(fmt.NONE, note="no question that both answer exactly")
    mean = stats.geometric_mean(ratios).point
    low, high = min(ratios), max(ratios)
    several = len(ratios) > 1
    questions = fmt.plural(len(ratios), "question")
    note = f"{low:.2f} – {high:.2f}, {questions}" if several else questions
    return Value(fmt.times(mean), mean, low, high, note=note)


def _verdicts(shifts: Sequence[VerdictShift]) -> Value:
    better = sum(shift.improved for shift in shifts)
    worse = len(shifts) - better
    return Value(f"{better} / {worse}", emphasis="alarm" if worse else "")


def _sums(costs: Sequence[Cost]) -> Value:
    """In how many questions bare + alone cannot be told from the stack."""
    told = [cost.sum.adds_up for cost in costs if cost.sum and cost.sum.adds_up is not None]
    return Value(f"{sum(told)} of {len(told)}" if told else fmt.NONE)


# --- each question ----------------------------------------------------------------------


def _tables(run: Run, costs: Sequence[Cost]) -> Iterator[CellTable]:
    found = {cell: list(group) for cell, group in groupby(costs, lambda cost: cost.cell.id)}
    for cell in run.header.cells:
        if cell.id in found:
            yield CellTable(cell, tuple(_rows(found[cell.id])))


def _rows(costs: Sequence[Cost]) -> Iterator[ArmRow]:
    """Each bare driver, followed by the layers on it."""
    for _, group in groupby(costs, lambda cost: cost.layer.bare.id):
        chain = list(group)
        yield _bare_row(chain[0])
        yield from map(_row, chain)


def _bare_row(cost: Cost) -> ArmRow:
    bare, name = cost.bare, cost.layer.bare.id
    if bare is None:
        return ArmRow(name, cost.bare_verdict, "no number")
    values = (
        Value("100 %", 1.0),
        _estimate(bare.time, fmt.duration(bare.time.point)),
        _time(bare.cpu),
        _time(bare.server_cpu),
        _time(bare.first),
        Value(""),
        Value(""),
    )
    return ArmRow(name, cost.bare_verdict, "", values, repeats=bare.time.n)


def _row(cost: Cost) -> ArmRow:
    """A layer; where its driver has no number, its own time."""
    name, spent = cost.layer.arm.id, cost.spent
    if spent is None:
        return ArmRow(name, cost.verdict, cost.detail or "no number")
    if cost.ratio is None or cost.extra is None:
        own = _estimate(spent.time, fmt.duration(spent.time.point))
        blank = [Value("")] * (len(PER_CELL) - 2)
        return ArmRow(name, cost.verdict, "", (Value(fmt.NONE), own, *blank))
    values = (
        _share(cost),
        _estimate(cost.extra, _plus(cost.extra.point)),
        _more(cost.more("cpu")),
        _more(cost.more("server_cpu")),
        _more(cost.more("first")),
        *_alone(cost),
    )
    return ArmRow(name, cost.verdict, "", values, repeats=cost.ratio.n)


def _share(cost: Cost) -> Value:
    """In per cent of the bare driver; marked where that did other work."""
    ratio = cost.ratio
    assert ratio is not None
    mark = "" if cost.ranked else "≠ "
    notes = []
    if ratio.low is not None and ratio.high is not None:
        notes.append(f"{ratio.low * 100:,.0f} – {ratio.high * 100:,.0f}")
    if cost.step:
        notes.append(f"{fmt.times(cost.step.point)} the lower layer")
    text = f"{mark}{ratio.point * 100:,.0f} %"
    flag = "" if cost.ranked else "not-ranked"
    return Value(text, ratio.point, ratio.low, ratio.high, note="; ".join(notes), flag=flag)


def _alone(cost: Cost) -> tuple[Value, Value]:
    if cost.hears:
        return Value(fmt.NONE, note="it asked the server"), Value(fmt.NONE)
    if cost.sum is None:
        return Value(fmt.NONE), Value(fmt.NONE)
    alone, share = cost.sum.alone, 1 - cost.sum.share
    certain = cost.sum.adds_up is False
    explained = Value(
        f"{share * 100:,.0f} %",
        share,
        emphasis="alarm" if certain else "",
        flag="does-not-add-up" if certain else "",
    )
    return _estimate(alone, fmt.duration(alone.point)), explained


# --- findings ---------------------------------------------------------------------------


def _findings(
    stacked: Sequence[Layer],
    costs: Sequence[Cost],
    shifts: Mapping[str, Sequence[VerdictShift]],
) -> Iterator[Remark]:
    for layer in stacked:
        own = [cost for cost in costs if cost.layer.arm.id == layer.arm.id]
        yield from _verdict_findings(layer, shifts[layer.arm.id])
        yield from _sum_findings(layer, own)


def _verdict_findings(layer: Layer, shifts: Sequence[VerdictShift]) -> Iterator[Remark]:
    """Once for all questions in which the same verdict became the same other one."""
    groups: dict[tuple[str, str], list[VerdictShift]] = {}
    for shift in shifts:
        groups.setdefault((shift.before, shift.after), []).append(shift)
    for (before, after), found in groups.items():
        which = "better" if found[0].improved else "worse"
        cells = list(dict.fromkeys(shift.cell for shift in found))
        more = f" and {len(cells) - NAMED} more" if len(cells) > NAMED else ""
        text = (
            f"{layer.arm.id} is {which} than {layer.bare.id}, {before} → {after}, in "
            f"{', '.join(cells[:NAMED])}{more}"
        )
        yield Remark("layer", text)


def _sum_findings(layer: Layer, costs: Sequence[Cost]) -> Iterator[Remark]:
    """Where bare driver and layer alone are not the stack, and by how much."""
    sums = {cost.cell.id: cost.sum for cost in costs if cost.sum}
    apart = {cell: found for cell, found in sums.items() if found.adds_up is False}
    if not apart:
        return
    shares = {cell: found.share for cell, found in apart.items()}
    cell = max(shares, key=lambda name: abs(shares[name]))
    gap = apart[cell].gap
    text = (
        f"{layer.arm.id} is not {layer.bare.id} + the layer alone in {len(apart)} of "
        f"{fmt.plural(len(sums), 'question')}: at most the stack takes {_plus(gap.point)} "
        f"({_ends(gap)}) more than both together, {_percent(shares[cell])} of its time"
    )
    yield Remark("layer", text, cell)


# --- numbers ----------------------------------------------------------------------------


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _less(own: float | None, other: float | None) -> float | None:
    return None if own is None or other is None else own - other


def _time(ns: float | None) -> Value:
    return Value(fmt.duration(ns), ns)


def _more(ns: float | None) -> Value:
    return Value(fmt.NONE if ns is None else _plus(ns), ns)


def _size(count: float | None) -> Value:
    return Value(fmt.size(count), count)


def _bytes(count: float | None) -> Value:
    return Value(fmt.NONE if count is None else fmt.amount(count), count)


def _estimate(estimate: stats.Estimate, text: str) -> Value:
    return Value(text, estimate.point, estimate.low, estimate.high, note=_ends(estimate))


def _ends(estimate: stats.Estimate) -> str:
    return "" if estimate.low is None else fmt.time_interval(estimate)


def _plus(ns: float) -> str:
    return f"{'+' if ns > 0 else ''}{fmt.duration(ns)}"


def _percent(share: float) -> str:
    return f"{'+' if share > 0 else ''}{fmt.figures(share * 100, 2)} %"
