"""What can be said of a statement before a server has seen it. Pure."""

from __future__ import annotations

import itertools
import re

from harness.core.errors import UsageError
from harness.core.sql import Token, outer_words, parameters, shortened, tokens

WRITING = frozenset({"insert", "update", "delete", "merge"})
_MARK = re.compile(r"\$\{[\w-]+\}")
_WIDTH = 60
_RIGHT = 10  # so much of a line that is cut is shown behind the place


def single(text: str, where: str = "the statement") -> str:
    """The one statement of a text, without the semicolon behind it.

    Raises:
        UsageError: there is none, or several, or something that is no SQL.
    """
    _check_characters(text, where)
    found = list(tokens(text))
    for token in found:
        if token.kind == "other" and "\\" in token.text:
            raise UsageError(
                f"{where} has a command of psql in it: {_line_of(text)}",
                hint="write SQL only; what psql sends for a \\ command, psql -E shows",
            )
    first, rest = _cut(found)
    if all(token.kind == "comment" or not token.text.strip() for token in tokens(first)):
        raise UsageError(f"{where} is empty")
    if rest:
        raise UsageError(
            f"{where} holds several statements; the second is: {in_short(rest)}",
            hint="try them one by one; a scenario file can hold many: "
            "docs/scenario-format.md",
        )
    return first.strip()


def placeholders(sql: str) -> int:
    """How many parameters the placeholders of a statement ask for."""
    return max(parameters(sql), default=-1) + 1


def verb(sql: str) -> str:
    """The first word, small."""
    return next(outer_words(sql), "")


def changes(sql: str) -> bool:
    """Whether a statement says that it changes rows, also inside of a `with`."""
    words = [token.text.lower() for token in tokens(sql) if token.kind == "word"]
    if words[:1] == ["with"]:
        return not WRITING.isdisjoint(words)
    return bool(words) and words[0] in WRITING


def is_ordered(sql: str) -> bool:
    """Whether it says in which order its rows come."""
    words = list(outer_words(sql))
    return ("order", "by") in itertools.pairwise(words)


def is_limited(sql: str) -> bool:
    """Whether it says how many rows come at most."""
    return not {"limit", "fetch"}.isdisjoint(outer_words(sql))


def pointed(sql: str, position: int) -> str:
    """The line of a statement with a caret below the place that the server means (from 1),
    as psql shows it; empty without a place."""
    if not 0 < position <= len(sql) + 1:
        return ""
    number = sql.count("\n", 0, position - 1) + 1
    start = sql.rfind("\n", 0, position - 1) + 1
    line = sql[start:].partition("\n")[0].replace("\t", " ")
    line, column = _window(line, position - 1 - start)
    head = f"LINE {number}: "
    return f"{head}{line}\n{' ' * (len(head) + column)}^"


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of a long line that has the place in it, and where it is there."""
    if len(line) <= _WIDTH:
        return line, column
    end = min(len(line), max(_WIDTH, column + _RIGHT))
    begin = max(0, end - _WIDTH)
    before, after = "..." if begin else "", "..." if end < len(line) else ""
    return f"{before}{line[begin:end]}{after}", column - begin + len(before)


def _check_characters(text: str, where: str) -> None:
    if mark := _MARK.search(text):
        raise UsageError(
            f"{where} has {mark[0]} in it, which is the mark of an axis in scenario files",
            hint="in a text of SQL, take it apart: '$' || '{…}'",
        )
    if "\0" in text:
        raise UsageError(f"{where} has the character NUL in it, which SQL cannot have")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{where} is not in the encoding of this terminal") from None


def _cut(found: list[Token]) -> tuple[str, str]:
    """What stands before the first semicolon, and what else there is to run."""
    first = ""
    for at, token in enumerate(found):
        if token.kind == "other" and ";" in token.text:
            head, _, tail = token.text.partition(";")
            return first + head, _to_run(tail, found[at + 1 :])
        first += token.text
    return first, ""


def _to_run(tail: str, found: list[Token]) -> str:
    """What is behind a semicolon; empty if it is blanks, comments and semicolons."""
    rest = [tail, *(token.text for token in found if token.kind != "comment")]
    return "".join(rest).lstrip("; \t\r\n").strip()


def _line_of(text: str) -> str:
    return in_short(next(line for line in text.splitlines() if "\\" in line))


def in_short(text: str) -> str:
    """A statement on one line, cut where it is long."""
    return shortened(text, _WIDTH)
