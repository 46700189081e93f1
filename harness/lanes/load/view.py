"""What a report says of many clients: the knee of each driver, response times by rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.core import stats
from harness.lanes.load.meaning import (
    CALM,
    MOST_LAG,
    SHARES,
    ArmLoad,
    KneeStanding,
    LoadPoint,
    arm_loads,
    doubts,
    standings,
    sweep,
)
from harness.report import format as fmt
from harness.report.curves import CurveChart, CurveMark, CurvePanel, CurvePoint, DriverCurve
from harness.report.sections import (
    ArmRow,
    CellTable,
    LaneSection,
    LaneView,
    Quantity,
    Remark,
    RunFact,
    Value,
    tallied,
)
from harness.results.records import ArmFacts, CellFacts, Run

KNEES = (
    Quantity("clients", words=True),
    Quantity("knee, ops/s", "knee_ops_per_s", "1/s"),
    Quantity("× highest", "knee_ratio", "ratio"),
    Quantity("keeps up to", "kept_ops_per_s", "1/s"),
    Quantity("p99 calm to", "calm_ops_per_s", "1/s"),
    Quantity("client cores", "client_cores", "1"),
)
_QUANTILES = tuple(
    Quantity(f"p{share * 100:g}", f"response_ns_p{share * 100:g}", "ns") for share in SHARES
)
RATES = (
    Quantity("ops/s", "ops_per_s", "1/s"),
    *_QUANTILES,
    Quantity("lag p99", "lag_ns_p99", "ns"),
)
CLOSED = (
    Quantity("clients", words=True),
    Quantity("ops/s", "ops_per_s", "1/s"),
    Quantity("× highest", "ops_ratio", "ratio"),
    *_QUANTILES,
)
KNEES_INTRO = (
    "Ops arrive at a rate that all processes together were asked for. Up to its "
    "knee a driver achieves what is asked; from there on it achieves the same, however "
    "much is asked, and response times only grow. p99 is calm up to "
    f"{CALM:g} times what it is at the least rate; client cores are the most that all "
    "processes took. Threads and tasks are two workloads and not compared."
)
RATES_INTRO = (
    "Response times from the moment at which an op was due to when it was back, over all "
    "ops of all processes. Lag is how long the load generator was late while a session "
    "was free. Numbers in brackets do not count: p99 of the lag is more than "
    f"{MOST_LAG:.0%} of p50 of the response times, so they are the generator’s, not the "
    "driver’s."
)
CLOSED_INTRO = (
    "Each client sends its next op when the last one is back. Times are service times, "
    "from a call to its return."
)
NOTE = (
    "Bold: p99; thin: p50. Hollow: the load generator was late, so the point does not "
    "count. Upright: the knee with its interval of 95 %. Logarithmic."
)
TERMS = (
    (
        "Knee",
        "The corner of achieved = min(asked, capacity): in each repeat the mean rate that "
        "was achieved where less than 90 % of what was asked was; Hodges–Lehmann over "
        "repeats, with the signed-rank interval of 95 %. Two knees are compared by their "
        "ratios in common repeats; “=” cannot be told from the highest "
        "(Benjamini–Hochberg at 5 %).",
    ),
    (
        "Keeps up",
        "The greatest rate that was asked and of which at least 95 % was achieved.",
    ),
)

Sweeps = Mapping[tuple[str, str], ArmLoad]
Standings = Mapping[tuple[str, str], KneeStanding]


def view(run: Run) -> LaneView:
    """All of a run that put drivers under load."""
    loads = arm_loads(run)
    ranks = standings(loads.values())
    knees, rates, closed = _tables(run, loads, ranks)
    sections = (
        LaneSection("knee", "Saturation", KNEES_INTRO, KNEES, knees),
        LaneSection("rates", "Response times by rate", RATES_INTRO, RATES, rates),
        LaneSection("closed", "Closed loops", CLOSED_INTRO, CLOSED, closed),
    )
    return LaneView(
        "Many clients",
        f"{tallied(run, (*knees, *closed))}{_highest(loads, ranks)}.",
        _sureness(loads.values()),
        tuple(section for section in sections if section.tables),
        findings=(
            *_apart(loads, ranks),
            *_late(loads.values()),
            *_falling(loads.values()),
            *_errors(loads.values()),
            *_doubted(run),
        ),
        facts=tuple(_facts(loads.values())),
        terms=TERMS,
    )


def _tables(
    run: Run, loads: Sweeps, ranks: Standings
) -> tuple[tuple[CellTable, ...], tuple[CellTable, ...], tuple[CellTable, ...]]:
    """Knees, rates and closed loops, in the order of the header."""
    knees: list[CellTable] = []
    rates: list[CellTable] = []
    closed: list[CellTable] = []
    sweeps = {sweep(cell).id: sweep(cell) for cell in run.header.cells}
    arms = [arm for arm in run.header.arms if arm.competes]
    for name, cell in sweeps.items():
        found = [loads[name, arm.id] for arm in arms if (name, arm.id) in loads]
        if not found and _left_out(run, name):
            continue
        absent = tuple(map(_absent, (arm for arm in arms if (name, arm.id) not in loads)))
        if cell.clients:
            rows = (_closed(load, ranks) for load in _ranked(found))
            closed.append(CellTable(cell, (*rows, *absent), _crowds(found)))
            continue
        rows = (_knee(load, ranks) for load in _ranked(found))
        knees.append(CellTable(cell, (*rows, *absent), _crowds(found), _chart(found)))
        rates.extend(_by_rate(found))
    return tuple(knees), tuple(rates), tuple(closed)


def _crowds(found: Iterable[ArmLoad]) -> tuple[str, ...]:
    """How many sent, of each driver."""
    counts = {(p.sessions, p.processes) for load in found for p in load.points}
    told = [
        f"{fmt.plural(sessions, 'session')} in {fmt.plural(processes, 'process')}"
        for sessions, processes in sorted(counts)
    ]
    return (f"Of each driver: {' or '.join(told)}.",) if told else ()


def _left_out(run: Run, name: str) -> bool:
    left = {note.cell for note in run.notes if note.kind == "left-out"}
    return all(cell.id in left for cell in run.header.cells if sweep(cell).id == name)


def _absent(arm: ArmFacts) -> ArmRow:
    return ArmRow(arm.id, None, arm.problem or "not measured")


def _ranked(found: Iterable[ArmLoad]) -> list[ArmLoad]:
    """Threads, then tasks; of each first who never saturated, then the highest."""

    def place(load: ArmLoad) -> tuple[bool, bool, float]:
        capacity = load.capacity
        known = capacity.point if capacity else load.knee.keeps_up_to
        ended = capacity is not None or not load.verdict.timeable
        return load.clients == "tasks", ended, -known

    return sorted(found, key=place)


# --- rows -------------------------------------------------------------------------------


def _row(load: ArmLoad, values: tuple[Value, ...], repeats: int) -> ArmRow:
    return ArmRow(
        load.arm.id,
        load.verdict,
        load.detail,
        values,
        repeats=repeats,
    )


def _knee(load: ArmLoad, ranks: Standings) -> ArmRow:
    if not load.points or not load.verdict.timeable:
        return _row(load, (), 0)
    values = (
        Value(load.clients),
        _capacity(load),
        _standing(ranks.get((load.cell.id, load.arm.id))),
        _asked(load.knee.keeps_up_to),
        _asked(load.calm_up_to),
        _cores(max(point.cores for point in load.points)),
    )
    return _row(load, values, max(point.repeats for point in load.points))


def _closed(load: ArmLoad, ranks: Standings) -> ArmRow:
    if not load.points or not load.verdict.timeable:
        return _row(load, (), 0)
    point = load.points[0]
    values = (
        Value(load.clients),
        _rate(point.achieved, note=True),
        _standing(ranks.get((load.cell.id, load.arm.id))),
        *map(_time, point.response),
    )
    return _row(load, values, point.repeats)


def _by_rate(found: Sequence[ArmLoad]) -> Iterator[CellTable]:
    """A table for each rate, with the arms that were asked for it."""
    cells: dict[str, CellFacts] = {
        point.cell.id: point.cell for load in found for point in load.shown
    }
    for name, cell in sorted(cells.items(), key=lambda entry: entry[1].rate):
        rows = tuple(
            _row(load, _point(point), point.repeats)
            for load in found
            for point in load.shown
            if point.cell.id == name
        )
        yield CellTable(cell, rows)


def _point(point: LoadPoint) -> tuple[Value, ...]:
    lag = point.lag[1] if point.lag else 0.0
    values = (
        _rate(point.achieved),
        *map(_time, point.response),
        Value(fmt.duration(lag), lag),
    )
    return values if point.valid else tuple(map(_bracketed, values))


def _bracketed(value: Value) -> Value:
    """A number that does not count."""
    return Value(f"({value.text})", value.number, value.low, value.high, flag="late")


def _capacity(load: ArmLoad) -> Value:
    """The knee, or on which side of all rates it lies."""
    knee = load.knee
    if knee.capacity:
        return _rate(knee.capacity, note=True)
    if knee.below:
        return Value(f"< {_number(knee.below)}", high=knee.below, flag="below")
    if knee.keeps_up_to:
        text = f"> {_number(knee.keeps_up_to)}"
        return Value(text, low=knee.keeps_up_to, flag="not reached")
    return Value("late", flag="late")


def _standing(found: KneeStanding | None) -> Value:
    if found is None or found.alone:
        return Value(fmt.NONE)
    if found.ratio.point == 1 and not found.tied:
        return Value("highest", 1.0, emphasis="best")
    ratio = found.ratio
    text = f"{'= ' if found.tied else ''}{fmt.times(ratio.point)}"
    note = fmt.ratio_interval(ratio) if ratio.low is not None else ""
    return Value(text, ratio.point, ratio.low, ratio.high, note=note,
                 flag="tied" if found.tied else "")  # fmt: skip


def _cores(cores: float) -> Value:
    return Value(f"{cores:.2f}", cores)


def _asked(rate: float) -> Value:
    return Value(_number(rate), rate) if rate else Value(fmt.NONE)


def _rate(estimate: stats.Estimate, *, note: bool = False) -> Value:
    return Value(
        _number(estimate.point),
        estimate.point,
        estimate.low,
        estimate.high,
        note=_interval(estimate) if note else "",
    )


def _time(estimate: stats.Estimate | None) -> Value:
    if estimate is None:
        return Value(fmt.NONE)
    text = fmt.duration(estimate.point)
    known = estimate.low is not None
    return Value(
        text,
        estimate.point,
        estimate.low,
        estimate.high,
        full=f"{text} ({fmt.time_interval(estimate)})" if known else "",
    )


def _number(rate: float) -> str:
    return fmt.figures(rate, max(3, len(f"{rate:.0f}")) if rate == round(rate) else 3)


def _interval(estimate: stats.Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{_number(estimate.low)} – {_number(estimate.high)}"


# --- charts -----------------------------------------------------------------------------


def _chart(found: Sequence[ArmLoad]) -> CurveChart | None:
    """p50 and p99 over the asked rates, and what was achieved of these."""
    drawn = [load for load in found if load.shown]
    if not drawn:
        return None
    times = tuple(
        DriverCurve(load.arm.id, points, main=share == 0.99)
        for share in (0.5, 0.99)
        for load in drawn
        if (points := tuple(_response_points(load, share)))
    )
    achieved = tuple(
        DriverCurve(load.arm.id, tuple(_achieved_points(load))) for load in drawn
    )
    return CurveChart(
        title=drawn[0].cell.title,
        across="asked for, ops/s",
        note=NOTE,
        panels=(
            CurvePanel("Response time", "time", times),
            CurvePanel("Achieved, ops/s", "rate", achieved, diagonal=True),
        ),
        marks=tuple(_marks(drawn)),
    )


def _response_points(load: ArmLoad, share: float) -> Iterator[CurvePoint]:
    for point in load.points:
        if (took := point.response[SHARES.index(share)]) is not None:
            told = f"p{share * 100:g} {fmt.duration(took.point)}"
            yield CurvePoint(point.rate, took, _told(load, point, told), point.valid)


def _achieved_points(load: ArmLoad) -> Iterator[CurvePoint]:
    for point in load.points:
        told = f"{_number(point.achieved.point)}/s achieved"
        yield CurvePoint(point.rate, point.achieved, _told(load, point, told), point.valid)


def _told(load: ArmLoad, point: LoadPoint, what: str) -> str:
    late = "" if point.valid else " (the load generator was late)"
    return f"{load.arm.id} at {_number(point.rate)}/s: {what}{late}"


def _marks(drawn: Sequence[ArmLoad]) -> Iterator[CurveMark]:
    for load in drawn:
        if load.logs and (capacity := load.capacity):
            yield CurveMark(load.arm.id, capacity, f"{load.arm.id}: {_told_knee(load)}")


# --- sentences --------------------------------------------------------------------------


def _told_knee(load: ArmLoad) -> str:
    capacity = load.capacity
    if capacity is None and load.knee.below:
        return f"saturated at {_number(load.knee.below)}/s already"
    if capacity is None:
        return f"no knee up to {_number(load.knee.keeps_up_to)}/s"
    interval = f" ({_interval(capacity)})" if capacity.low is not None else ""
    return f"{_number(capacity.point)}/s{interval}"


def _highest(loads: Sweeps, ranks: Standings) -> str:
    """Who leads, of the first question: `; highest of threads: psycopg, 2,310/s`."""
    first = next(iter(loads.values()), None)
    told = [
        f"; {'highest of ' if len(found) > 1 else ''}{clients}: "
        f"{leader.arm.id}, {_told_knee(leader)}{_tied(leader, found, ranks)}"
        for (cell, clients), found in _groups(loads).items()
        if first and cell == first.cell.id and (leader := _leader(found, ranks))
    ]
    return "".join(told)


def _tied(leader: ArmLoad, found: Sequence[ArmLoad], ranks: Standings) -> str:
    """Who cannot be told from the leader."""
    tied = [
        load.arm.id
        for load in found
        if (at := ranks.get((load.cell.id, load.arm.id)))
        and at.tied
        and at.best == leader.arm.id
    ]
    return f", not told from {' and '.join(tied)}" if tied else ""


def _groups(loads: Sweeps) -> dict[tuple[str, str], list[ArmLoad]]:
    """Who may be compared: of one question, and of one kind of clients."""
    groups: dict[tuple[str, str], list[ArmLoad]] = {}
    for load in loads.values():
        if load.arm.competes and load.points and load.verdict.timeable:
            groups.setdefault((load.cell.id, load.clients), []).append(load)
    return groups


def _leader(found: Sequence[ArmLoad], ranks: Standings) -> ArmLoad | None:
    """Who never saturated, of these who was asked for most; otherwise the highest."""
    free = [load for load in found if _unsaturated(load)]
    if free:
        return max(free, key=lambda load: load.knee.keeps_up_to)
    return _best(found, ranks)


def _best(found: Sequence[ArmLoad], ranks: Standings) -> ArmLoad | None:
    named = {at.best for load in found if (at := ranks.get((load.cell.id, load.arm.id)))}
    return next((load for load in found if load.arm.id in named), None)


def _unsaturated(load: ArmLoad) -> bool:
    return load.open_loop and not load.logs and load.knee.keeps_up_to > 0


def _apart(loads: Sweeps, ranks: Standings) -> Iterator[Remark]:
    """Of each question and kind of client: who is highest, who cannot be told from it, and
    whose knee lies beyond the rates."""
    for (cell, clients), found in _groups(loads).items():
        if told := list(_group(found, ranks)):
            yield Remark("highest", f"Of {clients}: {'; '.join(told)}.", cell)


def _group(found: Sequence[ArmLoad], ranks: Standings) -> Iterator[str]:
    free = [load for load in found if _unsaturated(load)]
    for load in free:
        yield f"{load.arm.id} has {_told_knee(load)}"
    best = _best(found, ranks)
    for load in _ranked(found):
        at = ranks.get((load.cell.id, load.arm.id))
        if load is best and len(found) == 1:
            achieves = "has its knee at" if load.open_loop else "achieves"
            yield f"{load.arm.id} {achieves} {_told_knee(load)}"
        elif load is best:
            of = " of the others" if free else ""
            yield f"{load.arm.id} is highest{of}, {_told_knee(load)}"
        elif at is not None:
            interval = fmt.ratio_with_interval(at.ratio)
            doubt = ", which cannot be told from it" if at.tied else ""
            yield f"{load.arm.id} {interval}{doubt}"
        elif load.knee.below:
            yield f"{load.arm.id} is saturated at {_number(load.knee.below)}/s already"


def _late(loads: Iterable[ArmLoad]) -> Iterator[Remark]:
    """Where numbers are the load generator’s: at all these rates, and where most."""
    for load in loads:
        late = [point for point in load.shown if not point.valid]
        if not late:
            continue
        rates = ", ".join(_number(point.rate) for point in late)
        worst = max(late, key=lambda point: point.late)
        lag, half = (worst.lag or (0.0, 0.0))[1], worst.response[0]
        text = (
            f"{load.arm.id} does not count at {rates}/s: the load generator was late, at "
            f"worst by {fmt.duration(lag)} (p99) where half of the ops took less than "
            f"{fmt.duration(half.point if half else None)}."
        )
        yield Remark("late", text, load.cell.id)


def _falling(loads: Iterable[ArmLoad]) -> Iterator[Remark]:
    """Who achieves less when more is asked."""
    for load in loads:
        if load.open_loop and load.logs and (found := load.fall):
            most, last = found
            text = (
                f"{load.arm.id} achieves {_number(last.achieved.point)}/s where "
                f"{_number(last.rate)} are asked, and {_number(most.achieved.point)} where "
                f"{_number(most.rate)} are: it breaks down when overloaded."
            )
            yield Remark("overload", text, load.cell.id)


def _errors(loads: Iterable[ArmLoad]) -> Iterator[Remark]:
    for load in loads:
        for point in load.shown:
            if point.errors:
                first = f": {point.failures[0]}" if point.failures else ""
                text = f"{load.arm.id}: {fmt.plural(point.errors, 'op')} raised{first}"
                yield Remark("errors", text, point.cell.id)


def _doubted(run: Run) -> Iterator[Remark]:
    for doubt in doubts(run):
        text = f"{doubt.arm}: {doubt.text}."
        yield Remark(doubt.kind, text, doubt.cell, doubt.grave)


def _sureness(loads: Iterable[ArmLoad]) -> str:
    points = [point for load in loads for point in load.points]
    repeats = max((point.repeats for point in points), default=0)
    text = f"{fmt.plural(repeats, 'repeat')} in fresh processes"
    if repeats < stats.MIN_ROUNDS:
        text += f"; intervals only from {stats.MIN_ROUNDS} on"
    if late := sum(not point.valid for point in points):
        text += f"; {late} of {len(points)} points do not count (late load generator)"
    return text + "."


def _facts(loads: Iterable[ArmLoad]) -> Iterator[RunFact]:
    counts = {point.processes for load in loads for point in load.points}
    if counts:
        yield RunFact("client processes", ", ".join(map(str, sorted(counts))))
