"""What a check found, as answers that can be compared and put into words for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.core.verdicts import Facts, Verdict, step_of
from harness.results.records import Check

_MODULE = re.compile(r"\b(?:[a-z_]\w*\.)+(?=[A-Z]\w*)")
_RANDOM = re.compile(r"\bpgdyno_[0-9a-f]{8,}|__asyncpg_stmt_\w+__|_pg3_\d+")
_FIXED: Mapping[tuple[str, str], str] = {
    ("NoneType", "None"): "no error",
    ("bool", "True"): "yes",
    ("bool", "False"): "no",
    ("str", "'t'"): "yes",
    ("str", "'f'"): "no",
    ("list", "[]"): "nothing",
}


@dataclass(frozen=True, slots=True)
class TraitAnswer:
    """What one step, or one statement, brought.

    `label` is what a reader calls the step; empty where there is only one question, or
    where nobody has named it.
    """

    label: str = ""
    facts: Facts = field(default_factory=dict)

    @property
    def raised(self) -> bool:
        """Whether it is an exception."""
        return "class" in self.facts

    @property
    def waits(self) -> bool:
        """Whether there was no answer yet."""
        return "waited_ms" in self.facts

    @property
    def type(self) -> str:
        """The Python type of what came; empty for an exception."""
        return str(self.facts.get("type", ""))

    @property
    def names_a_class(self) -> bool:
        """Whether it describes an exception that was caught."""
        value = self.facts.get("value")
        return isinstance(value, Mapping) and "class" in value

    @property
    def words(self) -> str:
        """For people: `idle`, `raises Error [25P01]`, `waits, 300 ms and more`."""
        if self.raised:
            return f"raises {error_name(self.facts)}"
        if self.waits:
            return f"waits, {self.facts['waited_ms']:,} ms and more"
        if self.facts.get("cancelled"):
            return "the task is cancelled"
        return self._value_words()

    def _value_words(self) -> str:
        shown, value = str(self.facts.get("repr", "")), self.facts.get("value")
        if fixed := _FIXED.get((self.type, shown)):
            return fixed
        if " object" in shown and "<" in shown:
            return "no error"
        if self.names_a_class and isinstance(value, Mapping):
            base = f" ({value['pep249']})" if value.get("pep249") else ""
            return f"{short_class(value['class'])}{base}"
        return bare(value if isinstance(value, str) and value else shown)

    def like(self, other: TraitAnswer) -> bool:
        """Whether they differ by no more than the module of a class or a random name."""
        mine, theirs = self._comparable(), other._comparable()
        if mine.endswith("…") and theirs.endswith("…"):
            size = min(len(mine), len(theirs)) - 1
            mine, theirs = mine[:size], theirs[:size]
        return mine == theirs

    def _comparable(self) -> str:
        if self.raised or self.waits or not self.type:
            return self.words if self.facts else ""
        return plain(f"{self.type}: {self.facts.get('repr', '')}")


@dataclass(frozen=True, slots=True)
class ChangedFact:
    """One fact that differs: its label, if somebody named the step, and both answers."""

    label: str
    before: TraitAnswer
    after: TraitAnswer

    @property
    def both_raise(self) -> bool:
        """Whether only the exception is another one."""
        return self.before.raised and self.after.raised

    @property
    def raises_now(self) -> bool:
        """Whether there was an answer before."""
        answer = not (self.before.raised or self.before.waits)
        return answer and self.after.raised


def answers(check: Check) -> dict[str, TraitAnswer]:
    """The facts that a right check has seen, by the label of their step."""
    found: list[Facts] = check.facts.get("answers", [check.facts])
    return {str(facts.get("label", "")): _answer(facts) for facts in found}


def _answer(facts: Facts) -> TraitAnswer:
    return TraitAnswer(str(facts["label"]) if facts.get("named") else "", facts)


def changes(before: Check, after: Check) -> list[ChangedFact]:
    """The facts that differ by more than by the module of a class or a random name."""
    old = answers(before)
    return [
        ChangedFact(answer.label, old.get(label, TraitAnswer()), answer)
        for label, answer in answers(after).items()
        if not old.get(label, TraitAnswer()).like(answer)
    ]


def summary(check: Check) -> str:
    """All facts of a right check in one line."""
    found = answers(check).values()
    if "answers" not in check.facts:
        (only,) = found
        return only.words if only.raised else check.observed
    told = (
        f"{answer.label}: {answer.words}" if answer.label else answer.words
        for answer in found
    )
    return "; ".join(told)


def raised(check: Check) -> Facts:
    """The facts of the exception that a check tells about; empty if there is none."""
    if check.verdict is not Verdict.EXACT:
        return check.facts if "class" in check.facts else {}
    return next((answer.facts for answer in answers(check).values() if answer.raised), {})


# --- texts ------------------------------------------------------------------------------


def told(check: Check) -> str:
    """Why a verdict is what it is, without the step."""
    if "step" not in check.facts:
        return check.detail
    step = step_of(check.facts["step"], check.facts["label"])
    return check.detail.removeprefix(f"{step}: ")


def plain(text: str) -> str:
    """A text without what differs by nature: the modules of classes, random names."""
    return _RANDOM.sub("pgdyno", bare(text))


def bare(text: str) -> str:
    """A text for people, with classes but not their modules."""
    return _MODULE.sub("", text)


def short_class(name: str) -> str:
    """A class without its module: each library has modules of its own."""
    return name.rpartition(".")[2]


def error_name(facts: Facts) -> str:
    """`DataError [22003]`."""
    sqlstate = facts.get("sqlstate")
    name = short_class(str(facts["class"]))
    return f"{name} [{sqlstate}]" if sqlstate else name


def value_of(check: Check) -> str:
    """What came, for people: a repr without its type, a message without its class."""
    found: Any = check.facts.get("repr") or check.facts.get("message")
    return str(found or check.observed)


def right_of(check: Check) -> str:
    """What should have come, for people."""
    return str(check.facts.get("expected_repr") or check.expected)
