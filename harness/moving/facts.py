"""What a check of steps says, taken apart, and put into words for people.

The facts of such a check are `label: value; label: value`, and its detail begins with
the step that decided: `step 3, main.commit: …`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

_VALUE = r"raised |still waiting |the task |[\w.]+(?:\[[^:]*\])?: "
_LABEL = re.compile(rf"(?:^|; )(?P<label>[^:;]+): (?={_VALUE})")
_UNNAMED = re.compile(r"join \w+|\w+\.\w+")
_SEEN = re.compile(r"(?P<type>[\w.\[\] |]+): (?P<repr>.*)", re.DOTALL)
_MODULE = re.compile(r"\b(?:[a-z_]\w*\.)+(?=[A-Z]\w*)")
_RANDOM = re.compile(r"\bpgdyno_[0-9a-f]{8,}|__asyncpg_stmt_\w+__|_pg3_\d+")
_RAISED = re.compile(r"raised (?P<name>[\w.]+)(?: \[(?P<sqlstate>\w+)\])?")
_CLASS = re.compile(r"dict: \{'class': '(?P<name>[\w.]+)'(?:, 'pep249': '(?P<base>\w+)')?")
_FIXED = {
    "NoneType: None": "no error",
    "bool: True": "yes",
    "bool: False": "no",
    "str: 't'": "yes",
    "str: 'f'": "no",
    "list: []": "nothing",
}


@dataclass(frozen=True, slots=True)
class ChangedFact:
    """One fact that differs: its label, empty if nobody named the step, and both values."""

    label: str
    before: str
    after: str

    @property
    def both_raise(self) -> bool:
        """Whether only the exception is another one."""
        return self.before.startswith("raised ") and self.after.startswith("raised ")

    @property
    def raises_now(self) -> bool:
        """Whether there was an answer before."""
        answer = not self.before.startswith(("raised ", "still waiting "))
        return answer and self.after.startswith("raised ")


def changes(before: str, after: str) -> list[ChangedFact]:
    """The facts that differ by more than by the module of a class or a random name."""
    old, new = dict(_facts(before)), dict(_facts(after))
    return [
        ChangedFact("" if _UNNAMED.fullmatch(label) else label, old.get(label, ""), value)
        for label, value in new.items()
        if not _alike(old.get(label, ""), value)
    ]


def summary(observed: str) -> str:
    """All facts of a check in one line; any other text as it is."""
    if not _LABEL.match(observed):
        return words(observed) if observed.startswith("raised ") else observed
    told = (
        words(value) if _UNNAMED.fullmatch(label) else f"{label}: {words(value)}"
        for label, value in _facts(observed)
    )
    return "; ".join(told)


def _facts(observed: str) -> Iterator[tuple[str, str]]:
    found = list(_LABEL.finditer(observed))
    if not found:
        yield "", observed
        return
    ends = [one.start() for one in found[1:]] + [len(observed)]
    for one, end in zip(found, ends, strict=True):
        yield one["label"], observed[one.end() : end]


def _alike(one: str, other: str) -> bool:
    one, other = plain(one), plain(other)
    if one.endswith("…") and other.endswith("…"):
        size = min(len(one), len(other)) - 1
        one, other = one[:size], other[:size]
    return one == other


def plain(text: str) -> str:
    """A text without what differs by nature: the modules of classes, random names."""
    return _RANDOM.sub("pgdyno", bare(text))


def bare(text: str) -> str:
    """A text for people, with classes but not their modules."""
    return _MODULE.sub("", text)


def value(seen: str) -> str:
    """`str: 'NaN'` → `'NaN'`: where the repr says the type, the type is left out."""
    found = _SEEN.fullmatch(seen)
    return found["repr"] if found else seen


def words(seen: str) -> str:
    """A fact for people: `str: 'idle'` → `idle`, `raised a.b.Error` → `raises Error`."""
    if seen in _FIXED:
        return _FIXED[seen]
    if raised := _RAISED.fullmatch(seen):
        return f"raises {bare(raised[0].removeprefix('raised '))}"
    if seen.startswith("still waiting after "):
        return f"waits, {seen.removeprefix('still waiting after ')} and more"
    if " object" in seen and "<" in seen:
        return "no error"
    if named := _CLASS.match(seen):
        base = f" ({named['base']})" if named["base"] else ""
        return f"{bare(named['name'])}{base}"
    return bare(_unquoted(value(seen)))


def raised(observed: str) -> str:
    """`raised a.b.Error`, of the first fact that is an exception; else empty."""
    return next((one for _, one in _facts(observed) if one.startswith("raised ")), "")


def _unquoted(text: str) -> str:
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return found if isinstance(found, str) and found else text
