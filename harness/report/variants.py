"""The section 'Versions, Pythons and servers': where a driver's columns differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.variant_times import TimeChange, VariantTimes, VersionStep
from harness.analysis.variants import (
    AskedCell,
    Difference,
    DriverColumns,
    Unstable,
    Values,
    VariantAnswer,
)
from harness.core.arms import PROFILES
from harness.core.stats import Estimate
from harness.core.verdicts import Code, Verdict
from harness.report import format as fmt

AXIS_NAMES = {
    "version": "version",
    "python": "Python",
    "server": "PostgreSQL",
    "via": "way",
}
_MOST_NAMED = 3
"""Combinations of a version and a Python, say, that are still told one by one."""
_TELLING = (Code.RIGHT, Code.NOT_OFFERED, Code.OBSERVED)
"""Codes that say no more than their verdict does."""


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """A column of a matrix: the value of each of its axes."""

    values: Values

    @property
    def label(self) -> str:
        """`0.29.0, Python 3.12`."""
        return ", ".join(self.values)


@dataclass(frozen=True, slots=True)
class ColumnEntry:
    """What a column says: the verdict, and what is known beyond it. A fact that is neither
    right nor wrong stands for itself."""

    verdict: Verdict
    code: str
    fact: str = ""

    @property
    def text(self) -> str:
        """`rejected (wrong-sqlstate)`."""
        if self.fact:
            return self.fact
        return f"{self.verdict} ({self.code})" if self.code else str(self.verdict)


@dataclass(frozen=True, slots=True)
class CauseRow:
    """Cells that differ by the same pattern: a row of the matrix. Entries stand in the
    order of its columns, None where nobody was asked; `doubt` says why it may be chance or
    another cause."""

    sentence: str
    entries: tuple[ColumnEntry | None, ...]
    cells: tuple[str, ...]
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class ColumnMatrix:
    """The causes that are told by the same axes, with a column for each of their values."""

    axes: tuple[str, ...]
    columns: tuple[ColumnHead, ...]
    rows: tuple[CauseRow, ...]

    @property
    def title(self) -> str:
        """`By version and Python`."""
        return f"By {' and '.join(self.axes)}"

    @property
    def cells(self) -> int:
        """How many cells differ so."""
        return len({cell for row in self.rows for cell in row.cells})


@dataclass(frozen=True, slots=True)
class UnstableRow:
    """A cell that said now this, now that."""

    cell: str
    text: str


@dataclass(frozen=True, slots=True)
class DriverVariants:
    """A driver in its columns: `asked` says which, `same` how many cells they answer
    alike, `alone` how many only one of them was asked, `left_out` how many checks nothing
    can be said of."""

    driver: str
    asked: str
    matrices: tuple[ColumnMatrix, ...]
    unstable: tuple[UnstableRow, ...]
    same: int
    alone: int
    left_out: int
    absent: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What became of all its cells, counted."""
        parts = [
            f"{fmt.plural(matrix.cells, 'question')} {_differ(matrix.cells)} by "
            f"{' and '.join(matrix.axes)}"
            for matrix in self.matrices
        ]
        shaky = len({row.cell for row in self.unstable})
        parts += [f"{shaky} not stable"] if shaky else []
        parts += [f"{self.same:,} the same in all columns"] if self.same else []
        parts += [f"{self.alone:,} asked in a single column"] if self.alone else []
        told = ", ".join(parts) or "nothing that could be compared"
        left = (
            f" ({self.left_out:,} skipped or invalid checks left out)"
            if self.left_out
            else ""
        )
        return f"{self.driver}: {told}{left}."


@dataclass(frozen=True, slots=True)
class StepTime:
    """A cell whose time changes with a step: the factor after ÷ before where it does, and
    in how many of how many contexts."""

    cell: str
    factors: tuple[tuple[str, Estimate], ...]
    found: int
    judged: int
    agree: bool

    @property
    def sentence(self) -> str:
        """`0.92× (0.90…0.94) on Python 3.11, PostgreSQL 18; in 1 of 2`."""
        told = "; ".join(
            f"{fmt.ratio_with_interval(factor)} on {where}"
            for where, factor in self.factors
        )
        share = f"; beyond the margin in {self.found} of {self.judged}"
        doubt = "" if self.agree else ", in both directions"
        return told + (share if self.judged > 1 else "") + doubt


@dataclass(frozen=True, slots=True)
class StepView:
    """From one version or Python to the next: what became slower or faster."""

    title: str
    cells: tuple[StepTime, ...]
    asked: int

    @property
    def sentence(self) -> str:
        """`asyncpg 0.29.0 → 0.32.0: 3 of 11 timed questions change beyond the margin`."""
        count = len(self.cells)
        verb = "changes" if count == 1 or self.asked == 1 else "change"
        asked = fmt.plural(self.asked, "timed question")
        return f"{self.title}: {count or 'none'} of {asked} {verb} beyond the margin."


@dataclass(frozen=True, slots=True)
class VariantsView:
    """Everything that is said of versions, Pythons, servers and ways."""

    drivers: tuple[DriverVariants, ...]
    steps: tuple[StepView, ...]

    @property
    def conclusion(self) -> str:
        """All drivers and all steps, each in a sentence."""
        told = [driver.sentence for driver in self.drivers]
        told += [step.sentence for step in self.steps if step.cells]
        if alike := [step for step in self.steps if not step.cells]:
            told.append(_alike(alike))
        return " ".join(told)


def variants_view(
    drivers: Sequence[DriverColumns], times: VariantTimes
) -> VariantsView | None:
    """The section, if anything varies."""
    steps = tuple(_steps(times))
    if not drivers and not steps:
        return None
    return VariantsView(tuple(map(_driver, drivers)), steps)


def _alike(steps: Sequence[StepView]) -> str:
    """From which version or Python to the next no time changes."""
    titles = "; ".join(step.title for step in steps)
    asked = max(step.asked for step in steps)
    return (
        f"Of up to {fmt.plural(asked, 'timed question')}, none changes beyond the margin: "
        f"{titles}."
    )


def _differ(count: int) -> str:
    return "differs" if count == 1 else "differ"


# --- verdicts -----------------------------------------------------------------------------


def _driver(found: DriverColumns) -> DriverVariants:
    by_axes: dict[tuple[str, ...], list[Difference]] = defaultdict(list)
    for difference in found.differences:
        by_axes[difference.pattern.axes].append(difference)
    return DriverVariants(
        driver=found.driver,
        asked=_asked(found),
        matrices=tuple(
            _matrix(found, axes, by_axes[axes]) for axes in sorted(by_axes, key=len)
        ),
        unstable=tuple(_unstable(found, shaky) for shaky in found.unstable),
        same=found.same,
        alone=found.alone,
        left_out=found.left_out,
        absent=tuple(
            f"{arm} took no part: {fmt.shorten(why, 120)}" for arm, why in found.absent
        ),
    )


def _asked(found: DriverColumns) -> str:
    """`8 columns: version 0.29.0, 0.32.0; Python 3.11, 3.12`."""
    axes = "; ".join(
        f"{AXIS_NAMES[axis]} {', '.join(found.values(axis))}" for axis in found.axes
    )
    return f"{fmt.plural(len(found.columns), 'column')}: {axes}"


def _matrix(
    found: DriverColumns, axes: tuple[str, ...], some: Sequence[Difference]
) -> ColumnMatrix:
    places = {values: None for each in some for values, _ in each.pattern.answers}
    order = sorted(places, key=lambda values: _place(found, axes, values))
    rows = tuple(_row(found, each, order) for each in some)
    names = tuple(AXIS_NAMES[axis] for axis in axes)
    return ColumnMatrix(names, tuple(map(ColumnHead, order)), rows)


def _place(found: DriverColumns, axes: Sequence[str], values: Values) -> tuple[int, ...]:
    return tuple(
        found.values(axis).index(value) for axis, value in zip(axes, values, strict=True)
    )


def _row(
    found: DriverColumns, difference: Difference, columns: Sequence[Values]
) -> CauseRow:
    told = dict(difference.pattern.answers)
    entries = (_entry(told[values]) if values in told else None for values in columns)
    return CauseRow(
        sentence=_sentence(found, difference),
        entries=tuple(entries),
        cells=tuple(_cells(difference.questions)),
        doubt="; ".join(_doubts(found, difference)),
    )


def _entry(answer: VariantAnswer) -> ColumnEntry:
    code = "" if answer.code in _TELLING else str(answer.code)
    return ColumnEntry(answer.verdict, code, answer.trait)


def _cells(questions: Sequence[AskedCell]) -> Iterator[str]:
    """The cells; with the profile where only one of both differs so."""
    profiles: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        profiles[question.cell].append(question.profile)
    both = set(PROFILES)
    for cell, some in profiles.items():
        alone = set(some) != both and _has_both(questions)
        yield f"{cell} ({', '.join(some)})" if alone else cell


def _has_both(questions: Sequence[AskedCell]) -> bool:
    return len({question.profile for question in questions}) > 1


def _sentence(found: DriverColumns, difference: Difference) -> str:
    """`0.29.0: rejected (error); 0.30.0 and later: exact`."""
    pattern = difference.pattern
    by_outcome: dict[str, list[Values]] = defaultdict(list)
    for values, answer in pattern.answers:
        by_outcome[_entry(answer).text].append(values)
    named = {
        text: _named(found, pattern.axes, some, len(pattern.answers))
        for text, some in by_outcome.items()
    }
    usual = max(by_outcome, key=lambda text: len(by_outcome[text]))
    if len(pattern.axes) > 1 and len(by_outcome[usual]) > _MOST_NAMED:
        del named[usual]
        named[usual] = "all others"
    return "; ".join(f"{where}: {text}" for text, where in named.items())


def _named(
    found: DriverColumns, axes: Sequence[str], some: Sequence[Values], total: int
) -> str:
    """Which columns: `PostgreSQL 16`, `0.30.0 and later`."""
    if len(axes) > 1:
        return ", ".join(
            " on ".join(
                _with_axis(axis, value) for axis, value in zip(axes, values, strict=True)
            )
            for values in some
        )
    axis = axes[0]
    own = [values[0] for values in some]
    return _with_axis(axis, _span(own, found.values(axis), total))


def _with_axis(axis: str, value: str) -> str:
    return f"{AXIS_NAMES[axis]} {value}" if axis in ("python", "server") else value


def _span(own: Sequence[str], known: Sequence[str], total: int) -> str:
    """Several values as a reader says them: all from one on, or up to one, or a list."""
    if len(own) > 1 and len(known) == total:
        if tuple(known[-len(own) :]) == tuple(own):
            return f"{own[0]} and later"
        if tuple(known[: len(own)]) == tuple(own):
            return f"{own[-1]} and earlier"
    return ", ".join(own)


def _doubts(found: DriverColumns, difference: Difference) -> Iterator[str]:
    axes = difference.pattern.axes
    if difference.pattern.otherwise:
        others = " or ".join(
            " and ".join(AXIS_NAMES.get(axis, axis) for axis in some.split(" and "))
            for some in difference.pattern.otherwise
        )
        yield f"or by {others}: they changed together"
    if difference.least == 1:
        yield "seen once: check again to tell it from chance"
    elif len(axes) > 1 and axes == found.axes:
        names = " or ".join(AXIS_NAMES[axis] for axis in axes)
        yield f"no {names} alone explains it: check again to tell it from chance"


def _unstable(driver: DriverColumns, found: Unstable) -> UnstableRow:
    told = ", ".join(f"{count}× {_entry(answer).text}" for answer, count in found.answers)
    where = ", ".join(_with_axis(axis, getattr(found.column, axis)) for axis in driver.axes)
    return UnstableRow(
        found.question.cell, f"{told} ({where}; {found.question.profile} profile)"
    )


# --- times --------------------------------------------------------------------------------


def _steps(times: VariantTimes) -> Iterator[StepView]:
    changes: dict[VersionStep, list[TimeChange]] = defaultdict(list)
    for change in times.result():
        changes[change.step].append(change)
    for step, asked in times.steps:
        cells = sorted(map(_step_time, changes[step]), key=_greatest_first)
        yield StepView(_step_title(step), tuple(cells), asked)


def _step_title(step: VersionStep) -> str:
    python = "Python " if step.axis == "python" else ""
    return f"{step.driver}{' on' if python else ''} {python}{step.before} → {step.after}"


def _step_time(change: TimeChange) -> StepTime:
    pythons = "" if change.step.axis == "python" else "Python "
    factors: dict[str, Estimate] = {}
    for context, shift in change.found:
        where = f"{pythons}{context.other}, PostgreSQL {context.server}"
        known = factors.get(where)
        if known is None or abs(shift.point) > abs(known.point):
            factors[where] = shift
    told = tuple((where, shift.exp()) for where, shift in factors.items())
    return StepTime(change.cell, told, len(change.found), change.judged, change.agree)


def _greatest_first(found: StepTime) -> tuple[float, str]:
    greatest = max(max(factor.point, 1 / factor.point) for _, factor in found.factors)
    return -greatest, found.cell
