"""Did it change? Two arms or two runs, cell by cell, with "inconclusive" as an answer.

Pure: from two runs that were read to one `Comparison`; `harness.render.comparison`
shows it. One value per round: the median over its slices of wall ns per op. Two files
are two samples (Mann–Whitney); two arms of one run are paired by round (signed rank).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median, median_high, median_low
from typing import TYPE_CHECKING, Protocol, TypeVar

from harness.analysis import conditions, gate
from harness.analysis.changes import CellChange, Comparison, worst_first
from harness.analysis.gate import Gate
from harness.analysis.times import ArmTimes, Key, arm_times, paired_log_ratios
from harness.core import stats
from harness.core.errors import UsageError
from harness.core.patterns import matches, names_cell
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
Pair = tuple[ArmTimes, ArmTimes]

# --- the comparison -----------------------------------------------------------------


def compare(
    base: Run,
    candidate: Run,
    *,
    base_arm: str = "",
    candidate_arm: str = "",
    rules: Gate = Gate(),  # noqa: B008 - it is frozen
) -> Comparison:
    """Compare two runs, or two arms, cell by cell.

    Without arms, every driver is compared with the one of the same id; A/A arms and
    references are left out.

    Raises:
        UsageError: one arm named without the other, an arm that is in neither file,
            or the same run twice without two arms.
    """
    title = begun(base, candidate, base_arm, candidate_arm, rules)
    invalid = list(conditions.uncompared(base, candidate))
    if not title.paired:
        invalid += conditions.unequal(base, candidate)
    if invalid:
        return replace(title, invalid=tuple(invalid))
    before, after = arm_times(base), arm_times(candidate)
    asked = list(pairs(before, after, base_arm, candidate_arm))
    rows = [_test(*pair, title.paired) for pair in asked if _is_gated(pair, rules)]
    if invalid := list(_nothing_to_say(base, candidate, asked, rows)):
        away = _away((base, base_arm), (candidate, candidate_arm))
        return replace(title, invalid=(*invalid, *away))
    if not base_arm:
        lost = absent(before, after, candidate)
        rows.extend(row for row in lost if rules.counts(row.cell))
    if title.paired:
        unchanged = _twins(before, (base_arm, candidate_arm))
    else:
        unchanged = _alike(before, after, rules)
    title = _controlled(title, [*_named(asked, rules), *unchanged], rules)
    title = replace(title, warnings=(*title.warnings, *_ungated(asked, rules)))
    # Controls that somebody named say more than a guess by versions.
    guess = not title.paired and not rules.controls
    shift = common_shift(pairs(before, after, "", "")) if guess else None
    return _conclude(title, gate.judge_all(rows, title, rules), shift)


def begun(
    base: Run, candidate: Run, base_arm: str, candidate_arm: str, rules: Gate
) -> Comparison:
    """The comparison before any number: who, by which rules, and what is not alike.

    Raises:
        UsageError: these arms of these runs cannot be asked for.
    """
    paired = base.header.run == candidate.header.run
    check_request(base, candidate, base_arm, candidate_arm, paired)
    arms = (base_arm, candidate_arm)
    return Comparison(
        base=label(base, base_arm),
        candidate=label(candidate, candidate_arm),
        paired=paired,
        threshold=rules.threshold,
        alpha=rules.alpha,
        differences=tuple(conditions.differences(base, candidate, arms)),
        warnings=(
            *conditions.warnings(base, candidate, paired, arms),
            *_unmatched(base, candidate, rules),
        ),
        runs=(base.path,) if paired else (base.path, candidate.path),
        arms=tuple(filter(None, arms)),
        command=tuple(candidate.header.command),
    )


def _is_gated(pair: Pair, rules: Gate) -> bool:
    """Whether a pair counts; an arm that cannot have changed is no candidate."""
    before, after = pair
    arm = before.arm.id
    unchanged = arm == after.arm.id and rules.controls_arm(arm)
    return rules.counts(before.cell.id) and not unchanged


def _ungated(asked: Sequence[Pair], rules: Gate) -> Iterator[str]:
    """How many cells `gate` leaves out."""
    cells = {before.cell.id for before, _ in asked}
    left = {cell for cell in cells if not rules.counts(cell)}
    left = {cell for cell in left if not rules.controls_cell(cell)}
    if left:
        yield f"{len(left)} of {len(cells)} cells are not gated"


def _nothing_to_say(
    base: Run,
    candidate: Run,
    asked: Sequence[Pair],
    rows: Sequence[CellChange],
) -> Iterator[str]:
    """Why no conclusion can be drawn from these rows, if none can."""
    if asked and not rows:
        yield "no cell is gated: each is left out by `gate` or named as a control"
        return
    truncated = base.truncated or candidate.truncated
    if truncated and not any(row.p is not None for row in rows):
        yield "a truncated file, and no cell in it has enough rounds"
    numbers = ((row.base_number, row.candidate_number) for row in rows)
    if all(pair == (None, None) for pair in numbers):
        yield "the two have nothing measured in common"


def _unmatched(base: Run, candidate: Run, rules: Gate) -> Iterator[str]:
    """Patterns of the settings that mean nothing here: a slip of the pen gates nothing."""
    cells = {cell.id for run in (base, candidate) for cell in run.header.cells}
    arms = {arm.id for run in (base, candidate) for arm in run.header.arms}
    for pattern in rules.cells:
        if not any(names_cell(pattern, cell) for cell in cells):
            yield f"`gate` names '{pattern}', and no cell is called so"
    for pattern in rules.controls:
        named = any(names_cell(pattern, cell) for cell in cells)
        if not named and not any(matches(pattern, arm) for arm in arms):
            yield f"'{pattern}' is named as a control, and no cell or arm is called so"


def _away(*sides: tuple[Run, str]) -> Iterator[str]:
    """Why arms that were named took no part in their run."""
    for run, name in sides:
        for arm in run.header.arms:
            if arm.id == name and arm.problem:
                yield f"{name} took no part: {arm.problem}"


def _named(asked: Iterable[Pair], rules: Gate) -> Iterator[Pair]:
    """Who is compared, in cells that cannot have changed."""
    return (pair for pair in asked if rules.controls_cell(pair[0].cell.id))


def _alike(
    before: Mapping[Key, ArmTimes], after: Mapping[Key, ArmTimes], rules: Gate
) -> Iterator[Pair]:
    """Arms that cannot have changed, each with itself in the other run."""
    for (cell, arm), side in before.items():
        named = rules.controls_arm(arm) and not rules.controls_cell(cell)
        if named and (cell, arm) in after:
            yield side, after[cell, arm]


def _twins(sides: Mapping[Key, ArmTimes], compared: Sequence[str]) -> Iterator[Pair]:
    """Within a run, an arm with its A/A arm, unless it is these two that are compared."""
    for (cell, arm), side in sides.items():
        original = sides.get((cell, side.arm.twin))
        if original is not None and {arm, side.arm.twin} != set(compared):
            yield original, side


def _controlled(title: Comparison, unchanged: Iterable[Pair], rules: Gate) -> Comparison:
    """With what the pairs that cannot have changed did."""
    controls = worst_first(_test(*pair, title.paired) for pair in unchanged)
    return replace(title, controls=controls, drift=gate.drift(controls, rules.alpha))


def _conclude(
    title: Comparison, changes: Sequence[CellChange], shift: float | None
) -> Comparison:
    shifted = shift is not None and abs(shift) > math.log1p(title.threshold)
    if shifted:
        changes = [_doubted(change) for change in changes]
    return replace(title, changes=worst_first(changes), common_shift=shift, shifted=shifted)


def _doubted(row: CellChange) -> CellChange:
    """What a machine that changed by itself leaves of a change: lost verdicts, no times."""
    if row.shift is None or row.change is Change.INCONCLUSIVE:
        return row
    reason = f"{row.change}, if the machine had not changed"
    return replace(row, change=Change.INCONCLUSIVE, reason=reason)


def common_shift(sides: Iterable[Pair]) -> float | None:
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
    """Whether an arm is of the same released version; what comes from a folder or a commit
    (`psycopg@…`) may be other code under the same number."""
    version = before.terms.get("version", "")
    released = "@" not in before.id + after.id
    return released and bool(version) and version == after.terms.get("version")


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
        if other is not None and (
            side.verdict.timeable or side.verdict is not other.verdict
        ):
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
    if paired:
        return by_round(row, paired_log_ratios(after.series, before.series))
    return two_samples(row, list(before.by_round.values()), list(after.by_round.values()))


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


def by_round(row: CellChange, ratios: Sequence[float]) -> CellChange:
    """A row with what the log-ratios of common rounds say."""
    if len(ratios) < stats.MIN_ROUNDS:
        return replace(row, reason=_too_few(f"{len(ratios)} common"))
    return replace(
        row,
        shift=stats.hodges_lehmann(ratios),
        trimmed=stats.trimmed_mean(ratios),
        spread=stats.spread(ratios),
        p=stats.signed_rank_p(ratios),
    )


def two_samples(
    row: CellChange, before: Sequence[float], after: Sequence[float]
) -> CellChange:
    """A row with what the times of two samples of rounds say."""
    m, n = len(before), len(after)
    if min(m, n) < stats.MIN_ROUNDS:
        return replace(row, reason=_too_few(f"{m} and {n}"))
    base, candidate = list(map(math.log, before)), list(map(math.log, after))
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
    if before.verdict is not after.verdict:
        reason = f"was {before.verdict}, is {after.verdict}"
        detail = f": {after.detail}" if after.detail else ""
        return _other_verdict(before.verdict, after.verdict), reason + detail
    unequal = [name for name, a, b in _work(before, after) if a != b]
    if unequal:
        return Change.NOT_COMPARABLE, f"not the same work: other {', '.join(unequal)}"
    return None


def _other_verdict(was: Verdict, now: Verdict) -> Change:
    """What another verdict is. Neither a server's lack nor a fault of ours is ever charged
    to a driver; two verdicts with times are times of other work."""
    innocent = (Verdict.SKIPPED, Verdict.INVALID)
    if was in innocent or now in innocent or (was.timeable and now.timeable):
        return Change.NOT_COMPARABLE
    return Change.REGRESSED if now.severity > was.severity else Change.IMPROVED


def _work(before: S, after: S) -> Iterator[tuple[str, object, object]]:
    a, b = before.cell, after.cell
    yield "definition", True, a.asks_as(b)
    yield "op", (a.op, a.strategy), (b.op, b.strategy)
    yield "unit", (a.unit, a.units_per_op), (b.unit, b.units_per_op)
    yield "clients", (a.clients, a.pool), (b.clients, b.pool)
    yield "profile", before.arm.profile, after.arm.profile
    if a.clients:
        yield "kind of client (threads, tasks)", before.arm.kind, after.arm.kind


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
                         hint="give both --base and --candidate")  # fmt: skip
    if paired and (not base_arm or base_arm == candidate_arm):
        raise UsageError(
            "the same run cannot differ from itself",
            hint="name two arms of it with --base and --candidate",
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
