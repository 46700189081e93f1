"""What repeats say of a driver under load: response times, lag, and where it saturates.

Pure. One value per repeat, which is one set of fresh processes. Quantiles are those of all
ops of a repeat, of all its processes together; estimates are taken over repeats, in
logarithms. An open loop has a sweep over asked rates, and its knee; a closed loop has its
throughput.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from statistics import median
from typing import TYPE_CHECKING, Literal

from harness.core import stats
from harness.core.conditions import parted
from harness.core.stats.saturation import (
    KEEPS_UP,
    AskedRate,
    Knee,
    knee,
    share_kept,
    sustained,
)
from harness.core.verdicts import Verdict
from harness.lanes.load.record import Load
from harness.results.records import changed

if TYPE_CHECKING:
    from harness.results.records import ArmFacts, CellFacts, Run

SHARES = (0.5, 0.9, 0.99, 0.999)
"""The quantiles of response times that are told."""
MOST_LAG = 0.1
"""A slot whose p99 of the lag is more than this share of the p50 of its response times is
not the driver's: the load generator was late."""
CALM = 5.0
"""p99 is calm up to this multiple of what it is at the least rate: an M/M/1 queue gets
there at 80 % of its capacity."""
SPREAD_LIMIT = 0.05
"""Processes may begin so far apart, as a share of the slot."""
LITTLE_LIMIT = 0.10
"""Σ service times ÷ wall may differ by this share from the number of clients."""
BUSY = 0.95
"""From this share of a core for each process on, the client is what is measured."""
FALLS = 0.95
"""Whose rate falls below this share of its greatest, with more asked, breaks down: its
interval lies below."""
_NS = 1e9

Clients = Literal["threads", "tasks"]


@dataclass(frozen=True, slots=True)
class LoadPoint:
    """One arm at one rate, or in a closed loop, over its repeats.

    `achieved` is in ops/s, `sustained` the same by repeat without the end of a saturated
    slot, where some sessions have nothing left to do; `response` the quantiles of `SHARES`
    in ns (None where a slot has too few ops for one), `lag` p50 and p99 in ns. `kept` is
    the share of the asked rate that was achieved, by repeat; empty in a closed loop. `late`
    is p99 of the lag as a share of p50 of the response times, `cores` what all processes
    took of the processors.
    """

    cell: CellFacts
    rate: float
    processes: int
    sessions: int
    repeats: int
    achieved: stats.Estimate
    by_repeat: Mapping[int, float]
    sustained: Mapping[int, float]
    kept: Mapping[int, float]
    response: tuple[stats.Estimate | None, ...]
    lag: tuple[float, float] | None
    late: float
    cores: float
    errors: int
    failures: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether the load generator was in time."""
        return self.late <= MOST_LAG

    @property
    def p99(self) -> float | None:
        """The 99th percentile of response times, ns."""
        found = self.response[SHARES.index(0.99)]
        return found.point if found else None


@dataclass(frozen=True)
class ArmLoad:
    """One arm in one sweep over rates, or in one closed loop.

    `cell` is without a rate. A verdict that forbids numbers at one rate forbids the knee:
    `detail` says where.
    """

    cell: CellFacts
    arm: ArmFacts
    verdict: Verdict
    detail: str
    points: tuple[LoadPoint, ...] = ()

    @property
    def clients(self) -> Clients:
        """What its clients are: these are two workloads, never ranked together."""
        return "tasks" if self.arm.kind == "async" else "threads"

    @property
    def open_loop(self) -> bool:
        """Whether it is a sweep over rates."""
        return bool(self.points) and self.points[0].rate > 0

    @property
    def shown(self) -> tuple[LoadPoint, ...]:
        """The points that may be shown: a driver that raises at one rate was right at the
        others, one that is wrong at any has no numbers."""
        may = self.verdict.timeable or self.verdict is Verdict.REJECTED
        return self.points if may else ()

    @cached_property
    def valid(self) -> tuple[LoadPoint, ...]:
        """The points that count, the least rate first."""
        return tuple(point for point in self.points if point.valid)

    @cached_property
    def knee(self) -> Knee:
        """Where it saturates, by the points that count."""
        asked = [AskedRate(held.rate, held.sustained, held.kept) for held in self.valid]
        return knee(asked, min(held.rate for held in self.points) if self.points else 0.0)

    @cached_property
    def logs(self) -> Mapping[int, float]:
        """ln of ops/s by repeat: of the knee, or of a closed loop's throughput; empty where
        a verdict forbids it, or there is no knee."""
        if not self.verdict.timeable or not self.points:
            return {}
        if self.open_loop:
            return self.knee.logs
        return {n: math.log(rate) for n, rate in self.points[0].by_repeat.items()}

    @property
    def number(self) -> float | None:
        """ns per op at the knee, or in the closed loop: the inverse of `logs`."""
        return time_per_op(median(self.logs.values())) if self.logs else None

    @property
    def crowd(self) -> str:
        """How many send: `16 tasks in 2`, sessions of all processes and these."""
        first = next(iter(self.points), None)
        return f"{first.sessions} {self.clients} in {first.processes}" if first else ""

    @property
    def capacity(self) -> stats.Estimate | None:
        """Ops/s at the knee, or of the closed loop."""
        logs = list(self.logs.values())
        return stats.hodges_lehmann(logs).exp() if logs else None

    @property
    def fall(self) -> tuple[LoadPoint, LoadPoint] | None:
        """Where it achieved most, and where it was asked for most and achieved less; None
        where that is not for certain. A sweep that rises by itself asks the greatest rates
        in its first repeats only: of those whose repeats tell nothing the next one counts.
        """
        if not self.valid:
            return None
        most = max(self.valid, key=lambda point: point.achieved.point)
        for last in reversed(self.valid):
            common = sorted(set(most.by_repeat) & set(last.by_repeat))
            logs = [stats.log_ratio(last.by_repeat[n], most.by_repeat[n]) for n in common]
            high = stats.hodges_lehmann(logs).high if logs else None
            if high is not None:
                return (most, last) if high < math.log(FALLS) else None
        return None

    @property
    def calm_up_to(self) -> float:
        """The greatest rate that it keeps up with, and up to which p99 is at most `CALM`
        times that at the least rate; 0 where nobody knows."""
        known = [(point.rate, point.p99) for point in self.valid if point.p99]
        calm = takewhile(lambda entry: entry[1] <= CALM * known[0][1], known)
        rates = [rate for rate, _ in calm if rate <= self.knee.keeps_up_to]
        return max(rates, default=0.0)


def time_per_op(log: float) -> float:
    """ns per op, of the logarithm of ops/s."""
    return _NS / math.exp(log)


def arm_loads(run: Run) -> dict[tuple[str, str], ArmLoad]:
    """By the cell without its rate and the arm, in the order of the header; worked out
    once, and kept with the run."""
    known: dict[str, dict[tuple[str, str], ArmLoad]] = run.__dict__
    if "arm_loads" not in known:
        known["arm_loads"] = dict(_arm_loads(run))
    return known["arm_loads"]


def _arm_loads(run: Run) -> Iterator[tuple[tuple[str, str], ArmLoad]]:
    cells = {cell.id: cell for cell in run.header.cells}
    found: dict[tuple[str, str], list[Load]] = {}
    for record in run.of(Load):
        if record.cell in cells:
            key = sweep(cells[record.cell]).id, record.arm
            found.setdefault(key, []).append(record)
    for name in dict.fromkeys(sweep(cell).id for cell in run.header.cells):
        for arm in run.header.arms:
            if records := found.get((name, arm.id)):
                yield (name, arm.id), _arm_load(records, cells, arm)


def sweep(cell: CellFacts) -> CellFacts:
    """The cell without its rate: what a sweep is of."""
    if "rate" not in cell.point:
        return cell
    axes = {axis: value for axis, value in cell.point.items() if axis != "rate"}
    return _at(cell, axes)


def at_rate(cell: CellFacts, rate: float) -> CellFacts:
    """The cell of a sweep at one of its rates; a closed loop is itself."""
    if not rate:
        return cell
    return changed(_at(cell, {**cell.point, "rate": round(rate)}), rate=round(rate))


def _at(cell: CellFacts, point: Mapping[str, int | str]) -> CellFacts:
    """The same case at other points of its axes."""
    axes = ",".join(f"{axis}={value}" for axis, value in point.items())
    name = f"{cell.scenario}#{cell.case}" + (f"@{axes}" if axes else "")
    return changed(cell, id=name + parted(cell.id)[1].mark, point=dict(point))


def _arm_load(
    records: Sequence[Load], cells: Mapping[str, CellFacts], arm: ArmFacts
) -> ArmLoad:
    worst = max(
        records, key=lambda held: (held.verdict is Verdict.INVALID, held.verdict.severity)
    )
    at: dict[float, list[Load]] = {}
    for record in records:
        at.setdefault(record.rate, []).append(record)
    told = [
        _point(found, at_rate(cells[held[0].cell], rate))
        for rate, held in sorted(at.items())
        if all(record.verdict.timeable for record in held)
        and (found := [record for record in held if record.measured])
    ]
    cell = sweep(cells[worst.cell])
    return ArmLoad(cell, arm, worst.verdict, _detail(worst), tuple(told))


def _detail(worst: Load) -> str:
    """Why it is not exact, and at which rate."""
    if not worst.detail or not worst.rate:
        return worst.detail
    return f"at {worst.rate:,g}/s: {worst.detail}"


# --- one slot, and several --------------------------------------------------------------


def _point(records: Sequence[Load], cell: CellFacts) -> LoadPoint:
    slots = {record.repeat: _Slot(record) for record in records}
    first, open_loop = records[0], records[0].open_loop
    by_repeat = {repeat: slot.achieved for repeat, slot in slots.items()}
    return LoadPoint(
        cell=cell,
        rate=first.rate,
        processes=first.processes,
        sessions=first.sessions,
        repeats=len(slots),
        achieved=_over(by_repeat.values()),
        by_repeat=by_repeat,
        sustained={repeat: slot.sustained for repeat, slot in slots.items()},
        kept={n: slot.kept for n, slot in slots.items()} if open_loop else {},
        response=tuple(_known(slots.values(), at) for at in range(len(SHARES))),
        lag=_lag(list(slots.values())) if open_loop else None,
        late=median(slot.late for slot in slots.values()),
        cores=median(record.cpu_ns / record.wall_ns for record in records),
        errors=sum(record.errors for record in records),
        failures=tuple(dict.fromkeys(told for held in records for told in held.failures)),
    )


class _Slot:
    """What one slot says."""

    def __init__(self, record: Load) -> None:
        response, lag = sorted(record.response_ns), sorted(record.lag_ns)
        self.achieved = len(response) / record.wall_ns * _NS
        behind_s = (record.wall_ns - record.planned_ns - response[0]) / _NS
        self.kept = share_kept(record.rate, record.due, behind_s)
        self.sustained = self.achieved
        if record.open_loop and self.kept < KEEPS_UP:
            self.sustained = sustained(
                record.response_ns, record.rate, record.planned_ns, record.sessions
            )
        self.response = tuple(stats.percentile(response, share) for share in SHARES)
        self.lag = tuple(_quantile(lag, share) for share in (0.5, 0.99)) if lag else ()
        self.late = self.lag[1] / _quantile(response, 0.5) if self.lag else 0.0


def _quantile(ordered: Sequence[int], share: float) -> float:
    """The nearest rank; of a few values the last one."""
    return ordered[min(len(ordered), math.ceil(share * len(ordered) - 1e-9)) - 1]


def _over(values: Iterable[float]) -> stats.Estimate:
    return stats.hodges_lehmann([math.log(value) for value in values]).exp()


def _known(slots: Iterable[_Slot], at: int) -> stats.Estimate | None:
    """A quantile over the repeats that have ops enough for it."""
    known = [value for slot in slots if (value := slot.response[at]) is not None]
    return _over(known) if known else None


def _lag(slots: Sequence[_Slot]) -> tuple[float, float]:
    p50, p99 = (median(slot.lag[at] for slot in slots) for at in range(2))
    return p50, p99


# --- between drivers --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KneeStanding:
    """How an arm stands to the best of those that may be compared with it: the ratio of
    both ops/s, paired by repeat. `tied` if it cannot be told from the best one; `best` is
    the arm that it is compared with, and `alone` says that there is no other one."""

    best: str
    ratio: stats.Estimate
    tied: bool
    alone: bool = False


def standings(
    loads: Iterable[ArmLoad], level: float = 0.05
) -> dict[tuple[str, str], KneeStanding]:
    """Every arm that has a number, by cell and arm. Only what is exact is ranked; threads
    and tasks are apart; Benjamini–Hochberg over all of them."""
    groups: dict[tuple[str, Clients], list[ArmLoad]] = {}
    for load in loads:
        if load.verdict is Verdict.EXACT and load.logs and load.arm.competes:
            groups.setdefault((load.cell.id, load.clients), []).append(load)
    pairs = [(load, best) for group in groups.values() for best in [_highest(group)]
             for load in group]  # fmt: skip
    ratios = {(load.cell.id, load.arm.id): _log_ratios(load, best) for load, best in pairs}
    tested = [load for load, best in pairs if load is not best]
    keys = [(load.cell.id, load.arm.id) for load in tested]
    p = stats.benjamini_hochberg([stats.signed_rank_p(ratios[key]) for key in keys])
    tied = {key for key, adjusted in zip(keys, p, strict=True) if adjusted > level}
    sizes = Counter((load.cell.id, load.clients) for load, _ in pairs)
    return {
        key: KneeStanding(
            best.arm.id,
            stats.hodges_lehmann(logs).exp(),
            key in tied,
            sizes[load.cell.id, load.clients] == 1,
        )
        for (key, logs), (load, best) in zip(ratios.items(), pairs, strict=True)
        if logs
    }


def _highest(group: Sequence[ArmLoad]) -> ArmLoad:
    return max(group, key=lambda load: median(load.logs.values()))


def _log_ratios(load: ArmLoad, other: ArmLoad) -> list[float]:
    common = sorted(set(load.logs) & set(other.logs))
    return [load.logs[repeat] - other.logs[repeat] for repeat in common]


# --- does it hang together? -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LoadDoubt:
    """A law that a slot does not obey, or what qualifies its numbers; `grave` if they are
    wrong."""

    kind: str
    text: str
    cell: str
    arm: str
    grave: bool = False


def doubts(run: Run) -> Iterator[LoadDoubt]:
    """Every doubt, each once for a cell and arm, with the number of its slots."""
    clients = {cell.id: cell.clients for cell in run.header.cells}
    measured = [record for record in run.of(Load) if record.measured]
    found = Counter(
        doubt
        for record in measured
        for law in _LAWS
        if (doubt := law(record, clients.get(record.cell, 0))) is not None
    )
    slots = Counter((held.cell, held.arm) for held in measured)
    for doubt, count in found.items():
        text = f"{doubt.text}, in {count} of {slots[doubt.cell, doubt.arm]} slots"
        yield LoadDoubt(doubt.kind, text, doubt.cell, doubt.arm, doubt.grave)


def _backwards(held: Load, _: int) -> LoadDoubt | None:
    """An answer comes after its op was sent, and before the end."""
    sent = zip(held.lag_ns, held.response_ns, strict=False)  # none in a closed loop
    if any(lag > response for lag, response in sent):
        return _doubt(held, "clock", "an op was back before it was sent", grave=True)
    if max(held.response_ns) > held.wall_ns:
        return _doubt(held, "clock", "a response took longer than all of them", grave=True)
    return None


def _too_fast(held: Load, _: int) -> LoadDoubt | None:
    """Nobody answers what was not due yet; the wall clock runs from when the first process
    began, which is a little later than the moment from which ops are due."""
    if held.open_loop and held.wall_ns < (1 - SPREAD_LIMIT) * held.planned_ns:
        text = "the last answer came before the last op was due"
        return _doubt(held, "clock", text, grave=True)
    return None


def _little(held: Load, clients: int) -> LoadDoubt | None:
    """Little's law, L = λW, of a closed loop: throughput × mean service time is the number
    of clients; more than all of them cannot be at work."""
    if held.open_loop or not clients:
        return None
    at_work = sum(held.response_ns) / held.wall_ns
    if at_work > clients * (1 + LITTLE_LIMIT):
        text = "more clients were at work than there are (Little’s law)"
        return _doubt(held, "clients", text, grave=True)
    if at_work < clients * (1 - LITTLE_LIMIT):
        text = "throughput × mean service time is less than the number of clients"
        return _doubt(held, "clients", f"{text}: not all were at work (Little’s law)")
    return None


def _apart(held: Load, _: int) -> LoadDoubt | None:
    """Processes that begin far apart are no common load at first."""
    if held.start_spread_ns > SPREAD_LIMIT * held.wall_ns:
        return _doubt(held, "start", f"processes began over {SPREAD_LIMIT:.0%} apart")
    return None


def _busy_client(held: Load, _: int) -> LoadDoubt | None:
    """Where the client's cores have no time left, its own speed is the throughput."""
    if held.cpu_ns >= BUSY * held.processes * held.wall_ns:
        text = "each process of the client used up a core: its speed is what is measured"
        return _doubt(held, "busy client", text)
    return None


def _doubt(held: Load, kind: str, text: str, *, grave: bool = False) -> LoadDoubt:
    return LoadDoubt(kind, text, held.cell, held.arm, grave)


_LAWS: tuple[Callable[[Load, int], LoadDoubt | None], ...] = (
    _backwards,
    _too_fast,
    _little,
    _apart,
    _busy_client,
)
