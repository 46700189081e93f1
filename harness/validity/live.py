"""One driver against itself, slowed by known amounts, on a real server.

Each trial is a whole bench run in a file of its own: some arms without a burden, some
with 1 to 20 %. The same files answer how often equal arms are told apart (A/A), how
often a slower arm is found (power), and whether as much is found as was put in
(calibration, which takes many trials). A trial whose file is complete is not run again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any, Literal

from harness import scenario
from harness.analysis.times import Timings, counting_trials, paired_log_ratios
from harness.bench import orders
from harness.bench.runner import Progress
from harness.bench.schedule import Plan
from harness.core import stats
from harness.core.arms import Arm, parse
from harness.core.cells import Cell
from harness.core.conditions import DIRECT, Condition
from harness.core.errors import ResultsError
from harness.machine import host
from harness.results import store
from harness.results.records import Run, Slices, Trial
from harness.validity import kept
from harness.validity.interference import hog
from harness.validity.outcome import (
    AA_HOG,
    AA_IDLE,
    ALPHA,
    POWER,
    POWER_BESIDE_HOG,
    Outcome,
    found_mark,
    most_by_chance,
)
from harness.validity.trials import fail
from harness.venue.venue import Venue

CELL = "query/point#fetch-one"
LINE_CELL = "fetch/rows#all@shape=narrow,rows=1000"
"""Of a round trip more is found than was put in: after a longer wait both sides need more
time. Beside an op that is long, that part is small."""
BURDENS = (0.01, 0.02, 0.05, 0.10, 0.20)
ALL_BURDENS_EVERY = 10
"""A line needs its far points less often than power needs its near ones."""
EQUAL_ARMS = 4
SLICE_NS = 4_000_000
TRIAL_S = 95
"""A trial of the smallest effect that has a mark may take 120 s, and a budget may be
exceeded by a quarter."""
MOST_ROUNDS = 3
ANY_WIDTH = 1.0


Purpose = Literal["idle", "hog", "line"]
"""For power, beside a hog, or for the line through all burdens."""


@dataclass(frozen=True, slots=True)
class Series:
    """How many trials of which driver, where they are kept, and what for."""

    folder: Path
    trials: int
    rounds: int
    slices: int
    driver: str = "psycopg2"
    burdens: Sequence[float] = BURDENS
    kind: Purpose = "idle"
    condition: Condition = DIRECT

    def burdens_of(self, number: int) -> Sequence[float]:
        """By how much arms of a trial are slowed: in those for the line and in every tenth
        by all burdens, else by those whose power has a mark."""
        if self.kind == "hog":
            return list(POWER_BESIDE_HOG)
        if self.kind == "line" or number % ALL_BURDENS_EVERY == 0:
            return self.burdens
        return [burden for burden in self.burdens if burden in POWER]

    def arms(self, number: int) -> list[Arm]:
        """Equal arms first, then the slowed ones."""
        copies = [(n, 0.0) for n in range(EQUAL_ARMS)]
        slowed = [(0, burden) for burden in self.burdens_of(number)]
        # As installed: what registrations import takes time at each start, and no other.
        arm = parse(self.driver, "default")
        return [replace(arm, copy=copy, burden=burden) for copy, burden in copies + slowed]

    @property
    def plan(self) -> Plan:
        """So many quiet rounds, whatever their width, in the time that the marks allow."""
        most = MOST_ROUNDS * self.rounds
        return Plan(SLICE_NS, self.slices, self.rounds, most, ANY_WIDTH, TRIAL_S, 0)

    @property
    def name(self) -> str:
        """What its files have in common."""
        way = self.condition.mark.strip("[]")
        return "-".join(filter(None, [self.kind, way, f"{self.rounds}x{self.slices}"]))

    def file(self, number: int) -> Path:
        """Where a trial is kept."""
        return self.folder / f"{self.name}-{number:03}.jsonl"

    def rules(self, cells: Sequence[Cell]) -> dict[str, Any]:
        """What decides a trial besides its number, which is its seed. The first trial has
        all burdens, the second the near ones."""
        arms = [[arm.id for arm in self.arms(number)] for number in (0, 1)]
        return kept.rules(cells, self.plan, arms=arms)


def measure(place: Venue, series: Series, progress: Progress) -> None:
    """Run the trials that are not there yet."""
    cell = LINE_CELL if series.kind == "line" else CELL
    scenarios, (plain,) = scenario.select_cells([cell])
    cells = plain.under([series.condition])
    kept.claim(series.folder, place.facts, series.name, series.rules(cells))
    missing = [n for n in range(series.trials) if not kept.complete(series.file(n))]
    if not missing:
        return
    cores = host.place(server=place.server.managed).server
    with hog(cores) if series.kind == "hog" else nullcontext():
        for number in missing:
            series.file(number).unlink(missing_ok=True)
            order = orders.Order(
                scenarios, cells, series.arms(number), series.plan, "gate", number
            )
            orders.measure(place, order, series.file(number), progress, fail)


# --- what the trials say ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ArmPair:
    """Two arms of one trial: by how much the second was slowed, and what was found.

    `burden` is what was asked for. `put`, by the burden's own clock, `spent`, by the
    processor clocks of client and server, and `shift`, by that of the slices, are
    log-ratios of time per op; `spent` is None where the server's clock cannot be read.
    `rounds` has the shift of each round; `p` is None where too few rounds count.
    """

    burden: float
    put: float
    spent: float | None
    shift: float
    p: float | None
    rounds: tuple[float, ...] = ()


def comparisons(run: Run, burdens: Sequence[float]) -> Iterator[ArmPair]:
    """Equal arms in disjoint pairs, and each slowed arm against the first of them."""
    counted = counting_trials(run)
    (cell,) = run.header.cells
    arms = [arm.id for arm in run.header.arms]
    equal, slowed = arms[:EQUAL_ARMS], arms[EQUAL_ARMS:]
    pairs = [
        *((a, b, 0.0) for a, b in zip(equal[::2], equal[1::2], strict=True)),
        *((equal[0], arm, burden) for arm, burden in zip(slowed, burdens, strict=True)),
    ]
    for base, candidate, burden in pairs:
        before = counted.get((cell.id, base), [])
        after = counted.get((cell.id, candidate), [])
        ratios = paired_log_ratios(Timings.of(after, cell), Timings.of(before, cell))
        if not ratios:
            continue
        enough = len(ratios) >= stats.MIN_ROUNDS
        yield ArmPair(
            burden,
            _put(before, after) if burden else 0.0,
            _added(before, after, _processor_ns),
            stats.hodges_lehmann(ratios).point,
            stats.signed_rank_p(ratios) if enough else None,
            tuple(ratios),
        )


def _put(before: Sequence[Trial], after: Sequence[Trial]) -> float:
    """By how much more an arm was slowed than the other, as their empty loops were timed
    one by one. An empty loop of no turns takes time as well.

    What an empty loop costs differs a little between a calibration and the short bursts
    between two waits, so what was asked for is not what was put in.
    """
    put = _added(before, after, lambda slices: slices.burden_ns)
    if put is None:
        raise ResultsError(
            "a kept trial does not say what its burdens took: an older pgdyno measured it",
            hint="give another folder to --keep, or remove the trials in it",
        )
    return put


def _processor_ns(slices: Slices) -> list[int]:
    """What client and server process took of their processors; empty if that is unknown."""
    if not slices.server_cpu_ns:
        return []
    return list(map(sum, zip(slices.cpu_ns, slices.server_cpu_ns, strict=True)))


def _added(
    before: Sequence[Trial],
    after: Sequence[Trial],
    taken: Callable[[Slices], Sequence[int]],
) -> float | None:
    """By how much more the ops of an arm have taken of something than those of the other,
    relative to the wall time of an op of the other; None if no round says so.

    As with the ratios it is a log-ratio and taken pass by pass, for the speed of a shared
    processor changes with the hour.
    """
    first = {trial.round: trial.slices for trial in before}
    rounds = [
        _added_in_round(base, slowed, taken, trial.left_out)
        for trial in after
        if (slowed := trial.slices) and taken(slowed) and (base := first.get(trial.round))
    ]
    return fmean(rounds) if rounds else None


def _added_in_round(
    base: Slices,
    slowed: Slices,
    taken: Callable[[Slices], Sequence[int]],
    left_out: Sequence[int],
) -> float:
    passes = zip(taken(slowed), taken(base), base.wall_ns, strict=True)
    return math.log1p(
        median(
            (more / slowed.ops - less / base.ops) / (wall / base.ops)
            for number, (more, less, wall) in enumerate(passes)
            if number not in left_out
        )
    )


@dataclass(frozen=True, slots=True)
class Told:
    """What the trials of a series say: the comparisons of each, and how long one takes."""

    series: Series
    trials: Sequence[Sequence[ArmPair]]
    seconds: float

    @property
    def equal(self) -> list[ArmPair]:
        """Comparisons of equal arms, over all trials."""
        return [pair for trial in self.trials for pair in trial if not pair.burden]

    @property
    def decided(self) -> list[ArmPair]:
        """Comparisons with enough rounds for an estimate, over all trials."""
        return [pair for trial in self.trials for pair in trial if pair.p is not None]


def read(series: Series) -> Told:
    """The trials that are there."""
    return _told(series, [n for n in range(series.trials) if series.file(n).exists()])


def _told(series: Series, numbers: Sequence[int]) -> Told:
    runs = {number: store.read(series.file(number)) for number in numbers}
    seconds = [run.footer.elapsed_ns / 1e9 for run in runs.values() if run.footer]
    trials = [list(comparisons(run, series.burdens_of(n))) for n, run in runs.items()]
    return Told(series, trials, median(seconds) if seconds else 0.0)


def false_alarms(told: Told) -> Iterator[Outcome]:
    """Equal arms: how many are told apart at 5 %?"""
    found = told.equal
    judged = [pair for pair in found if pair.p is not None]
    flagged = sum(pair.p <= ALPHA for pair in judged if pair.p is not None)
    allowed = most_by_chance(len(judged), ALPHA)
    undecided = (
        f", {len(found) - len(judged)} inconclusive" if len(found) > len(judged) else ""
    )
    yield Outcome(
        told.series.condition.of(AA_HOG if told.series.kind == "hog" else AA_IDLE),
        f"at most {allowed} of {len(judged)} flagged",
        f"{flagged} of {len(judged)} flagged{undecided}",
        flagged <= allowed and bool(found),
    )


def power(told: Told) -> Iterator[Outcome]:
    """Slowed arms: how many are found at 5 %?"""
    marks = POWER_BESIDE_HOG if told.series.kind == "hog" else POWER
    for burden, (test, share) in marks.items():
        found = [pair for trial in told.trials for pair in trial if pair.burden == burden]
        hits = sum(
            pair.p is not None and pair.p <= ALPHA and pair.shift > 0 for pair in found
        )
        if found:
            mark, least = found_mark(len(found), share)
            yield Outcome(
                test,
                mark,
                f"{hits} of {len(found)} found, {told.seconds:.0f} s each",
                hits >= least,
            )
