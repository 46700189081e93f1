"""What of a value is written down, so that two runs write the same. Pure.

An object without a text of its own (a connection, a pool) says where it lives: an address,
a port. It is recorded by its class. Names that a run makes up are replaced by the words
that stand for them in a scenario. A reproduction prints these functions, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.core.verdicts import Judgement

_OWN_TEXT = (str, bytes, bytearray, memoryview, bool, int, float, complex, type(None))
_ADDRESS = re.compile(r" (?:at |id=)0x[0-9a-f]+")
_WHERE = re.compile(r" (?:at |id=)0x[0-9a-f]|\b(?:host|port|dsn)\s*[=:]")
_MADE_UP = (
    (_ADDRESS, ""),
    (re.compile(r"\bpgdyno_[0-9a-f]{7}_\d+\b"), "@{schema}"),
    (re.compile(r"\bpgdyno [0-9a-f]{7} \S+ (?:default|configured)"), "@{app}"),
    (re.compile(r"""(\bport['"]?\s*[=:]?\s*['"]?|://[^/\s]*:)\d{4,5}\b"""), r"\1@{port}"),
    (re.compile(r"\b__asyncpg_(stmt|portal)_[0-9a-f]+__"), r"__asyncpg_\1__"),
)


class Bare:
    """Stands for an object that has no text of its own."""

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{self.kind.__module__}.{self.kind.__qualname__} object>"


def plain(value: Any) -> Any:
    """Rows as lists of lists: which sequence a library uses is not what a step asks."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return value


def bare(value: Any) -> Any:
    """The value, with what has no text of its own as its class."""
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(map(bare, value))
    if type(value) is dict:
        return {name: bare(item) for name, item in value.items()}
    if isinstance(value, _OWN_TEXT) or not _WHERE.search(repr(value)):
        return value
    return Bare(type(value))


def without_addresses(text: str) -> str:
    """A repr whose addresses would make two runs' records differ."""
    return _ADDRESS.sub("", text)


def text_of(value: Any) -> str:
    """What a step brought, as one line that a check and its reproduction share."""
    return _ADDRESS.sub("", repr(bare(plain(value))))


def settled(text: str) -> str:
    """A text without the names that a run makes up."""
    for pattern, word in _MADE_UP:
        text = pattern.sub(word, text)
    return text


def renamed(text: str, names: Mapping[str, str]) -> str:
    """A text in which each of these names, as a whole, is the word that stands for it."""
    for name in sorted(names, key=len, reverse=True):
        if name in text:
            alone = rf"(?<![^\W_]){re.escape(name)}(?![^\W_])"  # `name_first` is made of it
            text = re.sub(alone, names[name], text)
    return text


def renamed_in(judged: Judgement, names: Mapping[str, str]) -> Judgement:
    """A judgement whose texts have the words for the names."""
    return replace(
        judged,
        detail=renamed(judged.detail, names),
        observed=renamed(judged.observed, names),
        expected=renamed(judged.expected, names),
        facts=_renamed_value(judged.facts, names),
    )


def _renamed_value(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return renamed(value, names)
    if isinstance(value, Mapping):
        return {name: _renamed_value(item, names) for name, item in value.items()}
    return (
        [_renamed_value(item, names) for item in value]
        if isinstance(value, list)
        else value
    )
