"""What was asked, and what each driver made of it, in words for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.core.verdicts import Code, Verdict
from harness.moving import facts
from harness.moving.groups import WORKED, CellPair
from harness.moving.subjects import direction_of, value_of
from harness.results.records import Check


@dataclass(frozen=True, slots=True)
class Example:
    """One cell as evidence.

    `asked` is the question of a case of steps, and the fact of it that differs; a case
    with one statement has its `sql` and the `value` that was sent.
    """

    cell: str
    sql: str
    value: str
    before: str
    after: str
    asked: str = ""


def example(pair: CellPair) -> Example:
    """A pair of checks as evidence, in one piece."""
    return Example(
        cell=pair.cell,
        sql=pair.sql,
        value=_sent(pair),
        before=_gave(pair.a, pair.b),
        after=_gave(pair.b, pair.a),
        asked="" if pair.sql else pair.title,
    )


def answers(pairs: Sequence[CellPair]) -> tuple[Example, ...]:
    """The evidence of cases of steps, by fact; what was answered alike is one line."""
    found: dict[tuple[str, str], list[Example]] = {}
    for pair in sorted(pairs, key=telling):
        for fact in _facts(pair) if pair.steps else ():
            found.setdefault((fact.before, fact.after), []).append(fact)
    return tuple(_merged(alike) for alike in found.values())


def _facts(pair: CellPair) -> Iterator[Example]:
    changed = pair.changes() if pair.before is pair.after is Verdict.EXACT else []
    if not changed:
        whole = example(pair)
        before, after = facts.bare(whole.before), facts.bare(whole.after)
        yield replace(whole, before=before, after=after)
    for number, change in enumerate(changed):
        before, after = change.before.words, change.after.words
        asked = pair.title if number == 0 else "…"
        asked += f" → {change.label}" if change.label else ""
        yield Example(pair.cell, "", "", before, after, asked)


def _merged(alike: Sequence[Example]) -> Example:
    first = alike[0]
    titles = list(dict.fromkeys(fact.asked for fact in alike))
    more = f" (and {len(titles) - 1} more like it)" if len(titles) > 1 else ""
    return replace(first, asked=titles[0] + more)


def telling(pair: CellPair) -> tuple[bool, bool, bool, bool, int, str]:
    """Which cell is the best evidence: one that can be read at a glance."""
    worked = (pair.before if pair.after not in WORKED else pair.after) in WORKED
    seen = bool(pair.b.observed or pair.a.observed)
    value = bool(value_of(pair.cell))
    asked = pair.sql or pair.title
    return (not worked, not asked, not seen, not value, len(asked), pair.cell)


def _sent(pair: CellPair) -> str:
    """The value that was sent: its text if a check has it, else the name of its literal."""
    texts = (facts.right_of(check) for check in (pair.b, pair.a) if check.expected)
    written = "written" in direction_of(pair.cell)
    return next(texts, "") if written and any(_texts(pair)) else value_of(pair.cell)


def _texts(pair: CellPair) -> Iterable[str]:
    return (pair.a.expected, pair.b.expected)


def _gave(check: Check, other: Check) -> str:
    """What a driver did, for people. An exact one gave what the other one should have."""
    verdict = Verdict(check.verdict)
    if verdict is Verdict.EXACT:
        return _gave_right(check, other)
    if verdict is Verdict.LOSSY and check.observed:
        return f"{facts.value_of(check)}: wrong"
    if verdict is Verdict.DIFFERS and check.observed:
        return check.observed
    if verdict is Verdict.UNSUPPORTED:
        return missing(check)
    return facts.bare(facts.told(check)) or str(verdict)


def _gave_right(check: Check, other: Check) -> str:
    if check.observed:
        return facts.summary(check)
    if other.code is Code.WRONG_TYPE:
        usual = other.facts.get("usual_types")
        return " or ".join(usual) if usual else other.expected
    if other.verdict in (Verdict.LOSSY, Verdict.DIFFERS) and other.expected:
        return f"{facts.right_of(other)}: right"
    if other.code in (Code.NO_SQLSTATE, Code.WRONG_SQLSTATE):
        return f"SQLSTATE {other.facts['expected_sqlstate']}"
    return f"{facts.right_of(other)}: right" if other.expected else "works"


def missing(check: Check) -> str:
    """Why a driver cannot do something, without the name of the act."""
    if "sentence" not in check.facts:
        return facts.told(check) or str(check.verdict)
    what = str(check.facts["sentence"])
    name = what[:2].isupper()  # COPY
    shown = what if name else what[0].lower() + what[1:]
    return f"{check.facts['driver']} cannot: {shown}"
