"""Cells that need the same of a user, as one entry of the guide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.core.verdicts import Verdict
from harness.core.words import listed
from harness.moving.evidence import Example, answers, example, missing, telling
from harness.moving.fixes import Book, Fix
from harness.moving.groups import INTROS, CellPair, Group, classify, error_class
from harness.moving.subjects import direction_of, shown_subject, subject_of

_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """Cells that need the same of a user.

    `known` entries are in the words of a fix, others in words made from the run. `again`
    says that a worse group has told about it already, with the same remedy. `answers`
    is the evidence of cases of steps, fact by fact; other cells have one `example`.
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
    answers: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One group of the guide, with its entries, those with a remedy first."""

    group: Group
    intro: str
    entries: tuple[Entry, ...]

    @property
    def cells(self) -> int:
        """How many cells are concerned."""
        return sum(len(entry.cells) for entry in self.entries)


@dataclass(slots=True)
class _Heap:
    """Cells of one entry, before it is written."""

    fix: Fix | None
    pairs: list[CellPair]


def parts_of(pairs: Iterable[CellPair], book: Book, a: str, b: str) -> tuple[Part, ...]:
    """All groups that have cells, worst first."""
    found: dict[Group, dict[_Key, _Heap]] = {}
    for pair in pairs:
        group = classify(pair)
        if group is None:
            continue
        fix = book.fix(group.name.lower(), pair.a, pair.b, a, b)
        heaps = found.setdefault(group, {})
        heaps.setdefault(_key(group, pair, fix), _Heap(fix, [])).pairs.append(pair)
    told: set[str] = set()
    parts = []
    for group in sorted(found, key=list(Group).index):
        entries = _in_order(group, list(found[group].values()), book)
        known = [
            replace(entry, again=entry.title in told and bool(entry.do))
            for entry in entries
        ]
        parts.append(Part(group, INTROS[group], tuple(known)))
        told |= {entry.title for entry in entries}
    return tuple(parts)


def _in_order(group: Group, heaps: Sequence[_Heap], book: Book) -> list[Entry]:
    """Those with a remedy first, then the largest.

    What no exception announces comes as fixes.toml has it: worst first.
    """
    made = [(heap, _entry(group, heap.pairs, heap.fix)) for heap in heaps]

    def place(item: tuple[_Heap, Entry]) -> tuple[bool, int, int, str]:
        heap, entry = item
        by_book = group in (Group.SILENT, Group.BEHAVIOUR)
        number = book.rank(heap.fix) if by_book else 0
        return (not entry.do, number, -len(entry.cells), entry.title)

    return [entry for _, entry in sorted(made, key=place)]


def _reason(group: Group, pair: CellPair) -> str:
    """By what cells without a fix are told apart, beside their subject."""
    if group is Group.UNSUPPORTED:
        return pair.b.detail if pair.after is Verdict.DIFFERS else missing(pair.b)
    if group is Group.OTHER_ERROR:
        return _other_error(pair)
    if pair.after in (Verdict.CRASHED, Verdict.HUNG):
        return str(pair.after)
    if group in (Group.ERROR, Group.FATAL):
        return error_class(pair.b)
    if group is Group.BETTER:
        if pair.before is Verdict.UNSUPPORTED:
            return missing(pair.a)
        return "refused" if pair.before is Verdict.EXACT else str(pair.before)
    return ""


def _other_error(pair: CellPair) -> str:
    if pair.steps and pair.before is not Verdict.REJECTED:
        return "other exceptions"
    return f"{error_class(pair.b)} instead of {error_class(pair.a)}"


def _key(group: Group, pair: CellPair, fix: Fix | None) -> _Key:
    if fix is not None:
        return ("fix", fix.title)
    reason = _reason(group, pair)
    lacking = group is Group.BETTER and pair.before is Verdict.UNSUPPORTED
    if group is Group.OTHER_ERROR and pair.steps:
        return ("subject", subject_of(pair.cell))
    if lacking or group in (Group.UNSUPPORTED, Group.OTHER_ERROR):
        return ("reason", reason)
    if group is Group.TYPES:  # which type became which is different for each of them
        return ("subject", shown_subject(pair.cell))
    return ("subject", subject_of(pair.cell), reason)


_LONE_TITLES: Mapping[Group, str] = {
    Group.BEHAVIOUR: "{subject}",
    Group.OTHER_ERROR: "{subject}",
    Group.SILENT: "{subject}: not as it should, and no error",
}
_PLAIN_TITLES: Mapping[Group, str] = {
    Group.SILENT: "{subject}: another value, and no error",
    Group.FATAL: "{subject}: {reason}",
    Group.BEHAVIOUR: "{subject}: another answer",
    Group.ERROR: "{subject}: {reason}",
    Group.TYPES: "{subject}: another Python type",
    Group.UNSUPPORTED: "{reason}",
    Group.OTHER_ERROR: "{reason}",
    Group.BETTER: "{subject}: right now, {reason} before",
}


def _entry(group: Group, pairs: Sequence[CellPair], fix: Fix | None) -> Entry:
    subjects = tuple(dict.fromkeys(shown_subject(pair.cell) for pair in pairs))
    best = min(pairs, key=telling)
    after = best.b.driver
    return Entry(
        title=fix.title if fix else _plain_title(group, best, _named(pairs, subjects)),
        what=fix.said("what", after) if fix else _plain_words(group, pairs, subjects),
        do=fix.said("do", after) if fix else "",
        link=fix.said("link", after) if fix else "",
        example=example(best),
        cells=tuple(pair.cell for pair in pairs),
        subjects=subjects,
        known=fix is not None,
        answers=answers(pairs),
    )


def _named(pairs: Sequence[CellPair], subjects: Sequence[str]) -> str:
    """What a title calls its cells: a lone case has a name of its own."""
    alone = len(pairs) == 1 and not direction_of(pairs[0].cell)
    if alone and pairs[0].steps:
        return pairs[0].title
    return pairs[0].cell if alone else ", ".join(subjects[:2])


def _plain_title(group: Group, pair: CellPair, subject: str) -> str:
    if group is Group.BETTER and pair.before is Verdict.UNSUPPORTED:
        return f"Offered now; before: {missing(pair.a)}"
    if pair.steps and group in _LONE_TITLES and subject == pair.title:
        return _LONE_TITLES[group].format(subject=subject)
    if pair.steps and group is Group.OTHER_ERROR:
        return f"{subject}: other exceptions"
    return _PLAIN_TITLES[group].format(subject=subject, reason=_reason(group, pair))


def _plain_words(group: Group, pairs: Sequence[CellPair], subjects: Sequence[str]) -> str:
    if all(pair.steps for pair in pairs):
        return ""
    ways = list(dict.fromkeys(filter(None, (direction_of(pair.cell) for pair in pairs))))
    about = ", ".join(subjects[:6]) + (" and more" if len(subjects) > 6 else "")
    words = f"{about}, {listed(ways)}" if ways else about
    lossy = any(pair.before is Verdict.LOSSY for pair in pairs)
    if group is Group.ERROR and lossy:
        words += "; before, another value came without an error"
    if group is Group.SILENT and lossy:
        words += "; both are wrong, each in its way"
    return f"Concerns {words}."
