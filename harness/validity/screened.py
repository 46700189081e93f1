"""Passes left out, on a fake clock: what do disturbers do to answers that are known?

A machine has a time at which others take a processor away for a while: bursts, a hog with a
period, a hypervisor. Arms take turns on it in passes; a slice in such a while takes longer,
and the kernel tells how long it waited, with a little error (of stolen time it knows
nothing). What comes out goes through the code of a real run: `left_out` says which passes
count, `Timings` and Holm what they say. Beside it stand the same slices with all passes,
and with blocks thrown away as a whole.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median, stdev

from harness.analysis.times import Timings, paired_log_ratios
from harness.bench import schedule
from harness.core import stats
from harness.core.verdicts import EXACT
from harness.machine import contention, screening
from harness.machine.screening import Turn
from harness.results.records import CellFacts, Slices, Trial
from harness.validity.outcome import ALPHA, Outcome, most_by_chance
from harness.validity.simulated import seeded

MS = 1e6
PLAN = schedule.PLANS["quick"]
SLOWED = 0.10
"""What is put into one of the arms."""
CELLS = 2
ATTEMPTS = PLAN.max_rounds + PLAN.min_rounds // 2
"""So many blocks of a cell are measured at most, those that are thrown away among them."""
FEWEST = schedule.MIN_SLICES
"""A block of which fewer passes remain is thrown away."""
_OWN = 0.25
"""What client and backend on one core make each other wait."""
_CELL = CellFacts(
    id="simulated", scenario="", case="", point={}, title="", why="", op="fetch_one"
)

Spans = Iterator[tuple[float, float]]
"""When somebody else is on a core: (from, to) in ns, in order."""


# --- disturbers -------------------------------------------------------------------------


def nobody(rng: random.Random) -> Spans:
    """A quiet machine."""
    del rng
    return iter(())


def bursts(rng: random.Random) -> Spans:
    """Somebody computes for 3 ms or so, 50 ms or so apart."""
    return _exponential(rng, 3 * MS, 47 * MS)


def steal(rng: random.Random) -> Spans:
    """The hypervisor takes the core away for 1 ms or so, 40 ms or so apart."""
    return _exponential(rng, 1 * MS, 39 * MS)


def _exponential(rng: random.Random, on: float, off: float) -> Spans:
    at = rng.expovariate(1 / off)
    while True:
        end = at + rng.expovariate(1 / on)
        yield at, end
        at = end + rng.expovariate(1 / off)


@dataclass(frozen=True, slots=True)
class Hog:
    """Somebody computes for a share of each period; without one, of 5 to 200 ms."""

    share: float
    period: float = 0.0

    def __call__(self, rng: random.Random) -> Spans:
        """From a random moment of its period on."""
        period = self.period or math.exp(rng.uniform(math.log(5 * MS), math.log(200 * MS)))
        at = -rng.random() * period
        while True:
            yield at, at + self.share * period
            at += period


@dataclass(frozen=True, slots=True)
class World:
    """Who disturbs. `told` says whether the kernel reports the waiting, `shared` whether
    client and backend are on one core, where they also wait for each other."""

    disturber: Callable[[random.Random], Spans]
    told: bool = True
    shared: bool = False


WORLDS: Mapping[str, World] = {
    "nobody": World(nobody),
    "bursts": World(bursts),
    "a hog of 10 %": World(Hog(0.1)),
    "a hog of 30 %": World(Hog(0.3)),
    "a hog of 60 %": World(Hog(0.6)),
    "a hog of 30 %, one core for all": World(Hog(0.3), shared=True),
    "steal": World(steal, told=False),
}


# --- slices -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Driver:
    """An arm with the truth about it: ns per op, and the share of it in the client."""

    ns_per_op: float
    client: float

    @property
    def ops(self) -> int:
        """Of a slice, as calibrated."""
        return schedule.ops_per_slice(self.ns_per_op, PLAN.slice_ns, 1)


DRIVERS: Mapping[str, Driver] = {
    "base": Driver(30_000, 0.5),
    "twin": Driver(30_000, 0.5),
    "slowed": Driver(30_000 * (1 + SLOWED), 0.5 + SLOWED / 2),
    "other": Driver(52_000, 0.7),
}


@dataclass(slots=True)
class Core:
    """A clock, and who else is on the core: a scheduler that is fair halves the progress of
    what is there meanwhile; who steals it stops everything."""

    spans: Spans
    stolen: bool
    now: float = 0.0
    _span: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        self._next()

    def run(self, work: float, exposed: float) -> float:
        """Do so many ns of work, a share of them on this core; ns that this took longer."""
        speed = 0.0 if self.stolen else 1 / (1 + exposed)
        begun, left = self.now, work
        while True:
            start, end = self._span
            free = max(0.0, start - self.now)
            if left <= free:
                self.now += left
                break
            left -= free
            self.now += free
            room = max(0.0, end - self.now)
            if left <= room * speed:
                self.now += left / speed
                break
            left -= room * speed
            self.now += room
            self._next()
        return max(0.0, self.now - begun - work)

    def _next(self) -> None:
        self._span = next(self.spans, (math.inf, math.inf))


@dataclass(frozen=True, slots=True)
class Block:
    """What became of the slices of every arm in one round."""

    ops: Mapping[str, int]
    turns: Mapping[str, Sequence[Turn]]

    def trials(self, number: int, left_out: Sequence[int]) -> Iterator[Trial]:
        """The block as a run would have recorded it."""
        for arm, turns in self.turns.items():
            slices = Slices(
                ops=self.ops[arm], lead=0, cpu_ns=[], wall_ns=[turn.wall_ns for turn in turns]
            )
            yield Trial(
                cell=_CELL.id, arm=arm, round=number, judgement=EXACT, slices=slices,
                left_out=list(left_out),
            )  # fmt: skip

    @property
    def waited(self) -> bool:
        """Whether it was to be thrown away as a whole, by the waiting of an arm."""
        for turns in self.turns.values():
            wall_ns = sum(turn.wall_ns for turn in turns)
            share = sum(turn.waited_ns or 0 for turn in turns) / wall_ns
            if contention.Waiting(slices_ns=wall_ns).matters(share):
                return True
        return False


def block(world: World, on_clients: bool, rng: random.Random) -> Block:
    """One round of fresh processes, whose luck and whose machine's drift are their own."""
    core = Core(world.disturber(rng), stolen=not world.told)
    luck = {arm: rng.gauss(0, 0.004) for arm in DRIVERS}
    slope = rng.uniform(-0.15, 0.15) / (2 * PLAN.block_ns * len(DRIVERS))
    turns: dict[str, list[Turn]] = {arm: [] for arm in DRIVERS}
    for turn in schedule.pass_order(rng, list(DRIVERS), PLAN.slices):
        for arm in turn:
            weather = luck[arm] + slope * core.now + rng.gauss(0, 0.02)
            turns[arm].append(_slice(world, DRIVERS[arm], core, weather, on_clients, rng))
    return Block({arm: driver.ops for arm, driver in DRIVERS.items()}, turns)


def _slice(
    world: World,
    driver: Driver,
    core: Core,
    weather: float,
    on_clients: bool,
    rng: random.Random,
) -> Turn:
    """A lead-in and a slice: what both waited is told, the slice's wall time counts."""
    exposed = driver.client if on_clients else 1 - driver.client
    if world.shared:
        exposed = 1.0
    work = driver.ops * driver.ns_per_op * math.exp(weather)
    waited = core.run(schedule.LEAD_IN * work, exposed)
    begun = core.now
    waited += core.run(work, exposed)
    wall = core.now - begun
    core.now += 0.1 * MS  # somebody else's turn is asked for
    told = waited * rng.gauss(1, 0.03) if world.told else 0.0
    told += rng.expovariate(1 / 0.003) * work + rng.gauss(_OWN, 0.01) * work * world.shared
    return Turn(round(wall), max(0, round(told)))


# --- what a run says --------------------------------------------------------------------


@dataclass(slots=True)
class Said:
    """What one way to count says of runs: A/A alarms, slopes of measured to injected, half
    widths of their intervals in per cent; how many cells were tried, and blocks kept."""

    runs: int = 0
    cells: int = 0
    alarms: int = 0
    slopes: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    blocks: int = 0
    blocks_kept: int = 0

    def add(self, cells: Sequence[Sequence[Trial]]) -> None:
        """A run: the trials of each cell that count."""
        self.runs += 1
        tests = [p for trials in cells if (p := self._cell(trials)) is not None]
        self.alarms += any(p <= ALPHA for p in stats.holm(tests))

    def _cell(self, trials: Sequence[Trial]) -> float | None:
        """Take in one cell; the p-value of its A/A arms, None without an interval."""
        self.cells += 1
        series = {
            arm: Timings.of([trial for trial in trials if trial.arm == arm], _CELL)
            for arm in ("base", "twin", "slowed")
        }
        if len(series["base"]) < stats.MIN_ROUNDS:
            return None
        logs = paired_log_ratios(series["slowed"], series["base"])
        shift = stats.hodges_lehmann(logs)
        assert shift.low is not None
        assert shift.high is not None
        self.slopes.append(shift.point / math.log1p(SLOWED))
        self.widths.append(stats.percent((shift.high - shift.low) / 2))
        return stats.signed_rank_p(paired_log_ratios(series["twin"], series["base"]))

    @property
    def answered(self) -> float:
        """The share of cells that had an interval."""
        return len(self.slopes) / self.cells if self.cells else 0.0

    @property
    def width(self) -> float | None:
        """The half width of a typical interval, in per cent; None without any."""
        return median(self.widths) if self.widths else None

    @property
    def slope(self) -> stats.Estimate | None:
        """Measured ÷ injected slowdown over all cells, with its 95 % interval."""
        n = len(self.slopes)
        if n < 2:
            return None
        half = stats.student_quantile(0.975, n - 1) * stdev(self.slopes) / math.sqrt(n)
        centre = fmean(self.slopes)
        return stats.Estimate(centre, centre - half, centre + half, 0.95, n)


@dataclass(slots=True)
class Ways:
    """The same slices counted in three ways, and how many passes the first one kept."""

    screened: Said = field(default_factory=Said)
    everything: Said = field(default_factory=Said)
    by_block: Said = field(default_factory=Said)
    passes: int = 0
    passes_kept: int = 0

    def add(self, world: World, rng: random.Random) -> None:
        """One run in this world."""
        on_clients = rng.random() < 0.5
        cells = [
            [block(world, on_clients, rng) for _ in range(ATTEMPTS)] for _ in range(CELLS)
        ]
        self.screened.add([[*self._screened(world, blocks)] for blocks in cells])
        self.everything.add([[*self._everything(blocks)] for blocks in cells])
        self.by_block.add([[*self._by_block(blocks)] for blocks in cells])

    def _screened(self, world: World, blocks: Sequence[Block]) -> Iterator[Trial]:
        exact = () if world.shared else tuple(DRIVERS)
        kept = 0
        for made in blocks:
            left_out = screening.left_out(made.turns, exact)
            self.screened.blocks += 1
            self.passes += PLAN.slices
            if PLAN.slices - len(left_out) < FEWEST:
                continue
            self.screened.blocks_kept += 1
            self.passes_kept += PLAN.slices - len(left_out)
            yield from made.trials(kept, left_out)
            kept += 1
            if kept == PLAN.max_rounds:
                return

    def _everything(self, blocks: Sequence[Block]) -> Iterator[Trial]:
        for number, made in enumerate(blocks[: PLAN.max_rounds]):
            self.everything.blocks += 1
            self.everything.blocks_kept += 1
            yield from made.trials(number, ())

    def _by_block(self, blocks: Sequence[Block]) -> Iterator[Trial]:
        kept = 0
        for made in blocks:
            self.by_block.blocks += 1
            if made.waited:
                continue
            self.by_block.blocks_kept += 1
            yield from made.trials(kept, ())
            kept += 1
            if kept == PLAN.max_rounds:
                return


def simulated(name: str, world: World, runs: int) -> Ways:
    """So many runs in one world; the same each time."""
    ways = Ways()
    for number in range(runs):
        ways.add(world, seeded("screened", name, number))
    return ways


def run(runs: int) -> Iterator[Outcome]:
    """False alarms and the slope in every world, beside who is seen."""
    for name, world in WORLDS.items():
        yield from judged(name, simulated(name, world, runs).screened)


def judged(name: str, said: Said) -> Iterator[Outcome]:
    """A/A within what chance allows, and the slope 1 within 1 %."""
    most = most_by_chance(said.runs, ALPHA)
    yield Outcome(
        f"passes left out, A/A, {name}",
        f"at most {most} of {said.runs} (5 %)",
        f"{said.alarms} of {said.runs}; {said.answered:.0%} of cells with an interval",
        said.alarms <= most,
    )
    slope = said.slope
    shown = "no interval" if slope is None else f"{slope.point:.3f} ({_ends(slope)})"
    yield Outcome(f"passes left out, slope, {name}", "1 within 1 %", shown, _is_one(slope))


def _ends(slope: stats.Estimate) -> str:
    return f"{slope.low:.3f} to {slope.high:.3f}"


def _is_one(slope: stats.Estimate | None) -> bool:
    if slope is None or slope.low is None or slope.high is None:
        return False
    return slope.low <= 1.01 and slope.high >= 0.99
