"""Did it change? Two arms or two runs, cell by cell, with "inconclusive" as an answer.

Pure: from two runs that were read to one `Comparison`; `harness.render.comparison`
shows it. One value per round: the median over its slices of wall ns per op. Two files
are two samples (Mann–Whitney); two arms of one run are paired by round (signed rank).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median, median_high, median_low
from typing import TYPE_CHECKING, Protocol, TypeVar

from harness.analysis import conditions
from harness.analysis.times import ArmTimes, arm_times, paired_log_ratios
from harness.core import stats
from harness.core.errors import (
    EXIT_FAILED,
    EXIT_INCONCLUSIVE,
    EXIT_INVALID,
    EXIT_PASS,
    UsageError,
)
from harness.core.verdicts import Change, Verdict

if TYPE_CHECKING:  # at run time this module needs the standard library only
    from harness.results.records import ArmFacts, CellFacts, Run


class Compared(Protocol):
    """One cell of one arm in one run, whatever its lane counts: what two of them must have
    in common, and what they are compared by."""

    @property
    def cell(self) -> CellFacts:
        """What was asked."""

    @property
    def arm(self) -> ArmFacts:
        """Of whom."""

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all repeats."""

    @property
    def detail(self) -> str:
        """Why it is not exact."""

    @property
    def number(self) -> float | None:
        """The median over repeats; None where the verdict forbids a number."""


S = TypeVar("S", bound=Compared)

THRESHOLD = 0.03
ALPHA = 0.05


class Answer(StrEnum):
    """What a comparison says as a whole, for a gate."""

    PASS = "pass"
    REGRESSION = "regression"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


EXIT_CODES = {
    Answer.PASS: EXIT_PASS,
    Answer.REGRESSION: EXIT_FAILED,
    Answer.INCONCLUSIVE: EXIT_INCONCLUSIVE,
    Answer.INVALID: EXIT_INVALID,
}


@dataclass(frozen=True, slots=True)
class CellChange:
    """One line of a comparison of times; another lane says what it is of its numbers.

    `base_number` and `candidate_number` are medians over rounds, ns per op; None where
    there is no number. `shift` is the log-ratio candidate/base, `trimmed` the same by
    Yuen's trimmed means, which lean on other assumptions; `spread` the standard deviation
    of a single round's, `detectable` the log-ratio that the test, corrected for the
    number of tests, would have found four times in five.
    """

    cell: str
    arm: str
    change: Change
    reason: str = ""
    base_number: float | None = None
    candidate_number: float | None = None
    base_rounds: int = 0
    candidate_rounds: int = 0
    shift: stats.Estimate | None = None
    trimmed: stats.Estimate | None = None
    spread: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    detectable: float | None = None

    @property
    def torn(self) -> bool:
        """Whether ranks and trimmed means disagree about a difference being there."""
        if self.shift is None or self.trimmed is None:
            return False
        return self.shift.excludes_zero != self.trimmed.excludes_zero


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes, worst first, and what casts doubt on them.

    `invalid` says why nothing may be concluded. `common_shift` is the log-ratio that
    the unchanged drivers share: the machine, not a driver.
    """

    base: str
    candidate: str
    paired: bool
    threshold: float
    alpha: float
    changes: tuple[CellChange, ...] = ()
    common_shift: float | None = None
    shifted: bool = False
    invalid: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    lane: str = "time"

    @property
    def counts(self) -> dict[Change, int]:
        """How many cells × arms per change, in order of concern."""
        return {
            kind: sum(change.change is kind for change in self.changes) for kind in Change
        }

    @property
    def answer(self) -> Answer:
        """A regression is one whatever else is wrong; a number that got lost, or work that
        is not the same, is no pass. What base had no number for has nothing to lose."""
        if self.invalid:
            return Answer.INVALID
        lost = {change.change for change in self.changes if change.base_number is not None}
        if self.counts[Change.REGRESSED]:
            return Answer.REGRESSION
        if Change.NOT_COMPARABLE in lost:
            return Answer.INVALID
        return Answer.INCONCLUSIVE if Change.INCONCLUSIVE in lost else Answer.PASS

    @property
    def exit_code(self) -> int:
        """4 invalid, 1 regression, 3 inconclusive, 0 pass."""
        return EXIT_CODES[self.answer]


# --- the comparison -----------------------------------------------------------------


def compare(
    base: Run,
    candidate: Run,
    *,
    base_arm: str = "",
    candidate_arm: str = "",
    threshold: float = THRESHOLD,
    alpha: float = ALPHA,
) -> Comparison:
    """Compare two runs, or two arms, cell by cell.

    Without arms, every driver is compared with the one of the same id; A/A arms and
    references are left out. `threshold` is a share: 0.03 means that ±3 % is the same.

    Raises:
        UsageError: one arm named without the other, an arm that is in neither file,
            or the same run twice without two arms.
    """
    paired = base.header.run == candidate.header.run
    check_request(base, candidate, base_arm, candidate_arm, paired)
    title = Comparison(
        base=label(base, base_arm),
        candidate=label(candidate, candidate_arm),
        paired=paired,
        threshold=threshold,
        alpha=alpha,
        warnings=tuple(conditions.warnings(base, candidate, paired)),
    )
    invalid = list(conditions.uncompared(base, candidate))
    if not paired:
        invalid += conditions.unequal(base, candidate)
    if invalid:
        return replace(title, invalid=tuple(invalid))
    before, after = arm_times(base), arm_times(candidate)
    rows = [_test(a, b, paired) for a, b in pairs(before, after, base_arm, candidate_arm)]
    if base.truncated or candidate.truncated:
        invalid.extend(_truncated_too_early(rows))
    if not any(
        row.base_number is not None or row.candidate_number is not None for row in rows
    ):
        invalid.append("the two have nothing measured in common")
    if invalid:
        return replace(title, invalid=tuple(invalid))
    if not base_arm:
        rows.extend(absent(before, after, candidate))
    shift = None if paired else common_shift(pairs(before, after, "", ""))
    return _conclude(title, _judge_all(rows, title), shift)


def _conclude(
    title: Comparison, changes: Sequence[CellChange], shift: float | None
) -> Comparison:
    shifted = shift is not None and abs(shift) > math.log1p(title.threshold)
    if shifted:
        changes = [_doubted(change) for change in changes]
    return replace(title, changes=worst_first(changes), common_shift=shift, shifted=shifted)


def worst_first(changes: Iterable[CellChange]) -> tuple[CellChange, ...]:
    """In the order of concern."""
    order = list(Change)
    return tuple(
        sorted(
            changes,
            key=lambda change: (order.index(change.change), change.cell, change.arm),
        )
    )


def _doubted(row: CellChange) -> CellChange:
    """What a machine that changed by itself leaves of a change: lost verdicts, no times."""
    if row.shift is None or row.change is Change.INCONCLUSIVE:
        return row
    reason = f"{row.change}, if the machine had not changed"
    return replace(row, change=Change.INCONCLUSIVE, reason=reason)


def common_shift(sides: Iterable[tuple[ArmTimes, ArmTimes]]) -> float | None:
    """The log-ratio that the drivers of unchanged version have in common; None without any.

    The median over those arms of each arm's median over its cells. Of two middle arms
    the one nearer to 0 counts, and arms that disagree about the direction share
    nothing: one slower driver of two is no slower machine.
    """
    by_arm: dict[str, list[float]] = defaultdict(list)
    for before, after in sides:
        was, now = before.number, after.number
        comparable = _unchanged(before.arm, after.arm) and _obstacle(before, after) is None
        if comparable and was is not None and now is not None:
            by_arm[before.arm.id].append(stats.log_ratio(now, was))
    if not by_arm:
        return None
    shifts = [median(ratios) for ratios in by_arm.values()]
    low, high = median_low(shifts), median_high(shifts)
    return 0.0 if low * high <= 0 else min(low, high, key=abs)


def _unchanged(before: ArmFacts, after: ArmFacts) -> bool:
    version = before.terms.get("version", "")
    return bool(version) and version == after.terms.get("version")


def _truncated_too_early(rows: Iterable[CellChange]) -> Iterator[str]:
    if not any(row.p is not None for row in rows):
        yield "a truncated file, and no cell in it has enough rounds"


# --- one cell -----------------------------------------------------------------------


def pairs(
    before: Mapping[tuple[str, str], S],
    after: Mapping[tuple[str, str], S],
    base_arm: str,
    candidate_arm: str,
) -> Iterator[tuple[S, S]]:
    """What is compared with what: every arm with itself, or the two that were named."""
    for (cell, arm), side in before.items():
        if base_arm:
            wanted = candidate_arm if arm == base_arm else ""
        else:
            wanted = arm if side.arm.competes else ""
        other = after.get((cell, wanted))
        if other is not None and (side.verdict.timeable or other.verdict.timeable):
            yield side, other


def absent(
    before: Mapping[tuple[str, str], S],
    after: Mapping[tuple[str, str], S],
    candidate: Run,
) -> Iterator[CellChange]:
    """What base measured and candidate should have measured: never an absent row."""
    cells = {cell.id for cell in candidate.header.cells}
    arms = {arm.id: arm for arm in candidate.header.arms}
    for key, side in before.items():
        cell, arm = key
        lost = key not in after and cell in cells and arm in arms and side.arm.competes
        if lost and side.number is not None:
            reason = arms[arm].problem or "not measured in the candidate"
            yield CellChange(cell, arm, Change.NOT_COMPARABLE, reason, side.number)


def _test(before: ArmTimes, after: ArmTimes, paired: bool) -> CellChange:
    """Estimate and p-value of one cell, or the reason why there is none."""
    row = unjudged(before, after, len(before.by_round), len(after.by_round))
    if row.reason:
        return row
    return _paired(row, before, after) if paired else _two_samples(row, before, after)


def unjudged(before: S, after: S, base_rounds: int, candidate_rounds: int) -> CellChange:
    """A row about two sides before their numbers are compared; it has a reason if they
    cannot be."""
    same_arm = before.arm.id == after.arm.id
    change, reason = _obstacle(before, after) or (Change.INCONCLUSIVE, "")
    return CellChange(
        cell=before.cell.id,
        arm=before.arm.id if same_arm else f"{before.arm.id} → {after.arm.id}",
        change=change,
        reason=reason,
        base_number=before.number,
        candidate_number=after.number,
        base_rounds=base_rounds,
        candidate_rounds=candidate_rounds,
    )


def _paired(row: CellChange, before: ArmTimes, after: ArmTimes) -> CellChange:
    ratios = paired_log_ratios(after.series, before.series)
    if len(ratios) < stats.MIN_ROUNDS:
        return replace(row, reason=_too_few(f"{len(ratios)} common"))
    return replace(
        row,
        shift=stats.hodges_lehmann(ratios),
        trimmed=stats.trimmed_mean(ratios),
        spread=stats.spread(ratios),
        p=stats.signed_rank_p(ratios),
    )


def _two_samples(row: CellChange, before: ArmTimes, after: ArmTimes) -> CellChange:
    m, n = len(before.by_round), len(after.by_round)
    if min(m, n) < stats.MIN_ROUNDS:
        return replace(row, reason=_too_few(f"{m} and {n}"))
    base = [math.log(value) for value in before.by_round.values()]
    candidate = [math.log(value) for value in after.by_round.values()]
    return replace(
        row,
        shift=stats.hodges_lehmann_shift(base, candidate),
        trimmed=stats.yuen_shift(base, candidate),
        spread=math.hypot(stats.spread(base), stats.spread(candidate)) / math.sqrt(2),
        p=stats.mann_whitney_p(base, candidate),
    )


def _too_few(rounds: str) -> str:
    return f"{rounds} undisturbed rounds; {stats.MIN_ROUNDS} are needed"


def _obstacle(before: S, after: S) -> tuple[Change, str] | None:
    """Why two sides cannot be compared by their numbers, if they cannot."""
    was, now = before.verdict, after.verdict
    if was.timeable and not now.timeable:
        # Neither a server's lack nor a fault of ours is ever charged to a driver.
        innocent = now in (Verdict.SKIPPED, Verdict.INVALID)
        change = Change.NOT_COMPARABLE if innocent else Change.REGRESSED
        return change, f"was {was}, is {now}" + (
            f": {after.detail}" if after.detail else ""
        )
    if was is not now:
        return Change.NOT_COMPARABLE, f"was {was}, is {now}"
    unequal = [name for name, a, b in _work(before, after) if a != b]
    if unequal:
        return Change.NOT_COMPARABLE, f"not the same work: other {', '.join(unequal)}"
    return None


def _work(before: S, after: S) -> Iterator[tuple[str, object, object]]:
    a, b = before.cell, after.cell
    yield "definition", True, a.asks_as(b)
    yield "op", (a.op, a.strategy), (b.op, b.strategy)
    yield "unit", (a.unit, a.units_per_op), (b.unit, b.units_per_op)
    yield "clients", (a.clients, a.pool), (b.clients, b.pool)
    yield "profile", before.arm.profile, after.arm.profile
    if a.clients:
        yield "kind of client (threads, tasks)", before.arm.kind, after.arm.kind


# --- judging ------------------------------------------------------------------------


def _judge_all(rows: Sequence[CellChange], title: Comparison) -> list[CellChange]:
    """Correct for the number of tests, then judge each row."""
    adjusted = iter(stats.holm([row.p for row in rows if row.p is not None]))
    tests = sum(row.p is not None for row in rows)
    return [
        row
        if row.p is None
        else _judge(_corrected(row, next(adjusted), tests, title), title)
        for row in rows
    ]


def _corrected(
    row: CellChange, p_adjusted: float, tests: int, title: Comparison
) -> CellChange:
    assert row.shift is not None
    assert row.spread is not None
    # Holm's first step is Bonferroni's: what is detectable there is in every step.
    alpha = title.alpha / tests
    first, second = (
        (row.shift.n, None) if title.paired else (row.base_rounds, row.candidate_rounds)
    )
    effect = stats.detectable_effect(row.spread, first, second, alpha=alpha)
    return replace(row, p_adjusted=p_adjusted, detectable=effect)


def _judge(row: CellChange, title: Comparison) -> CellChange:
    assert row.shift is not None
    assert row.p_adjusted is not None
    bound = math.log1p(title.threshold)
    significant = row.p_adjusted <= title.alpha and row.shift.excludes_zero
    if significant and abs(row.shift.point) > bound:
        slower = row.shift.point > 0
        return replace(row, change=Change.REGRESSED if slower else Change.IMPROVED)
    if row.shift.within(bound):
        return replace(row, change=Change.SAME)
    return replace(row, reason=_doubt(row, significant))


def _doubt(row: CellChange, significant: bool) -> str:
    if row.detectable == math.inf:
        return "too few rounds for so many tests"
    if significant:
        return "a difference, but perhaps below the threshold"
    return "the interval reaches beyond the threshold"


# --- the two runs -------------------------------------------------------------------


def check_request(
    base: Run, candidate: Run, base_arm: str, candidate_arm: str, paired: bool
) -> None:
    """Whether these arms of these runs can be asked for.

    Raises:
        UsageError: they cannot.
    """
    if bool(base_arm) != bool(candidate_arm):
        raise UsageError("one arm is named, the other is not",
                         hint="give both --base-arm and --candidate-arm")  # fmt: skip
    if paired and (not base_arm or base_arm == candidate_arm):
        raise UsageError(
            "both files are the same run, which cannot differ from itself",
            hint="name two arms of it with --base-arm and --candidate-arm",
        )
    for run, arm in ((base, base_arm), (candidate, candidate_arm)):
        known = [played.id for played in run.header.arms]
        if arm and arm not in known:
            raise UsageError(
                f"{run.path} has no arm '{arm}'",
                hint=f"it has: {', '.join(known) or 'none'}",
            )


def label(run: Run, arm: str) -> str:
    """A run, and the arm of it that was named, as a reader sees them."""
    return f"{run.header.run}, {arm}" if arm else run.header.run
