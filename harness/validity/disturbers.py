"""A machine on a fake clock on which others compute, too, and blocks measured on it.

Others take a processor away for a while: bursts, a hog with a period, a hypervisor. Arms
take turns in passes; a slice in such a while takes longer, and the kernel tells how long it
waited, with a little error. Of what the host of a virtual machine takes, it tells ticks of
10 ms only, and no waiting. Which passes count is decided by the code of a real run, and so
is when a block has enough of them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.bench import schedule
from harness.machine import contention, screening
from harness.machine.screening import Turn

MS = 1e6
PLAN = schedule.PLANS["quick"]
SLOWED = 0.10
"""What is put into one of the arms."""
_TICK = 10 * MS
_OWN = 0.25
"""What client and backend on one core make each other wait."""

Spans = Iterator[tuple[float, float]]
"""When somebody else is on a core: (from, to) in ns, in order."""
Disturber = Callable[[random.Random], Spans]


# --- who disturbs -----------------------------------------------------------------------


def nobody(rng: random.Random) -> Spans:
    """A quiet machine."""
    del rng
    return iter(())


def bursts(rng: random.Random) -> Spans:
    """Somebody computes for 3 ms or so, 50 ms or so apart."""
    return _exponential(rng, 3 * MS, 47 * MS)


def steal(rng: random.Random) -> Spans:
    """The host takes the core away for 1 ms or so, 40 ms or so apart."""
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
class BusyWorld:
    """Who disturbs, and what share of the core the scheduler gives them meanwhile: half of
    it if it is fair, all of it if they are the host, of whom no waiting tells. With
    `shared` client and backend are on one core, where they also wait for each other."""

    disturber: Disturber
    takes: float = 0.5
    shared: bool = False

    @property
    def stolen(self) -> bool:
        """Whether it is the host who disturbs."""
        return self.takes >= 1


PRIORITY_10 = 1024 / (1024 + 9548)
"""What the kernel's scheduler leaves to others beside a process whose nice value is -10."""

WORLDS: Mapping[str, BusyWorld] = {
    "nobody": BusyWorld(nobody),
    "bursts": BusyWorld(bursts),
    "a hog of 10 %": BusyWorld(Hog(0.1)),
    "a hog of 30 %": BusyWorld(Hog(0.3)),
    "a hog of 60 %": BusyWorld(Hog(0.6)),
    "a hog of 30 %, one core for all": BusyWorld(Hog(0.3), shared=True),
    "a hog of 30 % below our priority": BusyWorld(Hog(0.3), takes=PRIORITY_10),
    "steal": BusyWorld(steal, takes=1.0),
}


# --- slices -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FakeDriver:
    """An arm with the truth about it: ns per op, and the share of it in the client."""

    ns_per_op: float
    client: float

    @property
    def ops(self) -> int:
        """Of a slice, as calibrated."""
        return schedule.ops_per_slice(self.ns_per_op, PLAN.slice_ns, 1)


DRIVERS: Mapping[str, FakeDriver] = {
    "base": FakeDriver(30_000, 0.5),
    "twin": FakeDriver(30_000, 0.5),
    "slowed": FakeDriver(30_000 * (1 + SLOWED), (0.5 + SLOWED) / (1 + SLOWED)),
    "other": FakeDriver(52_000, 0.7),
}


@dataclass(slots=True)
class Core:
    """A clock, and who else is on the core. `stolen` is what a host took of it so far."""

    world: BusyWorld
    spans: Spans
    now: float = 0.0
    stolen: float = 0.0
    _span: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        self._next()

    def run(self, work: float, exposed: float) -> float:
        """Do so many ns of work, a share of them on this core; ns that this took longer."""
        speed = self._speed(exposed)
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
        longer = max(0.0, self.now - begun - work)
        self.stolen += longer * self.world.stolen
        return longer

    def _speed(self, exposed: float) -> float:
        """The progress while somebody else is there: what is not on the core goes on."""
        if self.world.stolen:
            return 0.0
        return 1 / (1 - exposed + exposed / (1 - self.world.takes))

    def _next(self) -> None:
        self._span = next(self.spans, (math.inf, math.inf))


# --- a block ----------------------------------------------------------------------------


@dataclass(slots=True)
class FakeBlock:
    """What became of every arm in one round: the slices, what each waited in its turn, and
    the passes that do not count."""

    walls: dict[str, list[int]]
    turns: dict[str, list[Turn]]
    stolen: list[float] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)

    @property
    def disturbed(self) -> bool:
        """Whether too few passes are left, as a run judges it."""
        signs = contention.Signs(passes=len(self.stolen), left_out=len(self.left_out))
        return signs.too_few_passes


def block(world: BusyWorld, on_clients: bool, rng: random.Random) -> FakeBlock:
    """One round of fresh processes, whose luck and whose machine's drift are their own.

    `on_clients` says on whose core others are: the clients' or the server's.
    """
    core = Core(world, world.disturber(rng), stolen=rng.random() * _TICK)
    luck = {arm: rng.gauss(0, 0.004) for arm in DRIVERS}
    slope = rng.uniform(-0.15, 0.15) / (2 * PLAN.block_ns * len(DRIVERS))
    made = FakeBlock({arm: [] for arm in DRIVERS}, {arm: [] for arm in DRIVERS})
    exact = not world.shared
    enough, most = PLAN.slices, schedule.most_passes(PLAN.slices, 0)
    for number, turn in enumerate(schedule.pass_order(rng, list(DRIVERS), most), 1):
        before, begun = core.stolen // _TICK, core.now
        for arm in turn:
            weather = luck[arm] + slope * core.now + rng.gauss(0, 0.02)
            exposed = DRIVERS[arm].client if on_clients else 1 - DRIVERS[arm].client
            _slice(made, arm, core, weather, 1.0 if world.shared else exposed, rng)
        made.stolen.append((core.stolen // _TICK - before) * _TICK / (core.now - begun))
        if number < enough:  # a run looks each time; before there can be enough, in vain
            continue
        made.left_out = screening.left_out(made.turns, made.stolen, exact=exact)
        enough = PLAN.slices + len(made.left_out)
        if number >= enough:
            break
    made.left_out = screening.left_out(made.turns, made.stolen, exact=exact)
    return made


def _slice(
    made: FakeBlock,
    arm: str,
    core: Core,
    weather: float,
    exposed: float,
    rng: random.Random,
) -> None:
    """A lead-in and a slice: the slice's wall time counts, and what both waited is told."""
    driver, world = DRIVERS[arm], core.world
    work = driver.ops * driver.ns_per_op * math.exp(weather)
    waited = core.run(schedule.LEAD_IN * work, exposed)
    begun = core.now
    waited += core.run(work, exposed)
    wall = round(core.now - begun)
    core.now += 0.1 * MS  # until the next arm has been asked
    told = 0.0 if world.stolen else waited * rng.gauss(1, 0.03)
    told += rng.expovariate(1 / 0.003) * work  # what a kernel does by itself
    if world.shared:
        told += rng.gauss(_OWN, 0.01) * work
    made.walls[arm].append(wall)
    taken, worked = (round(ns * (1 + schedule.LEAD_IN)) for ns in (wall, work))
    made.turns[arm].append(Turn(taken, max(0, round(told)), worked))


def waiting_share(turns: Sequence[Turn]) -> float:
    """What an arm waited of the time of all its turns."""
    return sum(turn.waited_ns or 0 for turn in turns) / sum(turn.wall_ns for turn in turns)
