"""What a report says of the network: lines over round-trip times, crossings, savings.

Two sections of the form that lanes have, too: each question with t₀ and k of every driver,
and what pipelines, batches and other ways save; and for each question what a chart shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.analysis.latency import LatencyLine, Turns, latency_lines
from harness.analysis.latency_pairs import Crossing, Saving, crossings, savings
from harness.core import stats
from harness.core.conditions import Condition, parted
from harness.core.stats import Estimate
from harness.core.verdicts import Verdict
from harness.report import format as fmt
from harness.report.sections import (
    ArmRow,
    CellTable,
    LaneSection,
    Quantity,
    Remark,
    Value,
    turns_of,
)
from harness.results.records import CellFacts, Run, changed

BENT = "~"
"""Stands before a k that only the two longest RTTs have."""
TOLD = 6
"""So many crossings of a question are told, the nearest."""
SAMPLES = 25
"""So many points has a curve of a chart."""
ZOOM = 50
"""A chart shows crossings so many times nearer than the nearest RTT."""
INTRO = (
    "Over round-trip times, the time of an op is a line: t = t₀ + k · RTT. t₀ is what it "
    "takes without a network, k how often the client waits for an answer that travels."
)
SAVED = (
    "What one way to do the same work takes less than another, for one driver: waits less, "
    "and time less at each RTT. Pays from: the RTT from which on, or up to which, it saves "
    "time."
)
TERMS = (
    (
        "t₀ and k",
        "Each round has a line of its own through its medians, by weighted least squares; "
        "t₀ and k are the Hodges–Lehmann estimates over rounds, with their signed-rank "
        "intervals. k is in turns, ms per ms. Counted turns are those of the wire lane.",
    ),
    (
        "Not a line",
        "The farthest time is off the line by more than 5 % and by more than 0.05 ms for "
        "each turn: something else grows with the distance, such as a window that is full.",
    ),
)


@dataclass(frozen=True, slots=True)
class LatencyCurve:
    """A driver in a chart: what was measured, and its line with a band; RTTs in ms, times
    in ns. `straight` says whether it is a line."""

    arm: str
    points: tuple[tuple[float, Estimate], ...]
    samples: tuple[tuple[float, Estimate], ...]
    straight: bool


@dataclass(frozen=True, slots=True)
class LatencyChart:
    """Times of a question over RTTs, on an axis from `nearest` to `farthest`, ms, besides
    0. `marks` are crossings: where, at which time, and what crosses."""

    cell: str
    title: str
    point: str
    nearest: float
    farthest: float
    curves: tuple[LatencyCurve, ...]
    marks: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """A line in a few words, for the end of a bench."""

    cell: str
    arm: str
    fixed: str
    turns: str
    counted: str


@dataclass(frozen=True, slots=True)
class LatencyView:
    """What the network adds in one run; `saved` are sentences for the end of a bench."""

    sections: tuple[LaneSection, ...]
    charts: tuple[LatencyChart, ...]
    findings: tuple[Remark, ...]
    summary: tuple[LatencySummary, ...]
    saved: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = TERMS

    def chart(self, cell: str) -> LatencyChart | None:
        """The chart of a question of the first section."""
        return next((chart for chart in self.charts if chart.cell == cell), None)


def counted_turns(runs: Iterable[Run]) -> dict[tuple[str, str], Turns]:
    """What the wire lane counted in whichever of these runs, by arm and cell; a cell has
    the same turns at every RTT."""
    found: dict[tuple[str, str], Turns] = {}
    for (name, arm), told in (each for run in runs for each in turns_of(run).items()):
        if told.number is None:
            continue
        bare, condition = parted(name)
        ends = (
            told.number if told.low is None else told.low,
            told.number if told.high is None else told.high,
        )
        low, high = found.get(key := (bare + Condition(condition.via).mark, arm), ends)
        found[key] = (min(low, ends[0]), max(high, ends[1]))
    return found


def latency_view(
    run: Run,
    counted: Mapping[tuple[str, str], Turns] | None = None,
) -> LatencyView | None:
    """What a run says of the network; None where there are fewer than three RTTs."""
    lines = latency_lines(run, counted)
    if not lines:
        return None
    crossed, saved = crossings(lines), savings(lines)
    sections = [_lines_section(lines, crossed)]
    sections += [_savings_section(saved)] if saved else []
    return LatencyView(
        sections=tuple(sections),
        charts=tuple(_chart(list(group), crossed) for _, group in _by_cell(lines)),
        findings=tuple(_findings(lines)),
        summary=tuple(map(_summary, lines)),
        saved=tuple(map(_saving_sentence, saved)),
    )


def _by_cell(
    lines: Sequence[LatencyLine],
) -> Iterator[tuple[str, Iterator[LatencyLine]]]:
    return groupby(lines, lambda line: line.cell)


# --- lines ------------------------------------------------------------------------------


def _lines_section(
    lines: Sequence[LatencyLine], crossed: Sequence[Crossing]
) -> LaneSection:
    rtts = _rtts(lines)
    counts = any(line.counted for line in lines)
    quantities = (
        Quantity("t₀, no network", "network_fixed_ns", "ns/op"),
        Quantity("k, turns", "network_turns", "turns"),
        *([Quantity("counted")] if counts else ()),
        *(Quantity(f"at {rtt:g} ms") for rtt in rtts if rtt),
        Quantity("off the line"),
    )
    tables = tuple(
        CellTable(
            changed(found[0].facts, id=cell),
            tuple(_line_row(line, rtts, counts) for line in found),
            tuple(_crossing_notes(cell, crossed)),
        )
        for cell, group in _by_cell(lines)
        if (found := list(group))
    )
    intro = f"{INTRO} {_rtt_sentence(lines)}"
    return LaneSection("latency", "What the network adds", intro, quantities, tables)


def _rtts(lines: Sequence[LatencyLine]) -> list[float]:
    return sorted({point.promised_ms for line in lines for point in line.points})


def _rtt_sentence(lines: Sequence[LatencyLine]) -> str:
    """The RTTs as promised, and as they were measured."""
    found = {point.promised_ms: point.rtt_ms for line in lines for point in line.points}
    told = [
        f"{promised:g}" if promised == rtt else f"{promised:g} ({fmt.figures(rtt)})"
        for promised, rtt in sorted(found.items())
    ]
    measured = any(promised != rtt for promised, rtt in found.items())
    kind = ", in brackets as measured" if measured else ", as promised"
    return f"RTTs added, ms{kind}: {', '.join(told)}."


def _line_row(line: LatencyLine, rtts: Sequence[float], counts: bool) -> ArmRow:
    at = {point.promised_ms: point.time for point in line.points}
    values = (
        _time(line.fixed),
        _turns(line),
        *([_counted(line)] if counts else ()),
        *(_at_rtt(at.get(rtt)) for rtt in rtts if rtt),
        _off(line),
    )
    return ArmRow(line.arm.id, line.verdict, "", values, repeats=len(line.rounds))


def _time(estimate: Estimate) -> Value:
    note = "" if estimate.low is None else fmt.time_interval(estimate)
    text = fmt.duration(estimate.point)
    return Value(text, estimate.point, estimate.low, estimate.high, note=note)


def _at_rtt(estimate: Estimate | None) -> Value:
    """A time at an RTT; its interval is for programs, there are many of them."""
    if estimate is None:
        return Value(fmt.NONE)
    text = fmt.duration(estimate.point)
    return Value(text, estimate.point, estimate.low, estimate.high)


def _turns(line: LatencyLine) -> Value:
    turns, apart = line.best, line.as_counted is False
    mark = "≠ " if line.verdict is Verdict.DIFFERS else ""
    far = "" if line.straight else f", from {line.far_from_ms:g} ms on"
    return Value(
        f"{mark}{_number(turns.point)}",
        turns.point,
        turns.low,
        turns.high,
        note=f"{turns_interval(turns)}{far}".removeprefix(", "),
        emphasis="alarm" if apart else "",
        flag="not-as-counted" if apart else "" if line.straight else "not-a-line",
    )


def turns_interval(turns: Estimate) -> str:
    """`1.99 – 2.01`; empty for want of rounds."""
    if turns.low is None or turns.high is None:
        return ""
    return f"{_number(turns.low)} – {_number(turns.high)}"


def _number(turns: float) -> str:
    """Turns with two decimals, from a hundred on with one."""
    return f"{turns:.2f}" if turns < 99.95 else f"{turns:.1f}"


def counted_text(line: LatencyLine) -> str:
    """`2`, or `1 – 3` where not all repeats had the same."""
    if line.counted is None:
        return fmt.NONE
    low, high = line.counted
    return f"{low:g}" if low == high else f"{low:g} – {high:g}"


def _counted(line: LatencyLine) -> Value:
    return Value(counted_text(line))


def _off(line: LatencyLine) -> Value:
    share = line.off_ns / line.worst.time.point
    text = f"{fmt.signed(share * 100, 1)} %"
    note = f"at {line.worst.promised_ms:g} ms"
    if line.straight:
        return Value(text, note=note)
    return Value(f"not a line: {text}", note=note)


def _crossing_notes(cell: str, crossed: Sequence[Crossing]) -> Iterator[str]:
    found = [crossing for crossing in crossed if crossing.cell == cell]
    yield from map(_crossing_sentence, found[:TOLD])
    if len(found) > TOLD:
        yield f"{len(found) - TOLD} more pairs of drivers cross farther away."


def _crossing_sentence(crossing: Crossing) -> str:
    beyond = ", farther than anything that was measured" if crossing.beyond else ""
    return (
        f"{crossing.below} is faster up to {_ms(crossing.rtt_ms.point)} "
        f"({_ms_interval(crossing.rtt_ms)}) of RTT{beyond}, {crossing.above} from there on."
    )


def _ms(value: float) -> str:
    return fmt.duration(value * 1e6)


def _ms_interval(rtt_ms: Estimate) -> str:
    assert rtt_ms.low is not None
    assert rtt_ms.high is not None
    ends = Estimate(rtt_ms.point * 1e6, rtt_ms.low * 1e6, rtt_ms.high * 1e6, 0, None)
    return fmt.time_interval(ends)


# --- savings ----------------------------------------------------------------------------


def _savings_section(saved: Sequence[Saving]) -> LaneSection:
    rtts = sorted({rtt for saving in saved for rtt, _ in saving.saved})
    quantities = (
        Quantity("turns less", "network_turns_saved", "turns"),
        *(Quantity(f"at {rtt:g} ms") for rtt in rtts),
        Quantity("pays from"),
    )
    tables = tuple(
        CellTable(
            _saving_facts(found[0]), tuple(_saving_row(saving, rtts) for saving in found)
        )
        for _, group in groupby(saved, lambda saving: (saving.cell, saving.base))
        if (found := list(group))
    )
    return LaneSection(
        "latency-saved", "What waiting less saves", SAVED, quantities, tables
    )


def _saving_facts(saving: Saving) -> CellFacts:
    title = f"{saving.way} instead of {saving.instead_of}: {saving.facts.title}"
    return changed(saving.facts, id=saving.cell, title=title)


def _saving_row(saving: Saving, rtts: Sequence[float]) -> ArmRow:
    turns, at = saving.turns, dict(saving.saved)
    less = Value(
        fmt.signed(turns.point, 2),
        turns.point,
        turns.low,
        turns.high,
        note=turns_interval(turns),
    )
    values = (
        less,
        *(_at_rtt(at.get(rtt)) for rtt in rtts),
        Value(_pays(saving)),
    )
    return ArmRow(saving.arm, Verdict.EXACT, "", values, repeats=turns.n)


def _saving_sentence(saving: Saving) -> str:
    """`psycopg, pipeline instead of sequential: 9.00 turns less, pays from 0.2 ms on`."""
    pays = {None: "never pays", 0.0: "pays at any RTT"}
    when = pays.get(saving.from_ms, f"pays from {_pays(saving)} of RTT on")
    if saving.until_ms is not None:
        when = f"pays {_pays(saving)} of RTT"
    told = f"{saving.way} instead of {saving.instead_of}"
    turns = f"{fmt.signed(-saving.turns.point, 2)} turns"
    return f"{saving.arm}, {told}: {turns}, {when} ({saving.cell})"


def _pays(saving: Saving) -> str:
    if saving.until_ms is not None:
        return f"up to {_ms(saving.until_ms)}"
    if saving.from_ms is None:
        return "never"
    return _ms(saving.from_ms) if saving.from_ms else "0"


# --- findings ---------------------------------------------------------------------------


def _findings(lines: Sequence[LatencyLine]) -> Iterator[Remark]:
    for line in lines:
        if text := _doubt(line):
            yield Remark("network", f"{line.arm.id}: {text}", line.cell)


def _doubt(line: LatencyLine) -> str:
    """What is odd about a line, if anything."""
    turns = f"k = {_number(line.best.point)} ({turns_interval(line.best)})"
    if not line.straight:
        above = "above" if line.off_ns > 0 else "below"
        bent = (
            f"not a line: at {line.worst.promised_ms:g} ms the time is "
            f"{fmt.duration(abs(line.off_ns))} {above} t₀ + k · RTT; from "
            f"{line.far_from_ms:g} ms on {turns}"
        )
        return f"{bent}, {_against(line)}" if _against(line) else bent
    told = _against(line)
    return f"{turns}{':' if line.counted is None else ', but'} {told}" if told else ""


def _against(line: LatencyLine) -> str:
    """What speaks against a k; of a bent line also what speaks for it."""
    counted = f"the wire lane counted {counted_text(line)} turns"
    if line.as_counted is False:
        return counted
    if line.counted is None and line.whole is False:
        return "no whole number of turns"
    return "as counted" if line.as_counted and not line.straight else ""


# --- charts, and the end of a bench -----------------------------------------------------


def _chart(lines: Sequence[LatencyLine], crossed: Sequence[Crossing]) -> LatencyChart:
    first = lines[0]
    measured = [point.rtt_ms for line in lines for point in line.points if point.rtt_ms]
    here = [found for found in crossed if found.cell == first.cell][:TOLD]
    shown = [found for found in here if found.rtt_ms.point > min(measured) / ZOOM]
    places = [*measured, *(found.rtt_ms.point for found in shown)]
    nearest, farthest = min(places), max(places)
    by_arm = {line.arm.id: line for line in lines}
    return LatencyChart(
        cell=first.cell,
        title=first.facts.title,
        point=", ".join(f"{name} = {value}" for name, value in first.facts.point.items()),
        nearest=nearest,
        farthest=farthest,
        curves=tuple(_curve(line, nearest, farthest) for line in lines),
        marks=tuple(_mark(found, by_arm[found.above]) for found in shown),
    )


def _mark(crossing: Crossing, line: LatencyLine) -> tuple[float, float, str]:
    rtt_ms = crossing.rtt_ms.point
    told = f"{crossing.below}, from {_ms(rtt_ms)} on {crossing.above}"
    return rtt_ms, line.middle.at(rtt_ms), told


def _curve(line: LatencyLine, nearest: float, farthest: float) -> LatencyCurve:
    """The line at equal factors of RTT."""
    low, high = math.log(nearest), math.log(farthest)
    places = [low + (high - low) * step / (SAMPLES - 1) for step in range(SAMPLES)]
    return LatencyCurve(
        arm=line.arm.id,
        points=tuple((point.rtt_ms, point.time) for point in line.points),
        samples=tuple((math.exp(rtt), _at(line, math.exp(rtt))) for rtt in places),
        straight=line.straight,
    )


def _at(line: LatencyLine, rtt_ms: float) -> Estimate:
    return stats.hodges_lehmann([found.at(rtt_ms) for found in line.rounds.values()])


def _summary(line: LatencyLine) -> LatencySummary:
    turns = _number(line.best.point)
    if interval := turns_interval(line.best):
        turns = f"{turns} ({interval})"
    if not line.straight:
        turns = f"{BENT}{turns}"
    return LatencySummary(
        line.cell,
        line.arm.id,
        fmt.duration(line.fixed.point),
        turns,
        counted_text(line),
    )
