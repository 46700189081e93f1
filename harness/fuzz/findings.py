"""What a search found: the smallest literal, what became of it, and of which kind it is.

Standard library only; a finding can be shown and compared without Hypothesis.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.core.verdicts import Code, Facts, Judgement, Verdict

# Two values are of one kind if they differ only in these: digits, and quoted words.
_ADDRESS = re.compile(r"0x[0-9a-f]+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*(?:[eE][+-]?\d+)?")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_KEPT = re.compile(r"nan|inf(?:inity)?|\bBC\b|null|-", re.IGNORECASE)
_LONGEST_KIND = 160


@dataclass(frozen=True, slots=True)
class FindingKind:
    """A class of findings: what else looks like this is not worth telling."""

    verdict: Verdict
    pattern: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One falsifying example, as small as it could be made.

    `confirmed` says that the literal alone, in a session of its own, had the same
    verdict again; `examples` counts the literals that were tried before it was found.
    """

    type: str
    driver: str
    profile: str
    direction: str
    literal: str
    judgement: Judgement
    examples: int
    confirmed: bool

    @property
    def verdict(self) -> Verdict:
        """What became of the literal."""
        return self.judgement.verdict


@dataclass(frozen=True, slots=True)
class Searched:
    """How much of one type, driver and direction was looked at."""

    type: str
    driver: str
    direction: str
    examples: int
    offered: bool = True


def kind_of(judged: Judgement) -> FindingKind:
    """The class of a judgement: its verdict, its cause, and what is not the value."""
    if judged.verdict in (Verdict.CRASHED, Verdict.HUNG):
        return FindingKind(judged.verdict, "")
    return FindingKind(judged.verdict, f"{judged.code}: {_pattern(judged)}"[:_LONGEST_KIND])


def _pattern(judged: Judgement) -> str:
    """The types of a change, or an exception's class and words without the value."""
    facts = judged.facts
    if judged.code is Code.WRONG_TYPE:
        return str(facts.get("type"))
    if judged.code is Code.WRONG_VALUE:
        return _change(facts)
    words = _QUOTED.sub("'…'", _ADDRESS.sub("0x", str(facts.get("message", ""))))
    return f"{facts.get('class', '')} {_NUMBER.sub('9', words)}"


def _change(facts: Facts) -> str:
    """Which type became which, and what a number lost: a sign, or being a number."""
    types = f"{facts.get('type')} for {facts.get('expected_type')}"
    came, wanted = (_marks(facts.get(name, "")) for name in ("repr", "expected_repr"))
    return types if came == wanted else f"{types}, {came} for {wanted}"


def _marks(text: str) -> str:
    return "".join(sorted({mark.lower() for mark in _KEPT.findall(text)}))


def simplest(literals: Iterable[str]) -> str:
    """The literal that a reader takes in fastest: short, then without odd characters."""
    return min(literals, key=lambda text: (len(text), not text.isascii(), text))
