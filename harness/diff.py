"""What changes for somebody who moves from one driver to another: checks in, a guide out.

Both drivers were asked the same questions. A cell matters where the answers differ; it
goes into the group that says what the user must do, and cells that need the same are one
entry: those that one fix of drivers/fixes.toml covers, or those of one type and reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from harness.fixes import Book, Fix, Snippet
from harness.model import Verdict
from harness.results.records import CellFacts, Check, Run


class Group(StrEnum):
    """What a user of the new driver meets, worst first."""

    SILENT = "Silent changes of values"
    FATAL = "Crashes and hangs"
    ERROR = "Now an error"
    TYPES = "Other Python types"
    UNSUPPORTED = "Not supported"
    OTHER_ERROR = "Other exceptions"
    BETTER = "Better now"


INTROS: Mapping[Group, str] = {
    Group.SILENT: "No exception tells you about these: search your code for them first.",
    Group.FATAL: "A panic, a dead process or a lost connection, where there was an answer "
    "or a clear error before.",
    Group.ERROR: "This worked, or seemed to work, and now raises. Tests find these, if "
    "they reach the line.",
    Group.TYPES: "The value is right, but it is another Python object: whoever compares, "
    "serialises or calls a method of it has to look.",
    Group.UNSUPPORTED: "The new driver has nothing for this; a way around it has to be "
    "chosen.",
    Group.OTHER_ERROR: "Both refuse, but with another exception: look at your `except`.",
    Group.BETTER: "What was wrong, missing or refused before and is right now. Workarounds "
    "for these can go.",
}

_FATAL = (Verdict.BROKEN, Verdict.CRASHED, Verdict.HUNG)
_WORKED = (Verdict.EXACT, Verdict.DIFFERS)
_NO_ANSWER = (Verdict.INVALID, Verdict.SKIPPED)


@dataclass(frozen=True, slots=True)
class Example:
    """One cell as evidence: what was asked, and what each driver made of it."""

    cell: str
    sql: str
    value: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Cells that need the same of a user.

    `known` entries are in the words of a fix, others in words made from the run. `again`
    says that a worse group has told about it already, with the same remedy.
    """

    title: str
    what: str
    do: str
    link: str
    example: Example
    cells: tuple[str, ...]
    subjects: tuple[str, ...]
    known: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One group of the guide, with its entries, the largest first."""

    group: Group
    intro: str
    entries: tuple[Entry, ...]

    @property
    def cells(self) -> int:
        """How many cells are concerned."""
        return sum(len(one.cells) for one in self.entries)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two drivers: its terms, and whether it is awaited."""

    name: str
    kind: str = ""
    terms: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """`psycopg2 2.9.12`."""
        return f"{self.name} {self.terms.get('version', '')}".strip()


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to know before the first line is changed."""

    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class CodePair:
    """The same task in the code of both libraries."""

    task: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Guide:
    """The whole migration report."""

    a: Side
    b: Side
    profile: str
    server: str
    compared: int
    alike: int
    alike_not_exact: int
    neither: int
    not_comparable: int
    facts: tuple[Fact, ...]
    terms: tuple[tuple[str, str, str], ...]
    code: tuple[CodePair, ...]
    parts: tuple[Part, ...]

    def count(self, group: Group) -> int:
        """How many cells a group has."""
        return sum(part.cells for part in self.parts if part.group is group)


# --- one pair of checks -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pair:
    """One cell as both drivers answered it."""

    cell: str
    sql: str
    a: Check
    b: Check

    @property
    def before(self) -> Verdict:
        """The verdict of the driver that is left."""
        return Verdict(self.a.verdict)

    @property
    def after(self) -> Verdict:
        """The verdict of the driver that is moved to."""
        return Verdict(self.b.verdict)


def classify(pair: Pair) -> Group | None:
    """The group of a cell; None where nothing changes, or where neither can do it."""
    before, after = pair.before, pair.after
    if before is after is Verdict.EXACT:
        return _trait(pair.a.observed, pair.b.observed)
    if before is after:
        return _alike(pair)
    if after in _FATAL:
        return None if before in _FATAL else Group.FATAL
    if after is Verdict.LOSSY:
        return Group.SILENT if before not in _FATAL else Group.BETTER
    if after is Verdict.REJECTED:
        return Group.ERROR if before is not Verdict.UNSUPPORTED else None
    if after is Verdict.UNSUPPORTED:
        return Group.UNSUPPORTED if before in _WORKED else None
    if before in _WORKED:
        return Group.TYPES
    return Group.BETTER


def _alike(pair: Pair) -> Group | None:
    """Both have the same verdict, which is not `exact`: are they alike?"""
    if pair.before is Verdict.LOSSY and pair.a.observed != pair.b.observed:
        return Group.SILENT
    if pair.before is Verdict.DIFFERS and _kind(pair.a) != _kind(pair.b):
        return Group.TYPES
    if pair.before is Verdict.REJECTED and error_class(pair.a) != error_class(pair.b):
        return Group.OTHER_ERROR
    return None


def _trait(before: str, after: str) -> Group | None:
    """A fact without right or wrong: what the drivers did with it."""
    if before == after:
        return None
    raised = before.startswith("raised "), after.startswith("raised ")
    if all(raised):
        same = class_of(before) == class_of(after)
        return None if same else Group.OTHER_ERROR
    if any(raised):
        return Group.BETTER if raised[0] else Group.ERROR
    same_type = before.partition(":")[0] == after.partition(":")[0]
    return Group.SILENT if same_type else Group.TYPES


def _kind(check: Check) -> str:
    return check.observed.partition(":")[0]


_ERROR = re.compile(r"(?:while opening: |with \d+ clients at once: )?([\w.]+)")


def error_class(check: Check) -> str:
    """`psycopg.errors.DataError` → `DataError`, from what a rejected check says."""
    return class_of(check.detail or check.observed)


def class_of(told: str) -> str:
    """The class of an exception without its module: each library has modules of its own."""
    told = told.removeprefix("raised ").removeprefix("no Exception: ")
    if told.startswith("no SQLSTATE"):
        return "no SQLSTATE"
    found = _ERROR.match(told)
    return found[1].rpartition(".")[2] if found else told[:40]


# --- subjects: what a cell is about -------------------------------------------------------

_DIRECTIONS = {
    "array-read": "read in an array",
    "array-write": "written in an array",
    "array-null": "read in an array with NULL",
    "copy-text": "written by COPY (text)",
    "copy": "written by COPY",
    "read": "read",
    "write": "written",
}
_VALUE = re.compile(
    rf"(?P<type>.+?)-(?P<direction>{'|'.join(_DIRECTIONS)})@value=(?P<v>.*)"
)


def subject_of(cell: str) -> str:
    """The type that a cell is about, or its scenario: `numeric`, `errors/server`."""
    scenario, _, case = cell.partition("#")
    found = _VALUE.fullmatch(case)
    return found["type"] if found else scenario


def _shown_subject(cell: str) -> str:
    """A subject for a list: where the names of cases tell more than their scenario's."""
    if direction_of(cell) or cell.partition("/")[0] not in _TELLING_CASES:
        return subject_of(cell)
    return cell.partition("#")[2].partition("@")[0] or cell


_TELLING_CASES = ("types", "parameters", "errors")


def direction_of(cell: str) -> str:
    """`read in an array`, for a cell of a `[[value]]`; else empty."""
    found = _VALUE.fullmatch(cell.partition("#")[2])
    return _DIRECTIONS[found["direction"]] if found else ""


def _value_of(cell: str) -> str:
    found = _VALUE.fullmatch(cell.partition("#")[2])
    return found["v"].replace("_", " ") if found else ""


# --- examples -----------------------------------------------------------------------------


def _example(pair: Pair) -> Example:
    return Example(
        cell=pair.cell,
        sql=pair.sql,
        value=_sent(pair),
        before=_gave(pair.a, pair.b),
        after=_gave(pair.b, pair.a),
    )


def _sent(pair: Pair) -> str:
    """The value that was sent: its text if a check has it, else the name of its literal."""
    texts = (_value(one.expected) for one in (pair.b, pair.a) if one.expected)
    written = "written" in direction_of(pair.cell)
    return next(texts, "") if written and any(_texts(pair)) else _value_of(pair.cell)


def _texts(pair: Pair) -> Iterable[str]:
    return (pair.a.expected, pair.b.expected)


_SEEN = re.compile(r"(?P<type>[\w.\[\] |]+): (?P<repr>.*)", re.DOTALL)


def _gave(check: Check, other: Check) -> str:
    """What a driver did, for people. An exact one gave what the other one should have."""
    verdict = Verdict(check.verdict)
    if verdict is Verdict.EXACT:
        return _gave_right(check, other)
    if verdict is Verdict.LOSSY and check.observed:
        return f"{_value(check.observed)}: wrong"
    if verdict is Verdict.DIFFERS and check.observed:
        return check.observed
    return check.detail or str(verdict)


def _gave_right(check: Check, other: Check) -> str:
    if check.observed:
        return check.observed
    if other.verdict == Verdict.DIFFERS and " instead of " in other.detail:
        return other.detail.rpartition(" instead of ")[2]
    return f"{_value(other.expected)}: right" if other.expected else "the right result"


def _value(seen: str) -> str:
    """`str: 'NaN'` → `'NaN'`: where the repr says the type, the type is left out."""
    found = _SEEN.fullmatch(seen)
    return found["repr"] if found else seen


# --- entries ------------------------------------------------------------------------------


def _reason(group: Group, pair: Pair) -> str:
    """By what cells without a fix are told apart, beside their subject."""
    if group is Group.UNSUPPORTED:
        return pair.b.detail
    if group is Group.OTHER_ERROR:
        return f"{error_class(pair.b)} instead of {error_class(pair.a)}"
    if pair.after in (Verdict.CRASHED, Verdict.HUNG):
        return str(pair.after)
    if group in (Group.ERROR, Group.FATAL):
        return error_class(pair.b)
    if group is Group.BETTER:
        missing = pair.before is Verdict.UNSUPPORTED
        refused = pair.before is Verdict.EXACT  # a trait: it raised
        return pair.a.detail if missing else "refused" if refused else str(pair.before)
    return ""


def _key(group: Group, pair: Pair, fix: Fix | None) -> tuple[str, ...]:
    if fix is not None:
        return ("fix", fix.title)
    reason = _reason(group, pair)
    missing = group is Group.BETTER and pair.before is Verdict.UNSUPPORTED
    if missing or group in (Group.UNSUPPORTED, Group.OTHER_ERROR):
        return ("reason", reason)
    if group is Group.TYPES:  # which type became which is different for each of them
        return ("subject", _shown_subject(pair.cell))
    return ("subject", subject_of(pair.cell), reason)


_PLAIN_TITLES: Mapping[Group, str] = {
    Group.SILENT: "{subject}: another value, and no error",
    Group.FATAL: "{subject}: {reason}",
    Group.ERROR: "{subject}: {reason}",
    Group.TYPES: "{subject}: another Python type",
    Group.UNSUPPORTED: "{reason}",
    Group.OTHER_ERROR: "{reason}",
    Group.BETTER: "{subject}: right now, {reason} before",
}


def _entry(group: Group, pairs: Sequence[Pair], fix: Fix | None) -> Entry:
    subjects = tuple(dict.fromkeys(_shown_subject(pair.cell) for pair in pairs))
    best = min(pairs, key=_telling)
    return Entry(
        title=fix.title if fix else _plain_title(group, best, _named(pairs, subjects)),
        what=fix.what if fix else _plain_words(group, pairs, subjects),
        do=fix.do if fix else "",
        link=fix.link if fix else "",
        example=_example(best),
        cells=tuple(pair.cell for pair in pairs),
        subjects=subjects,
        known=fix is not None,
    )


def _named(pairs: Sequence[Pair], subjects: Sequence[str]) -> str:
    """What a title calls its cells: a lone case has a name of its own."""
    alone = len(pairs) == 1 and not direction_of(pairs[0].cell)
    return pairs[0].cell if alone else ", ".join(subjects[:2])


def _telling(pair: Pair) -> tuple[bool, bool, bool, bool, int, str]:
    """Which cell is the best evidence: one that can be read at a glance."""
    worked = (pair.before if pair.after not in _WORKED else pair.after) in _WORKED
    seen = bool(pair.b.observed or pair.a.observed)
    value = bool(_value_of(pair.cell))
    return (not worked, not pair.sql, not seen, not value, len(pair.sql), pair.cell)


def _plain_title(group: Group, pair: Pair, subject: str) -> str:
    if group is Group.BETTER and pair.before is Verdict.UNSUPPORTED:
        return f"Offered now; before: {pair.a.detail}"
    return _PLAIN_TITLES[group].format(subject=subject, reason=_reason(group, pair))


def _plain_words(group: Group, pairs: Sequence[Pair], subjects: Sequence[str]) -> str:
    ways = list(dict.fromkeys(filter(None, (direction_of(one.cell) for one in pairs))))
    about = ", ".join(subjects[:6]) + (" and more" if len(subjects) > 6 else "")
    words = f"{about}, {_and(ways)}" if ways else about
    lossy = any(one.before is Verdict.LOSSY for one in pairs)
    if group is Group.ERROR and lossy:
        words += "; before, another value came without an error"
    if group is Group.SILENT and lossy:
        words += "; both are wrong, each in its way"
    return f"Concerns {words}."


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def _parts(pairs: Iterable[Pair], book: Book, a: str, b: str) -> tuple[Part, ...]:
    found: dict[Group, dict[tuple[str, ...], list[Pair]]] = {}
    fixes: dict[tuple[Group, tuple[str, ...]], Fix | None] = {}
    for pair in pairs:
        group = classify(pair)
        if group is None:
            continue
        fix = book.fix(group.name.lower(), pair.a, pair.b, a, b)
        key = _key(group, pair, fix)
        found.setdefault(group, {}).setdefault(key, []).append(pair)
        fixes[group, key] = fix
    told: set[str] = set()
    parts = []
    for group in (one for one in Group if one in found):
        entries = _in_order(group, found[group], fixes)
        known = [replace(one, again=one.title in told and bool(one.do)) for one in entries]
        parts.append(Part(group, INTROS[group], tuple(known)))
        told |= {one.title for one in entries}
    return tuple(parts)


def _in_order(
    group: Group,
    entries: Mapping[tuple[str, ...], Sequence[Pair]],
    fixes: Mapping[tuple[Group, tuple[str, ...]], Fix | None],
) -> tuple[Entry, ...]:
    """Those with a remedy first, then the largest."""
    made = [_entry(group, pairs, fixes[group, key]) for key, pairs in entries.items()]
    return tuple(sorted(made, key=lambda one: (not one.do, -len(one.cells), one.title)))


# --- the guide ----------------------------------------------------------------------------

_TERMS = {
    "placeholders": "placeholders",
    "autocommit": "autocommit",
    "row_shape": "rows",
    "kind": "called or awaited",
    "pool": "pool",
    "statement_cache": "prepared statements",
    "wire_parameters": "parameters",
    "wire_results": "results",
    "implementation": "written in",
    "libpq": "libpq",
    "loop": "event loop",
}
_KINDS = {"sync": "called (sync)", "async": "awaited (asyncio)", "": ""}


def build(run: Run, a: Side, b: Side, profile: str, book: Book) -> Guide:
    """The guide from A to B, from the checks of one run."""
    pairs, not_comparable = _pairs(run, a.name, b.name, profile)
    groups = [classify(pair) for pair in pairs]
    alike = [
        pair
        for pair, group in zip(pairs, groups, strict=True)
        if group is None and pair.before is pair.after
    ]
    parts = _parts(pairs, book, a.name, b.name)
    return Guide(
        a=a,
        b=b,
        profile=profile,
        server=f"PostgreSQL {run.header.server.version}",
        compared=len(pairs),
        alike=len(alike),
        alike_not_exact=sum(pair.before is not Verdict.EXACT for pair in alike),
        neither=groups.count(None) - len(alike),
        not_comparable=not_comparable,
        facts=_facts(a, b, book),
        terms=_terms(a, b),
        code=_code(a.name, b.name, book.snippets),
        parts=parts,
    )


def _pairs(run: Run, a: str, b: str, profile: str) -> tuple[list[Pair], int]:
    """The cells that both were asked, and how many of these had no answer at all."""
    facts: Mapping[str, CellFacts] = {one.id: one for one in run.header.cells}
    sides: dict[str, dict[str, Check]] = {a: {}, b: {}}
    for check in run.checks:
        if check.driver in sides and check.profile == profile:
            sides[check.driver][check.cell] = check
    both = [cell for cell in sides[a] if cell in sides[b]]
    pairs = [
        Pair(cell, facts[cell].sql if cell in facts else "", sides[a][cell], sides[b][cell])
        for cell in both
    ]
    kept = [
        one for one in pairs if one.before not in _NO_ANSWER and one.after not in _NO_ANSWER
    ]
    return kept, len(pairs) - len(kept)


def _facts(a: Side, b: Side, book: Book) -> tuple[Fact, ...]:
    before, after = ({**side.terms, "kind": side.kind} for side in (a, b))
    facts = []
    for term, topic in _TERMS.items():
        text = book.fact(term, a.name, b.name, before.get(term, ""), after.get(term, ""))
        if text:
            facts.append(Fact(topic, text))
    return tuple(facts)


def _terms(a: Side, b: Side) -> tuple[tuple[str, str, str], ...]:
    rows = [("version", a.terms.get("version", ""), b.terms.get("version", ""))]
    for term, title in _TERMS.items():
        values = [
            _KINDS.get(side.kind, side.kind) if term == "kind" else side.terms.get(term, "")
            for side in (a, b)
        ]
        rows.append((title, values[0], values[1]))
    return tuple(row for row in rows if row[1] or row[2])


def _code(a: str, b: str, snippets: Sequence[Snippet]) -> tuple[CodePair, ...]:
    by_driver: dict[str, dict[str, str]] = {}
    for one in snippets:
        by_driver.setdefault(one.driver, {})[one.task] = one.code
    before = by_driver.get(a.partition("+")[0], {})
    after = by_driver.get(b.partition("+")[0], {})
    return tuple(
        CodePair(task, code, after[task]) for task, code in before.items() if task in after
    )
