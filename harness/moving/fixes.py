"""What a user must do who moves to a driver, and what to know: `fixes.toml` beside it.

The file is data of the new driver's plug-in, so what is known of a driver stands where its
plug-in stands, and one from outside brings its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from harness.core.arms import driver_of
from harness.core.errors import DriverError
from harness.core.verdicts import Code
from harness.plugin.contract import companion
from harness.results import tables
from harness.results.records import Check

FILE = "fixes.toml"

Said = str | dict[str, str]
"""A text, or one for each driver of the plug-in by its name."""


class Fix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A difference that is known: `title`, `what` happens, what to `do`, and a `link`.

    These three may differ by the new driver: tables by its name, `any` for all others.
    It covers a cell if everything that it names fits: the drivers `before` and `after`
    (without options), the `group`s, one of the `cells` (`*` is any text), the `code`s of
    the new driver's check, or `code_before` of the old one's, the acts, ops and
    capabilities that the old one had not (`lacks_before`), and the regular expression
    `detail`, looked for in the library's own words: the class and message of its
    exception, or what its plug-in says that it cannot; `detail_before` in the old one's.
    """

    title: str
    what: Said
    do: Said = ""
    link: Said = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    detail: str = ""
    detail_before: str = ""
    code: tuple[str, ...] = ()
    code_before: tuple[str, ...] = ()
    lacks_before: tuple[str, ...] = ()

    def covers(self, group: str, a: Check, b: Check, before: str, after: str) -> bool:
        """Whether this is about a cell that two drivers answered differently."""
        return (
            _among(before, self.before)
            and _among(after, self.after)
            and (not self.group or group in self.group)
            and (not self.cells or any(_fits(glob, b.cell) for glob in self.cells))
            and (not self.code or b.code in self.code)
            and (not self.code_before or a.code in self.code_before)
            and (not self.lacks_before or _lacks(self.lacks_before, a))
            and _says(self.detail, b)
            and _says(self.detail_before, a)
        )

    def said(self, part: str, after: str) -> str:
        """`what`, `do` or `link`, as it is for the new driver."""
        text: Said = getattr(self, part)
        if isinstance(text, str):
            return text
        name = driver_of(after)
        names = (name, name.removesuffix("-async"), "any")
        return next((text[key] for key in names if key in text), "")


class FactRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to know, where the terms of two drivers are so.

    `term` is a field of the terms or `kind`; `was` and `becomes` are regular expressions
    on both drivers' values.
    """

    term: str
    text: str
    was: str = ""
    becomes: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    def speaks_of(self, term: str, before: str, after: str, was: str, becomes: str) -> bool:
        """Whether this is about a term of two drivers.

        Equal terms say nothing, unless the rule is about these two drivers: some habits
        differ where the terms do not.
        """
        drivers = _among(before, self.before) and _among(after, self.after)
        about_two = bool(self.before)
        if self.term != term or not drivers or not (was and becomes):
            return False
        return (about_two or was != becomes) and bool(
            re.search(self.was, was) and re.search(self.becomes, becomes)
        )


class Snippet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A task in the code of a library; `driver` where a plug-in has several."""

    task: str
    code: str
    driver: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """All that is known. The first fix or fact that fits is the one that counts."""

    fixes: tuple[Fix, ...] = ()
    facts: tuple[FactRule, ...] = ()
    snippets: tuple[Snippet, ...] = ()

    def fix(self, group: str, a: Check, b: Check, before: str, after: str) -> Fix | None:
        """What is known of a difference."""
        known = (fix for fix in self.fixes if fix.covers(group, a, b, before, after))
        return next(known, None)

    def rank(self, fix: Fix | None) -> int:
        """The place of a fix in the book; what is not in it comes last."""
        titles = [known.title for known in self.fixes]
        return titles.index(fix.title) if fix else len(titles)

    def fact(self, term: str, before: str, after: str, was: str, becomes: str) -> str:
        """What to know of a term; empty where nobody has written about it."""
        for rule in self.facts:
            if rule.speaks_of(term, before, after, was, becomes):
                return rule.text.format(a=before, b=after)
        return ""


def _among(driver: str, names: Sequence[str]) -> bool:
    return not names or driver_of(driver) in names


def _fits(glob: str, cell: str) -> bool:
    parts = map(re.escape, glob.split("*"))
    return re.fullmatch(".*".join(parts), cell, re.DOTALL) is not None


def _lacks(names: Sequence[str], check: Check) -> bool:
    lacking = (check.facts.get(kind) for kind in ("act", "op", "capability"))
    return check.code is Code.NOT_OFFERED and any(name in names for name in lacking)


def _says(pattern: str, check: Check) -> bool:
    return not pattern or re.search(pattern, _words(check)) is not None


def _words(check: Check) -> str:
    """The library's own: its exception with the message, or why it cannot."""
    facts = check.facts.get("answers", [check.facts])
    told = (f"{answer.get('class', '')}: {answer.get('message', '')}" for answer in facts)
    return "\n".join(told)


# --- the files --------------------------------------------------------------------------


def load(before: str, after: str) -> Book:
    """What is known of a move between two drivers, by their names without options.

    Remedies and facts are those of the new driver, tasks in code those of both.

    Raises:
        DriverError: a file cannot be read, or a table in it is wrong.
    """
    old, new = _of(before), _of(after)
    return Book(new.fixes, new.facts, (*old.snippets, *new.snippets))


def _of(name: str) -> Book:
    """The file of a driver's plug-in; an empty book where it has none."""
    file = companion(name, FILE)
    if file is None:
        return Book()
    book = read(file)
    own = (snippet for snippet in book.snippets if snippet.driver in ("", name))
    snippets = tuple(msgspec.structs.replace(snippet, driver=name) for snippet in own)
    return Book(book.fixes, book.facts, snippets)


def read(file: Path) -> Book:
    """One file; raises `DriverError`."""
    found = tables.read(file, {"fix": Fix, "fact": FactRule, "code": Snippet})
    checked = {
        name: tuple(_trimmed(where, table) for where, table in entries)
        for name, entries in found.items()
    }
    return Book(checked["fix"], checked["fact"], checked["code"])


def _trimmed(where: str, table: Any) -> Any:
    """Texts lose their margins, and what must be a regular expression is one."""
    changed: dict[str, Any] = {}
    for name in table.__struct_fields__:
        value = getattr(table, name)
        if isinstance(value, str):
            changed[name] = value.strip("\n")
        elif isinstance(value, dict):
            changed[name] = {driver: text.strip("\n") for driver, text in value.items()}
        if name in _PATTERNS and value:
            try:
                re.compile(value)
            except re.error as error:
                told = f"`{name}` is not a regular expression: {error}"
                raise DriverError(f"{where}: {told}") from error
    return msgspec.structs.replace(table, **changed)


_PATTERNS = ("detail", "detail_before", "was", "becomes")
