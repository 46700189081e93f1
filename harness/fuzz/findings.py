"""What a search found: the smallest literal, what became of it, and of which kind it is.

Standard library only; a finding can be shown and compared without Hypothesis.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.core.verdicts import Judgement, Verdict

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
    verdict: Verdict
    detail: str
    observed: str
    expected: str
    examples: int
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Searched:
    """How much of one type, driver and direction was looked at."""

    type: str
    driver: str
    direction: str
    examples: int
    offered: bool = True


def kind_of(judged: Judgement) -> FindingKind:
    """The class of a judgement: its verdict, and its words without the value in them."""
    if judged.verdict in (Verdict.CRASHED, Verdict.HUNG):
        return FindingKind(judged.verdict, "")
    if judged.verdict is Verdict.LOSSY and judged.observed:
        return FindingKind(judged.verdict, _change(judged.observed, judged.expected))
    words = _QUOTED.sub("'…'", _ADDRESS.sub("0x", judged.detail))
    return FindingKind(judged.verdict, _NUMBER.sub("9", words)[:_LONGEST_KIND])


def _change(observed: str, expected: str) -> str:
    """Which type became which, and what a number lost: a sign, or being a number."""
    types = f"{observed.partition(':')[0]} for {expected.partition(':')[0]}"
    marks = [
        "".join(sorted({one.lower() for one in _KEPT.findall(text.partition(":")[2])}))
        for text in (observed, expected)
    ]
    return types if marks[0] == marks[1] else f"{types}, {marks[0]} for {marks[1]}"


def simplest(literals: Iterable[str]) -> str:
    """The literal that a reader takes in fastest: short, then without odd characters."""
    return min(literals, key=lambda text: (len(text), not text.isascii(), text))
