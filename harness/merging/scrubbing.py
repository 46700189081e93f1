"""What a run may say in public: no password, no host, nobody's home folder.

Texts of servers and drivers are free: an error may quote a connection string. What looks
like a secret is replaced in every text, and what is known to be one wherever it stands.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from harness.merging.private import Secrets

GONE = "…"

_FREE = ("command", "problem", "source", "text", "detail", "observed", "expected", "facts",
         "label")  # fmt: skip
_FIXED = ("record", "verdict", "code", "scenario", "case", "cell", "task", "id", "arm",
          "driver", "twin", "digest", "work")  # fmt: skip
_FIELDS = dict.fromkeys(_FREE, "free") | dict.fromkeys(_FIXED, "fixed")
"""Fields in which anything may be said, and those that name things: a password that is a
word of the catalogue is no secret there, and a host is nowhere in it."""

_LONG = 8
"""Passwords from this length on are found inside of words, too."""

_VALUE = r"""(?:'(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?|[^\s,;&)]+)"""
_PATTERNS = {
    "password": (
        (r"(postgres(?:ql)?://)(?:[^@\n]{0,300}@)*[^\s'\"<>]*", r"\1" + GONE),
        (r"(://)[^/@\s'\"]+(?=@)", r"\1" + GONE),
        (
            r"((?:password|passwd|pwd|passphrase|token)[\"']?\s*[=:]\s*)" + _VALUE,
            r"\1" + GONE,
        ),
        (r"(\bpassword\s+)'(?:[^']|'')*'?", r"\1'" + GONE + "'"),
    ),
    "host": (
        (r"(\bhost(?:addr|name)?[\"']?\s*[=:]\s*)" + _VALUE, r"\1" + GONE),
        (
            r"(\b(?:server at|host name|host|address) )\"[^\"]*\"(?: \([^)]*\))?",
            r"\1" + GONE,
        ),
        (r"(Connect call failed )\([^)]*\)", r"\1" + GONE),
    ),
    "home folder": (
        (
            r"(?<![\w.~-])(?:/home/|/Users/|[a-z]:[\\/]+Users[\\/]+)[^/\\\s'\":,;]+",
            "~",
        ),
        (r"(?<![\w.~/-])/root(?![\w.-])", "~"),
    ),
}
"""What a text looks like that holds something of a kind, and what takes its place."""

Rule = tuple[str, re.Pattern[str], str]
"""The kind of what is taken out, how it is found, what takes its place."""

_COMPILED: list[Rule] = [
    (kind, re.compile(pattern, re.IGNORECASE), filled)
    for kind, patterns in _PATTERNS.items()
    for pattern, filled in patterns
]


class Scrubber:
    """Replaces what is not for the public. `gone` counts the texts it was replaced in."""

    def __init__(self, secrets: Secrets) -> None:
        self.gone: Counter[str] = Counter()
        usual = [*_ours(secrets), *_COMPILED]
        self._rules = {"": usual, "fixed": _COMPILED, "free": [*usual, *_words(secrets)]}
        self._text = lru_cache(maxsize=10_000)(self._scrubbed)

    def line(self, line: bytes) -> bytes:
        """A line of a results file."""
        return msgspec.json.encode(self._value(msgspec.json.decode(line), ""))

    def _value(self, value: Any, where: str) -> Any:
        """The same at any depth."""
        if isinstance(value, str):
            text, kinds = self._text(value, where)
            self.gone.update(kinds)
            return text
        if isinstance(value, dict):
            return {
                name: self._value(item, where if where == "free" else _FIELDS.get(name, ""))
                for name, item in value.items()
            }
        if isinstance(value, list) and value and not isinstance(value[0], int):
            return [self._value(item, where) for item in value]
        return value

    def _scrubbed(self, text: str, where: str) -> tuple[str, tuple[str, ...]]:
        """The text without, and the kinds of what was in it."""
        kinds = []
        for kind, pattern, filled in self._rules[where]:
            after = pattern.sub(filled, text)
            if after != text:
                text = after
                kinds.append(kind)
        return text, tuple(dict.fromkeys(kinds))


def _ours(secrets: Secrets) -> Iterator[Rule]:
    """Rules by what is known; they come first, as patterns would leave the ends of it."""
    if secrets.home:
        yield "home folder", re.compile(re.escape(secrets.home) + r"(?![\w-])"), "~"
    for password in secrets.passwords:
        if len(password) >= _LONG:
            words = "|".join(map(re.escape, _spellings(password)))
            yield "password", re.compile(words), GONE


def _words(secrets: Secrets) -> Iterator[Rule]:
    """Rules for texts in which anything may be said: what is known, as a word."""
    for kind, names in (("password", secrets.passwords), ("host", secrets.hosts)):
        for name in names:
            words = "|".join(map(re.escape, _spellings(name)))
            pattern = rf"(?<![\w.-])(?:{words})(?![\w-])"
            yield kind, re.compile(pattern, re.IGNORECASE if kind == "host" else 0), GONE


def _spellings(text: str) -> Sequence[str]:
    """As it is, as a URI has it, as Python shows it; the longest first."""
    found = {text, quote(text, safe=""), quote(text), repr(text)[1:-1]}
    return sorted(found, key=lambda word: (-len(word), word))
