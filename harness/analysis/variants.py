"""Where versions, Pythons and servers differ in what they answer.

A column is a driver in a version, on a Python, against a server, over a way. For each
question the columns' answers are laid beside each other, and what they differ by is the
least that explains it: that 0.29.0 rejects and later versions do not, whatever the Python.
What answers differently when it is asked again says nothing about versions.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from harness.core.conditions import DIRECT, parted
from harness.core.verdicts import Code, Verdict

if TYPE_CHECKING:  # at run time this module needs the standard library only
    from harness.results.records import ArmFacts, Check, Header, Run


class Variant(NamedTuple):
    """Who was asked, but for the driver's name; each field is an axis."""

    version: str
    python: str
    server: str
    via: str


AXES = Variant._fields


class VariantAnswer(NamedTuple):
    """What a column says: a verdict, its cause, and the fact of a question without right or
    wrong."""

    verdict: Verdict
    code: Code
    trait: str = ""


class AskedCell(NamedTuple):
    """A cell, without the condition under which it is asked, in a profile."""

    cell: str
    profile: str


Values = tuple[str, ...]
"""The values of some axes, in the order of `AXES`."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """By what columns differ: the answer for each combination of the values of `axes`.

    `otherwise` are other axes that explain it as well, because they changed together.
    """

    axes: tuple[str, ...]
    answers: tuple[tuple[Values, VariantAnswer], ...]
    otherwise: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Questions in which a driver's columns differ by the same pattern. `least` is how
    often the answer was seen that was seen least often."""

    pattern: Pattern
    questions: tuple[AskedCell, ...]
    least: int

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells, each once."""
        return tuple(dict.fromkeys(question.cell for question in self.questions))


@dataclass(frozen=True, slots=True)
class Unstable:
    """A question that a column answered in several ways when it was asked several times."""

    question: AskedCell
    column: Variant
    answers: tuple[tuple[VariantAnswer, int], ...]


@dataclass(frozen=True, slots=True)
class DriverColumns:
    """A driver in its columns. `axes` are those that vary, `same` counts the cells in which
    all columns say the same, `alone` those that a single column was asked. `left_out` are
    checks in which nothing was answered: invalid ones, and those that were skipped because
    the server or a library lacks something. `absent` are the arms that took no part, and
    why."""

    driver: str
    columns: tuple[Variant, ...]
    axes: tuple[str, ...]
    differences: tuple[Difference, ...]
    unstable: tuple[Unstable, ...]
    same: int
    alone: int
    absent: tuple[tuple[str, str], ...] = ()
    left_out: int = 0

    def values(self, axis: str) -> tuple[str, ...]:
        """What an axis takes, in its order."""
        return tuple(in_order({getattr(column, axis) for column in self.columns}))


_SILENT = (Verdict.INVALID, Verdict.SKIPPED)
"""Verdicts of questions that nobody answered."""

Seen = dict[Variant, Counter[VariantAnswer]]


class Variants:
    """Takes runs of checks, one after the other, and keeps who said what how often."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[AskedCell, Seen]] = defaultdict(dict)
        self._left_out: Counter[str] = Counter()
        self._absent: dict[str, dict[str, str]] = defaultdict(dict)
        self._answers: dict[VariantAnswer, VariantAnswer] = {}
        self._cells: dict[str, tuple[str, str]] = {}

    def add(self, run: Run) -> None:
        """Take the verdicts of a run."""
        competing = {arm.id: arm for arm in run.header.arms if arm.competes}
        for name, arm in competing.items():
            if arm.problem:
                self._absent[driver_of(arm)].setdefault(name, arm.problem)
        arms = {name: arm for name, arm in competing.items() if not arm.problem}
        columns = {name: _column(run.header, arm) for name, arm in arms.items()}
        drivers = {name: driver_of(arm) for name, arm in arms.items()}
        for check in run.checks:
            if check.driver not in arms:
                continue
            driver = drivers[check.driver]
            if check.verdict in _SILENT:
                self._left_out[driver] += 1
            else:
                self._take(check, driver, columns[check.driver])

    def _take(self, check: Check, driver: str, column: Variant) -> None:
        cell, via = self._parted(check.cell)
        judgement = check.judgement
        answer = VariantAnswer(judgement.verdict, judgement.code, check.trait)
        seen = self._seen[driver].setdefault(AskedCell(cell, check.profile), {})
        where = column if via == column.via else column._replace(via=via)
        if where not in seen:
            seen[where] = Counter()
        seen[where][self._answers.setdefault(answer, answer)] += 1

    def _parted(self, cell: str) -> tuple[str, str]:
        """A cell without its condition, and that in words; each is taken apart once."""
        if cell not in self._cells:
            bare, condition = parted(cell)
            self._cells[cell] = (bare, str(condition))
        return self._cells[cell]

    def result(self) -> tuple[DriverColumns, ...]:
        """Every driver that has several columns."""
        found = (
            replace(
                _compared(driver, questions),
                absent=tuple(self._absent[driver].items()),
                left_out=self._left_out[driver],
            )
            for driver, questions in sorted(self._seen.items())
        )
        return tuple(driver for driver in found if driver.axes)


def vary(headers: Iterable[Header]) -> bool:
    """Whether any driver may have several columns; then it is worth to look at verdicts."""
    columns: dict[str, set[Variant]] = defaultdict(set)
    for header in headers:
        if any(cell.id.endswith("]") for cell in header.cells):  # under a condition
            return True
        for arm in header.arms:
            if arm.competes and not arm.problem:
                columns[driver_of(arm)].add(_column(header, arm))
    return any(len(found) > 1 for found in columns.values())


# --- columns ------------------------------------------------------------------------------


def driver_of(arm: ArmFacts) -> str:
    """The driver with its options, whichever copy of it."""
    return "+".join((arm.driver, *arm.options))


def _column(header: Header, arm: ArmFacts) -> Variant:
    return Variant(
        version_of(arm), python_of(header, arm), header.server.version, str(DIRECT)
    )


def version_of(arm: ArmFacts) -> str:
    """The version of a driver; of one that was built from a folder, the folder."""
    pin = arm.id.removeprefix(driver_of(arm))
    if pin.startswith("@"):
        place, percent, _ = pin[1:].rpartition("%")
        return place if percent else pin[1:]
    version = arm.terms.get("version", "")
    below = arm.terms.get("wrapped_version", "")
    return f"{version} on {below}" if below else version


def python_of(header: Header, arm: ArmFacts) -> str:
    """The Python that an arm ran on, `t` behind a free-threaded one."""
    told = arm.python or f"{header.machine.implementation} {header.machine.python}"
    free = "t" if arm.gil == "off" and not told.endswith("t") else ""
    return told.removeprefix("CPython ") + free


def shortened(versions: Collection[str], parts: int) -> dict[str, str]:
    """`3.11.7` → `3.11` where no other version is called so."""
    short = {version: ".".join(version.split(".")[:parts]) for version in versions}
    alike = Counter(short.values())
    return {
        version: text if alike[text] == 1 else version for version, text in short.items()
    }


def in_order(values: Collection[str]) -> list[str]:
    """As people count: 0.9 before 0.10."""
    return sorted(values, key=_natural)


def _natural(text: str) -> list[tuple[int, int, str]]:
    parts = re.findall(r"\d+|\D+", text)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]


# --- a driver -----------------------------------------------------------------------------


def _compared(driver: str, questions: Mapping[AskedCell, Seen]) -> DriverColumns:
    questions = _renamed(questions)
    columns = sorted(
        {column for seen in questions.values() for column in seen},
        key=lambda column: [_natural(value) for value in column],
    )
    groups: dict[tuple[Pattern, bool], list[tuple[AskedCell, int]]] = defaultdict(list)
    unstable: list[Unstable] = []
    same: set[str] = set()
    alone: set[str] = set()
    for question, seen in sorted(questions.items()):
        if shaky := list(_shaky(question, seen)):
            unstable += shaky
            continue
        told = {column: next(iter(counts)) for column, counts in seen.items()}
        if len(set(told.values())) == 1:
            (alone if len(told) == 1 else same).add(question.cell)
            continue
        least = _least(seen)  # what may be chance stands apart from what is not
        groups[explained(told), least == 1].append((question, least))
    told_apart = {question.cell for found in groups.values() for question, _ in found}
    told_apart |= {found.question.cell for found in unstable}
    return DriverColumns(
        driver=driver,
        columns=tuple(columns),
        axes=varying(columns),
        differences=tuple(sorted(map(_difference, groups.items()), key=_most_first)),
        unstable=tuple(unstable),
        same=len(same - told_apart),
        alone=len(alone - same - told_apart),
    )


def _renamed(questions: Mapping[AskedCell, Seen]) -> dict[AskedCell, Seen]:
    """With versions of Pythons and servers as short as tells them apart."""
    columns = {column for seen in questions.values() for column in seen}
    pythons = shortened({column.python for column in columns}, 2)
    servers = shortened({column.server for column in columns}, 1)
    names = {
        column: column._replace(
            python=pythons[column.python], server=servers[column.server]
        )
        for column in columns
    }
    return {
        question: {names[column]: counts for column, counts in seen.items()}
        for question, seen in questions.items()
    }


def varying(columns: Collection[Variant]) -> tuple[str, ...]:
    """The axes that take several values."""
    return tuple(
        axis for axis in AXES if len({getattr(column, axis) for column in columns}) > 1
    )


def _shaky(question: AskedCell, seen: Seen) -> Iterator[Unstable]:
    for column, counts in seen.items():
        if len(counts) > 1:
            yield Unstable(question, column, tuple(counts.most_common()))


def explained(told: Mapping[Variant, VariantAnswer]) -> Pattern:
    """The fewest axes of which answers are a function; of equally many the first in the
    order of `AXES`, for a new version is likelier to be the cause than a server."""
    axes = varying(told)
    for count in range(1, len(axes) + 1):
        able = [
            (some, answers)
            for some in itertools.combinations(axes, count)
            if (answers := _function(some, told)) is not None
        ]
        if able:
            (first, answers), *others = able
            otherwise = tuple(" and ".join(some) for some, _ in others)
            ordered = sorted(answers.items(), key=lambda pair: [*map(_natural, pair[0])])
            return Pattern(first, tuple(ordered), otherwise)
    raise AssertionError("columns of different answers differ in some axis")


def _function(
    axes: Sequence[str], told: Mapping[Variant, VariantAnswer]
) -> dict[Values, VariantAnswer] | None:
    """The answer of each combination of these axes' values, if they decide it."""
    found: dict[Values, VariantAnswer] = {}
    for column, answer in told.items():
        values = projected(column, axes)
        if found.setdefault(values, answer) != answer:
            return None
    return found


def projected(column: Variant, axes: Sequence[str]) -> Values:
    """The values of some axes."""
    return tuple(getattr(column, axis) for axis in axes)


def _least(seen: Seen) -> int:
    """How often the answer was seen that was seen least often. What hung in several arms of
    a run, at about the same time on a busy machine, was seen once."""
    counts: Counter[VariantAnswer] = Counter()
    for found in seen.values():
        counts += found
    for answer in counts:
        if answer.verdict is Verdict.HUNG:
            counts[answer] = _runs(seen, answer)
    return min(counts.values())


def _runs(seen: Seen, answer: VariantAnswer) -> int:
    """In how many runs it was seen at least: those of two servers are two."""
    most: Counter[str] = Counter()
    for column, found in seen.items():
        most[column.server] = max(most[column.server], found[answer])
    return most.total()


def _difference(
    found: tuple[tuple[Pattern, bool], Sequence[tuple[AskedCell, int]]],
) -> Difference:
    (pattern, _), told = found
    return Difference(
        pattern, tuple(question for question, _ in told), min(least for _, least in told)
    )


def _most_first(found: Difference) -> tuple[int, int, str]:
    """What hurts most, then what concerns most cells."""
    worst = max(answer.verdict.severity for _, answer in found.pattern.answers)
    return -worst, -len(found.cells), found.questions[0].cell
