"""drivers/fixes.toml, read: what a user must do about a difference, and what to know.

Standard library only. The file is data beside the drivers, so that what is known of a
driver stands where its plug-in stands.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from harness.core.errors import DriverError
from harness.core.verdicts import Code
from harness.results.records import Check

FIXES = Path(__file__).parent.parent / "drivers" / "fixes.toml"

_T = TypeVar("_T")
Said = str | Mapping[str, str]
"""A text, or one for each new driver by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
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
        name = after.partition("+")[0]
        names = (name, name.removesuffix("-async"), "any")
        return next((text[one] for one in names if one in text), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRule:
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
        about_two = bool(self.before and self.after)
        if self.term != term or not drivers or not (was and becomes):
            return False
        return (about_two or was != becomes) and bool(
            re.search(self.was, was) and re.search(self.becomes, becomes)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A task in the code of a library."""

    driver: str
    task: str
    code: str


@dataclass(frozen=True, slots=True)
class Book:
    """All that is known. The first fix or fact that fits is the one that counts."""

    fixes: tuple[Fix, ...] = ()
    facts: tuple[FactRule, ...] = ()
    snippets: tuple[Snippet, ...] = ()

    def fix(self, group: str, a: Check, b: Check, before: str, after: str) -> Fix | None:
        """What is known of a difference."""
        known = (one for one in self.fixes if one.covers(group, a, b, before, after))
        return next(known, None)

    def rank(self, fix: Fix | None) -> int:
        """The place of a fix in the book; what is not in it comes last."""
        titles = [one.title for one in self.fixes]
        return titles.index(fix.title) if fix else len(titles)

    def fact(self, term: str, before: str, after: str, was: str, becomes: str) -> str:
        """What to know of a term; empty where nobody has written about it."""
        for one in self.facts:
            if one.speaks_of(term, before, after, was, becomes):
                return one.text.format(a=before, b=after)
        return ""


def _among(driver: str, names: Sequence[str]) -> bool:
    return not names or driver.partition("+")[0] in names


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
    told = (f"{one.get('class', '')}: {one.get('message', '')}" for one in facts)
    return "\n".join(told)


# --- the file ---------------------------------------------------------------------------


def load(path: Path = FIXES) -> Book:
    """Read the file.

    Raises:
        DriverError: it cannot be read, or a table in it is wrong.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DriverError(f"{path} cannot be read: {error}") from error
    if unknown := set(raw) - {"fix", "fact", "code"}:
        raise DriverError(f"{path}: unknown table {', '.join(sorted(unknown))}")
    return Book(
        fixes=_all(path, raw, "fix", Fix),
        facts=_all(path, raw, "fact", FactRule),
        snippets=_all(path, raw, "code", Snippet),
    )


def _all(path: Path, raw: Mapping[str, Any], name: str, kind: type[_T]) -> tuple[_T, ...]:
    tables = enumerate(raw.get(name, ()), 1)
    return tuple(_table(f"{path}, {name} {n}", table, kind) for n, table in tables)


def _table(where: str, table: Mapping[str, Any], kind: type[_T]) -> _T:
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(table) - known):
        raise DriverError(
            f"{where}: unknown key {', '.join(unknown)}",
            hint=f"known: {', '.join(sorted(known))}",
        )
    try:
        return kind(**{key: _frozen(key, value) for key, value in table.items()})
    except (TypeError, ValueError, re.error) as error:
        raise DriverError(f"{where}: {error}") from error


def _frozen(key: str, value: Any) -> Any:
    """Lists become tuples, texts lose their margins, and expressions must be some."""
    if isinstance(value, list):
        return tuple(map(str, value))
    if isinstance(value, dict) and key in ("what", "do", "link"):
        return {str(name): _frozen(key, text) for name, text in value.items()}
    if not isinstance(value, str):
        raise ValueError(f"{key} is neither a text nor a list of texts")
    if key in ("detail", "detail_before", "was", "becomes"):
        re.compile(value)
    return value.strip("\n")
