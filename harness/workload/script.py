"""`sql FILE`: statements that somebody has written down, with weights in comments."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from pglast.parser import ParseError, split

from harness.core.errors import UsageError
from harness.core.sql import parameters, tokens
from harness.workload.observed import Observations, StatementTally

FILE_BYTES = 5_000_000
COMMANDS = 1_000
"""A file with more commands of psql than this is a dump."""
_BEHIND = re.compile(r"[ \t]*;?[ \t]*--[^\n]*")
_WEIGHT = re.compile(r"--\s*weight:\s*(\S+)")


def observations(file: Path) -> Observations:
    """The statements of a script, each with its weight, 1 if it has none.

    Raises:
        UsageError: it cannot be read, or has a weight that is no number.
    """
    found = Observations(f"the script {file.name}")
    tally = StatementTally(found)
    text = _with_placeholders(_without_commands(read(file), found, file))
    for statement, weight in _weighted(text, file):
        tally.add(statement, weight)
    if not found.statements:
        raise UsageError(f"{file} has no statement", hint="statements end with a semicolon")
    return found


def read(file: Path) -> str:
    """A script's text; what is no UTF-8 in it is replaced.

    Raises:
        UsageError: it is no text, too large, or cannot be read.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    if len(data) > FILE_BYTES:
        raise UsageError(f"{file} has more than {FILE_BYTES:,} bytes")
    if b"\0" in data:
        raise UsageError(f"{file} is no text: it has bytes of value 0")
    return data.decode(errors="replace").removeprefix("\ufeff")


# --- psql -------------------------------------------------------------------------------


def _without_commands(text: str, found: Observations, file: Path) -> str:
    r"""The text without psql's commands, from a `\` outside of quotes to the line's end.

    `\g` and its kin end a statement.
    """
    made: list[str] = []
    commands = 0
    while (at := _command_at(text)) >= 0:
        line, newline, rest = text[at:].partition("\n")
        name = line.split()[0]
        found.miss(f"{name} is a command of psql, which the server does not know")
        made += [text[:at], ";" if name.startswith(r"\g") else "", newline]
        text, commands = rest, commands + 1
        if commands > COMMANDS:
            raise UsageError(
                f"{file} has more than {COMMANDS:,} commands of psql",
                hint="is it a dump? a script of the statements that are asked is meant",
            )
    return "".join([*made, text])


def _command_at(text: str) -> int:
    at = 0
    for token in tokens(text):
        if token.kind == "other" and "\\" in token.text:
            return at + token.text.index("\\")
        at += len(token.text)
    return -1


def _with_placeholders(statement: str) -> str:
    """psql's and pgbench's variables, `:name` and `:'name'`, as parameters."""
    numbers: dict[str, int] = {}
    first = max(parameters(statement), default=-1) + 2
    made: list[str] = []
    depth = 0
    for token in tokens(statement):
        before = made[-1] if made else ""
        marked = before.endswith(":") and not before.endswith("::") and depth == 0
        if marked and (token.kind == "word" or token.text.startswith("'")):
            number = numbers.setdefault(token.text.strip("'"), first + len(numbers))
            made[-1:] = [before[:-1], f"${number}"]
        else:
            made.append(token.text)
            if token.kind == "other":
                depth += token.text.count("[") - token.text.count("]")
    return "".join(made)


# --- statements -------------------------------------------------------------------------


def _weighted(text: str, file: Path) -> Iterator[tuple[str, float]]:
    """The statements with their weights: of a comment above, in or right behind them."""
    start = 0
    for at in _slices(text):
        # A comment behind a statement, on its line, belongs to that and not to the next.
        behind = _BEHIND.match(text, at.stop)
        end = behind.end() if behind else at.stop
        found = _WEIGHT.search(text, start, end)
        yield text[at], _number(found[1], file) if found else 1.0
        start = end


def _slices(text: str) -> list[slice]:
    """Where the statements are. The parser knows of bodies with semicolons in them; a text
    that it does not understand is cut at each semicolon outside of quotes."""
    try:
        return list(split(text, only_slices=True))
    except (ParseError, ValueError):
        return list(_pieces(text))


def _pieces(text: str) -> Iterator[slice]:
    start = at = 0
    empty = True
    for token in tokens(text):
        for sign in token.text if token.kind == "other" else ():
            if sign == ";":
                if not empty:
                    yield slice(start, at)
                start, empty = at + 1, True
            elif not sign.isspace():
                empty = False
            at += 1
        if token.kind != "other":
            at += len(token.text)
            empty &= token.kind == "comment"
    if not empty:
        yield slice(start, at)


def _number(text: str, file: Path) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not (number > 0 and math.isfinite(number)):
        raise UsageError(
            f"{file}: 'weight: {text}' is no number above 0", hint="write -- weight: 3"
        )
    return number
