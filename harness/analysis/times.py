"""What counts in a run: which trials give times, and what became of each cell and arm.

One value per round: the median over its slices. `compare` and the reports both read
runs through `measured`, so that they never disagree about what was measured. Passes that
were left out do not count; `unscreened` says what all of them say. A run may be larger than
the memory: its trials are gone through twice, and of each one only numbers are kept.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import truediv
from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from harness.core.metrics import METRICS, WAITS
from harness.core.stats import MIN_ROUNDS, log_ratio
from harness.core.verdicts import Verdict

if TYPE_CHECKING:  # at run time this module needs the standard library only
    from harness.results.records import ArmFacts, CellFacts, OpenLoop, Run, Slices, Trial

FEWEST_FOR_A_TREND = 6
"""Fewer slices have no first and last third."""

Key = tuple[str, str]
T = TypeVar("T")


class CellRound(NamedTuple):
    """A block: one cell in one round."""

    cell: str
    round: int


# --- one trial ------------------------------------------------------------------------


def has_time(trial: Trial) -> bool:
    """Whether a trial holds anything that was timed."""
    if trial.open_loop is not None:
        return bool(trial.open_loop.response_ns)
    if trial.slices is None or not trial.slices.ops:
        return False
    return len(trial.slices.wall_ns) > len(trial.left_out)


def ops_per_slice(slices: Slices, cell: CellFacts) -> int:
    """The ops of all clients in one slice: the file counts those of a single client."""
    return slices.ops * max(1, cell.clients)


def of_passes(values: Sequence[T], left_out: Collection[int]) -> Sequence[T]:
    """What was read of each slice, without those of the passes that were left out."""
    if not left_out:
        return values
    return [value for number, value in enumerate(values) if number not in left_out]


def wall_per_op(trial: Trial, cell: CellFacts, *, screened: bool = True) -> float:
    """The median over the slices of one trial that count (of all, unless `screened`), ns
    per op; the trial must have a time.

    With many clients it is the inverse of their common throughput. Of an open loop it is
    the median response time.
    """
    if trial.open_loop is not None:
        return float(median(trial.open_loop.response_ns))
    assert trial.slices is not None
    walls = of_passes(trial.slices.wall_ns, trial.left_out if screened else ())
    return median(walls) / ops_per_slice(trial.slices, cell)


# --- the trials of one cell and arm --------------------------------------------------


def _per_metric() -> dict[str, array[float]]:
    return {metric.name: array("d") for metric in METRICS}


@dataclass(slots=True, eq=False)
class Timings:
    """What counts of one cell and arm: numbers per trial, in the order of rounds.

    `walls` are ns per op, `ops` those of one client in a slice (0 of an open loop), and
    `_slices` the wall times of all slices that count, trial after trial, up to `_ends`.
    `left_out` are the passes that do not count, by round, unless the series is not
    `screened` and takes all; `watched` says whether waiting was read at all, `in_doubt`
    that there is no quiet block and disturbed ones stand in. Lists of what not every trial
    has are in no order; `per_op` has one for each metric of slices, `imports` the CPU time
    of each worker's import and `firsts` what the first call took more of it than others
    later. Latencies stay in the run.
    """

    cell: CellFacts
    source: Sequence[Trial]
    screened: bool = True
    left_out: dict[int, tuple[int, ...]] = field(default_factory=dict)
    watched: bool = False
    in_doubt: bool = False
    rounds: array[int] = field(default_factory=lambda: array("q"))
    walls: array[float] = field(default_factory=lambda: array("d"))
    ops: array[int] = field(default_factory=lambda: array("q"))
    _slices: array[int] = field(default_factory=lambda: array("q"))
    _ends: array[int] = field(default_factory=lambda: array("Q"))
    per_op: dict[str, array[float]] = field(default_factory=_per_metric)
    busy: array[float] = field(default_factory=lambda: array("d"))
    imports: array[float] = field(default_factory=lambda: array("d"))
    firsts: array[float] = field(default_factory=lambda: array("d"))
    trends: array[float] = field(default_factory=lambda: array("d"))
    at_work: array[float] = field(default_factory=lambda: array("d"))
    singly: array[float] = field(default_factory=lambda: array("d"))
    restless: int = 0
    repeated: int = 0
    rss_bytes: int = 0
    planned_ns: int = 0
    taken_ns: int = 0
    loops: int = 0
    stopped_clock: bool = False
    backwards: bool = False
    _with_latencies: array[int] = field(default_factory=lambda: array("Q"))

    @classmethod
    def of(cls, trials: Sequence[Trial], cell: CellFacts) -> Timings:
        """The series of trials that all count."""
        series = cls(cell, trials)
        for number, trial in enumerate(trials):
            series.add(number, trial)
        series.settle()
        return series

    def __len__(self) -> int:
        return len(self.rounds)

    def add(self, number: int, trial: Trial) -> None:
        """Take a trial that has a time, by its number in the source."""
        left_out = tuple(trial.left_out) if self.screened else ()
        self.left_out.pop(trial.round, None)
        if left_out:
            self.left_out[trial.round] = left_out
        self.in_doubt |= bool(trial.disturbed)
        self.rounds.append(trial.round)
        self.walls.append(wall_per_op(trial, self.cell, screened=self.screened))
        self.ops.append(0)
        self.rss_bytes = max(self.rss_bytes, trial.rss_peak_bytes)
        self.restless += not trial.steady
        if trial.import_cpu_ns:
            self.imports.append(trial.import_cpu_ns)
        if trial.open_loop is not None:
            self._add_loop(trial.open_loop)
        if trial.slices is not None and trial.open_loop is None:
            self._add_slices(trial.slices, left_out)
            if trial.first_cpu_ns and trial.slices.cpu_ns:
                later = self.per_op["cpu_ns"][-1]
                self.firsts.append(trial.first_cpu_ns - later)
        if trial.latency_ns:
            self._add_latencies(trial)
        if trial.latency_ns or trial.open_loop is not None:
            self._with_latencies.append(number)
        self._ends.append(len(self._slices))

    def _add_slices(self, slices: Slices, left_out: Collection[int]) -> None:
        walls = of_passes(slices.wall_ns, left_out)
        self.ops[-1] = slices.ops
        self._slices.extend(walls)
        self.watched |= any(getattr(slices, name) for name in WAITS)
        ops = ops_per_slice(slices, self.cell)
        if slices.cpu_ns:
            self.busy.append(sum(of_passes(slices.cpu_ns, left_out)) / sum(walls))
        for metric in METRICS:
            if values := of_passes(getattr(slices, metric.name), left_out):
                average = median if metric.average == "median" else fmean
                self.per_op[metric.name].append(average(values) / ops)
        if len(walls) >= FEWEST_FOR_A_TREND:
            third = len(walls) // 3
            first, last = median(walls[:third]), median(walls[-third:])
            self.trends.append(log_ratio(last, first))

    def _add_latencies(self, trial: Trial) -> None:
        self.stopped_clock |= min(trial.latency_ns) <= 0
        if trial.latency_wall_ns:
            self.at_work.append(sum(trial.latency_ns) / trial.latency_wall_ns)
        if trial.slices is not None:
            self.singly.append(fmean(trial.latency_ns) / self.walls[-1])

    def _add_loop(self, loop: OpenLoop) -> None:
        self.loops += 1
        self.planned_ns += loop.planned_ns
        self.taken_ns += loop.planned_ns + loop.response_ns[-1]
        self.backwards |= any(map(int.__le__, loop.response_ns, loop.lag_ns))

    def settle(self) -> None:
        """Put the rounds in order. Of a round that is there twice the later one counts."""
        last = {number: place for place, number in enumerate(self.rounds)}
        self.repeated = len(self.rounds) - len(last)
        order = [last[number] for number in sorted(last)]
        if order == list(range(len(self.rounds))):
            return
        slices = [self.slices(place) for place in order]
        self.rounds = array("q", (self.rounds[place] for place in order))
        self.walls = array("d", (self.walls[place] for place in order))
        self.ops = array("q", (self.ops[place] for place in order))
        self._slices, self._ends = array("q"), array("Q")
        for values in slices:
            self._slices.extend(values)
            self._ends.append(len(self._slices))

    @property
    def passes(self) -> int:
        """How many passes there were in all rounds, those left out among them."""
        return len(self._slices) + sum(map(len, self.left_out.values()))

    def slices(self, place: int) -> array[int]:
        """The wall times of the slices of one trial that count; none of an open loop."""
        start = self._ends[place - 1] if place else 0
        return self._slices[start : self._ends[place]]

    def passes_of(self, place: int) -> Sequence[int]:
        """The numbers of these slices' passes, from 0."""
        left_out = self.left_out.get(self.rounds[place], ())
        start = self._ends[place - 1] if place else 0
        return of_passes(range(self._ends[place] - start + len(left_out)), left_out)

    def latencies(self) -> array[int]:
        """The times of all single ops, of open loops their response times."""
        found: array[int] = array("q")
        for trial in self._told():
            found.extend(trial.latency_ns)
            if trial.open_loop is not None:
                found.extend(trial.open_loop.response_ns)
        return found

    def lags(self) -> array[int]:
        """How late the ops of open loops began."""
        found: array[int] = array("q")
        for trial in self._told() if self.loops else ():
            if trial.open_loop is not None:
                found.extend(trial.open_loop.lag_ns)
        return found

    def _told(self) -> Iterator[Trial]:
        if not self._with_latencies:
            return iter(())  # and the file is not opened
        at = getattr(self.source, "at", None)
        return (
            at(self._with_latencies)
            if at
            else map(self.source.__getitem__, self._with_latencies)
        )

    @property
    def achieved_rate(self) -> float:
        """The ops per second that open loops achieved, from their starts to when their
        last ops were back: a queue that is left counts, too."""
        return self.cell.rate * self.planned_ns / self.taken_ns if self.taken_ns else 0.0


def paired_log_ratios(candidate: Timings, base: Timings) -> list[float]:
    """log(candidate / base) of each common round, in the order of rounds.

    Of open loops it is the ratio of the round's median response times. Otherwise the two
    slices of a pass lie within milliseconds of each other, so the ratio is taken
    pass by pass, and the median over passes is the round's value: what drifts within a
    block is in both and cancels. A pass is left out for all arms alike.
    """
    places = {number: place for place, number in enumerate(base.rounds)}
    return [
        _log_ratio(candidate, place, base, places[number])
        for place, number in enumerate(candidate.rounds)
        if number in places
    ]


def passes_per_op(series: Sequence[Timings]) -> list[list[tuple[float, ...]]]:
    """ns per op of several series side by side: for each round that all have, in the order
    of the first one's, a tuple for each pass that counts for all.

    A round without such passes, as of an open loop, has one tuple: its medians.
    """
    first, *others = series
    common = set(first.rounds).intersection(*(other.rounds for other in others))
    return [_side_by_side(series, number) for number in first.rounds if number in common]


def _side_by_side(series: Sequence[Timings], number: int) -> list[tuple[float, ...]]:
    places = [timings.rounds.index(number) for timings in series]
    pairs = list(zip(series, places, strict=True))
    found = [_per_op(timings, place) for timings, place in pairs]
    common = sorted(set(found[0]).intersection(*found[1:]))
    if not common:
        return [tuple(timings.walls[place] for timings, place in pairs)]
    return [tuple(walls[number] for walls in found) for number in common]


def _per_op(timings: Timings, place: int) -> dict[int, float]:
    """ns per op of the slices of a trial, by their pass."""
    ops = timings.ops[place] * max(1, timings.cell.clients)
    numbers = timings.passes_of(place)
    return {
        number: wall / ops
        for number, wall in zip(numbers, timings.slices(place), strict=True)
    }


def _log_ratio(candidate: Timings, place: int, base: Timings, base_place: int) -> float:
    own, other = _in_common(candidate, place, base, base_place)
    if not own:
        return log_ratio(candidate.walls[place], base.walls[base_place])
    ops = math.log(base.ops[base_place] / candidate.ops[place])
    return median(map(math.log, map(truediv, own, other))) + ops


def _in_common(
    candidate: Timings, place: int, base: Timings, base_place: int
) -> tuple[Sequence[int], Sequence[int]]:
    """The slices of the passes that count for both: a reference is not in all of them."""
    own, other = candidate.slices(place), base.slices(base_place)
    numbers, others = candidate.passes_of(place), base.passes_of(base_place)
    if numbers == others:
        return own, other
    found = dict(zip(others, other, strict=True))
    pairs = [
        (wall, found[number])
        for number, wall in zip(numbers, own, strict=True)
        if number in found
    ]
    return [wall for wall, _ in pairs], [wall for _, wall in pairs]


# --- a run ----------------------------------------------------------------------------


class WorstVerdict(NamedTuple):
    """A verdict and what a person needs to believe it."""

    verdict: Verdict
    detail: str
    observed: str
    expected: str


@dataclass(slots=True)
class RunTimes:
    """What trials say: what counts of each cell and arm, and the worst that became of it.

    `invalid` stands above all: where the oracle failed, nothing can be said. `peaks` is
    the greatest resident size of each arm, `disturbed` why an attempt at a block was.
    """

    series: dict[Key, Timings] = field(default_factory=dict)
    worst: dict[Key, WorstVerdict] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)
    disturbed: dict[tuple[CellRound, int], str] = field(default_factory=dict)

    @property
    def repeated(self) -> int:
        """How many trials were in the file twice."""
        return sum(timings.repeated for timings in self.series.values())

    @property
    def screened(self) -> bool:
        """Whether any pass was left out."""
        return any(timings.left_out for timings in self.series.values())


def measured(run: Run) -> RunTimes:
    """What the trials of a run say; worked out once, and kept with the run."""
    known: dict[str, RunTimes] = run.__dict__
    if "measured" not in known:
        known["measured"] = _measure(run, screened=True)
    return known["measured"]


def unscreened(run: Run) -> RunTimes:
    """What all passes of the same blocks say, those that were left out among them."""
    known: dict[str, RunTimes] = run.__dict__
    if "unscreened" not in known:
        found = measured(run)
        known["unscreened"] = _measure(run, screened=False) if found.screened else found
    return known["unscreened"]


def _measure(run: Run, *, screened: bool) -> RunTimes:
    found = RunTimes()
    counts = WhichCount(_survey(run, found), found.disturbed.keys())
    cells = {cell.id: cell for cell in run.header.cells}
    series: dict[Key, Timings] = {}
    for number, trial in enumerate(run.trials):
        if trial.cell in cells and has_time(trial) and counts(trial):
            key = (trial.cell, trial.arm)
            if key not in series:
                series[key] = Timings(cells[trial.cell], run.trials, screened)
            series[key].add(number, trial)
    for timings in series.values():
        timings.settle()
    found.series = series
    return found


def _survey(run: Run, found: RunTimes) -> dict[CellRound, int]:
    """The last attempt at each block; notes verdicts, peaks and disturbances on the way."""
    last: dict[CellRound, int] = {}
    concerns: dict[Key, int] = {}
    for trial in run.trials:
        block, key = CellRound(trial.cell, trial.round), (trial.cell, trial.arm)
        last[block] = max(last.get(block, 0), trial.attempt)
        found.peaks[trial.arm] = max(found.peaks.get(trial.arm, 0), trial.rss_peak_bytes)
        concern = _CONCERNS[trial.verdict]
        if concern > concerns.get(key, -1):
            concerns[key] = concern
            told = (trial.detail, trial.observed, trial.expected)
            found.worst[key] = WorstVerdict(Verdict(trial.verdict), *told)
        if trial.disturbed:
            found.disturbed[block, trial.attempt] = trial.disturbed
    return last


_CONCERNS: dict[str, int] = {
    verdict: len(Verdict) if verdict is Verdict.INVALID else verdict.severity
    for verdict in Verdict
}


class WhichCount:
    """Which trials count, once the last attempts and the disturbed ones are known.

    A block is one cell in one round. Its last attempt counts for all arms, unless any
    arm was disturbed in it: what disturbed one may have favoured the next. A cell whose
    every block was disturbed keeps its last few rounds, too few for an interval or a
    test: a median in doubt tells a reader more than nothing.
    """

    def __init__(
        self, last: Mapping[CellRound, int], disturbed: Container[tuple[CellRound, int]]
    ) -> None:
        self._last = last
        self._disturbed = {block for block in last if (block, last[block]) in disturbed}
        rounds: dict[str, list[int]] = defaultdict(list)
        quiet = {block.cell for block in last if block not in self._disturbed}
        for cell, number in last:
            if cell not in quiet:
                rounds[cell].append(number)
        for cell, numbers in rounds.items():  # one fewer than an interval needs
            kept = sorted(numbers)[-(MIN_ROUNDS - 1) :]
            self._disturbed -= {CellRound(cell, number) for number in kept}

    def __call__(self, trial: Trial) -> bool:
        """Whether a trial counts, if it has a time."""
        block = CellRound(trial.cell, trial.round)
        return trial.attempt == self._last[block] and block not in self._disturbed


def counting(run: Run) -> WhichCount:
    """Which trials of a run count."""
    found = RunTimes()
    return WhichCount(_survey(run, found), found.disturbed.keys())


def counting_trials(run: Run) -> dict[Key, list[Trial]]:
    """The trials whose times count, whole, in the order of their rounds; for runs that fit
    into the memory."""
    counts = counting(run)
    counted: dict[Key, list[Trial]] = defaultdict(list)
    for trial in run.trials:
        if has_time(trial) and counts(trial):
            counted[trial.cell, trial.arm].append(trial)
    return {key: sorted(trials, key=_round) for key, trials in counted.items()}


def _round(trial: Trial) -> int:
    return trial.round


@dataclass(frozen=True, slots=True)
class ArmTimes:
    """One cell of one arm in one run: facts, worst verdict, what counts of its trials.

    `by_round` is ns per op of each round; `number` the median over rounds, None where the
    verdict forbids a number.
    """

    cell: CellFacts
    arm: ArmFacts
    verdict: Verdict
    detail: str
    series: Timings
    by_round: Mapping[int, float]
    number: float | None


def arm_times(run: Run) -> dict[Key, ArmTimes]:
    """Every cell and arm of a run that was at least tried."""
    cells = {cell.id: cell for cell in run.header.cells}
    arms = {arm.id: arm for arm in run.header.arms}
    found = measured(run)
    return {
        (cell, arm): _arm_times(cells[cell], arms[arm], told, found.series.get((cell, arm)))
        for (cell, arm), told in found.worst.items()
        if cell in cells and arm in arms
    }


def _arm_times(
    cell: CellFacts, arm: ArmFacts, told: WorstVerdict, series: Timings | None
) -> ArmTimes:
    series = series or Timings(cell, ())
    by_round = dict(zip(series.rounds, series.walls, strict=True))
    number = median(series.walls) if series and told.verdict.timeable else None
    return ArmTimes(cell, arm, told.verdict, told.detail, series, by_round, number)
