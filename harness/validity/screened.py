"""Passes left out beside disturbers, on a fake clock: are answers right that are known?

Simulated blocks (`disturbers`) go through the code that reads real ones, and are counted
in three ways: without the passes that were left out, with all passes, and with blocks
thrown away as a whole where an arm waited. Every world has a copy of an arm, which must not
be told from it, and one that is 10 % slower, which must come out so.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median, stdev

from harness.analysis.times import Timings, paired_log_ratios
from harness.bench import runner
from harness.core import stats
from harness.core.verdicts import EXACT
from harness.results.records import CellFacts, Slices, Trial
from harness.validity.disturbers import (
    DRIVERS,
    MS,
    PLAN,
    SLOWED,
    WORLDS,
    BusyWorld,
    FakeBlock,
    block,
    waiting_share,
)
from harness.validity.outcome import ALPHA, Outcome, most_by_chance
from harness.validity.simulated import seeded

QUICK = ("nobody", "bursts", "a hog of 30 %", "steal")
CELLS = 2
"""Of a run; the false alarms of all are corrected together."""
ATTEMPTS = PLAN.max_rounds + int(runner.MAX_ATTEMPT_SHARE * PLAN.min_rounds)
"""So many blocks of a cell are measured at most, those that are thrown away among them."""
CELL = CellFacts(
    id="simulated", scenario="", case="", point={}, title="", why="", op="fetch_one"
)


# --- one way to count -------------------------------------------------------------------


@dataclass(slots=True)
class Said:
    """What one way to count says of runs: how many had an A/A alarm, and of their cells the
    slopes (measured ÷ injected slowdown) and the half widths of the intervals, in per cent.
    """

    runs: int = 0
    cells: int = 0
    alarms: int = 0
    slopes: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)

    def add(self, cells: Iterable[Sequence[Trial]]) -> None:
        """A run: of each cell the trials that count."""
        self.runs += 1
        tests = [p for trials in cells if (p := self._cell(trials)) is not None]
        self.alarms += any(p <= ALPHA for p in stats.holm(tests))

    def _cell(self, trials: Sequence[Trial]) -> float | None:
        """Take in one cell; the p-value of its A/A arms, None without an interval."""
        self.cells += 1
        base, twin, slowed = (
            Timings.of([trial for trial in trials if trial.arm == arm], CELL)
            for arm in ("base", "twin", "slowed")
        )
        shift = stats.hodges_lehmann(paired_log_ratios(slowed, base)) if base else None
        if shift is None or shift.low is None or shift.high is None:
            return None
        self.slopes.append(shift.point / math.log1p(SLOWED))
        self.widths.append(stats.percent((shift.high - shift.low) / 2))
        return stats.signed_rank_p(paired_log_ratios(twin, base))

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
        """The mean slope of all cells, with Student's interval; None of too few."""
        n = len(self.slopes)
        if n < stats.MIN_ROUNDS:
            return None
        half = stats.student_quantile(0.975, n - 1) * stdev(self.slopes) / math.sqrt(n)
        mean = fmean(self.slopes)
        return stats.Estimate(mean, mean - half, mean + half, n, 0.95)


# --- three ways to count ----------------------------------------------------------------


@dataclass(slots=True)
class Ways:
    """The same blocks counted in three ways; how many passes there were, and how many of
    them the first one counts."""

    screened: Said = field(default_factory=Said)
    everything: Said = field(default_factory=Said)
    by_block: Said = field(default_factory=Said)
    passes: int = 0
    counted: int = 0

    def add(self, world: BusyWorld, rng: random.Random) -> None:
        """One run in this world, whose hog stays on one core."""
        on_clients = rng.random() < 0.5
        cells = [
            [block(world, on_clients, rng) for _ in range(ATTEMPTS)] for _ in range(CELLS)
        ]
        self.everything.add(_trials(blocks[: PLAN.max_rounds]) for blocks in cells)
        self.by_block.add(_trials(_first_quiet(blocks)) for blocks in cells)
        self.screened.add(self._screened(blocks) for blocks in cells)

    def _screened(self, blocks: Sequence[FakeBlock]) -> list[Trial]:
        """As a run does it: a block with too few passes is measured again."""
        kept = [made for made in blocks if not made.disturbed][: PLAN.max_rounds]
        last = blocks.index(kept[-1]) + 1 if len(kept) == PLAN.max_rounds else len(blocks)
        self.passes += sum(len(made.stolen) for made in blocks[:last])
        self.counted += sum(len(made.stolen) - len(made.left_out) for made in kept)
        return _trials(kept, screened=True)

    @property
    def kept(self) -> float:
        """The share of the passes that counted."""
        return self.counted / self.passes if self.passes else 0.0


def _first_quiet(blocks: Sequence[FakeBlock]) -> Sequence[FakeBlock]:
    """Blocks as they were before passes were looked at: as many slices as are wanted, and
    thrown away where an arm waited for more than 10 % of its slices, and 10 ms."""
    wanted = [
        FakeBlock(
            {arm: walls[: PLAN.slices] for arm, walls in made.walls.items()},
            {arm: turns[: PLAN.slices] for arm, turns in made.turns.items()},
        )
        for made in blocks
    ]
    return [made for made in wanted if not _waited(made)][: PLAN.max_rounds]


def _waited(made: FakeBlock) -> bool:
    shares = ((waiting_share(turns), sum(made.walls[arm]))
              for arm, turns in made.turns.items())  # fmt: skip
    return any(share > 0.10 and share * wall_ns > 10 * MS for share, wall_ns in shares)


def _trials(blocks: Sequence[FakeBlock], *, screened: bool = False) -> list[Trial]:
    """Blocks as a run would have recorded them, a round each."""
    return [
        Trial(
            cell=CELL.id,
            arm=arm,
            round=number,
            judgement=EXACT,
            slices=Slices(ops=DRIVERS[arm].ops, lead=0, wall_ns=walls, cpu_ns=[]),
            left_out=made.left_out if screened else [],
        )
        for number, made in enumerate(blocks)
        for arm, walls in made.walls.items()
    ]


# --- tests ------------------------------------------------------------------------------


def simulated(name: str, world: BusyWorld, runs: int) -> Ways:
    """So many runs in one world; the same each time for the same name."""
    ways = Ways()
    for number in range(runs):
        ways.add(world, seeded("screened", name, number))
    return ways


def run(runs: int, worlds: Iterable[str] = WORLDS) -> Iterator[Outcome]:
    """False alarms and the slope in each world, without the passes that were left out."""
    for name in worlds:
        yield from judged(name, simulated(name, WORLDS[name], runs).screened)


def judged(name: str, said: Said) -> Iterator[Outcome]:
    """A/A within what chance allows; the slope is 1 within 1 %, as far as is known."""
    most = most_by_chance(said.runs, ALPHA)
    yield Outcome(
        f"passes left out, A/A, {name}",
        f"at most {most} of {said.runs} (5 %)",
        f"{said.alarms} of {said.runs}, {said.answered:.0%} of cells with an interval",
        said.alarms <= most,
    )
    slope = said.slope
    yield Outcome(
        f"passes left out, slope, {name}", "1 within 1 %", shown(slope), _is_one(slope)
    )


def shown(slope: stats.Estimate | None) -> str:
    """A slope with its interval: `0.998 (0.991 to 1.005)`."""
    if slope is None:
        return "too few intervals"
    return f"{slope.point:.3f} ({slope.low:.3f} to {slope.high:.3f})"


def _is_one(slope: stats.Estimate | None) -> bool:
    if slope is None or slope.low is None or slope.high is None:
        return False
    return slope.low <= 1.01 and slope.high >= 0.99
