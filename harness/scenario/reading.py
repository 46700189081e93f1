"""A scenario file's bytes → plain tables, whatever the bytes are.

A file may be a pipe, a picture or a joke: what comes out is tables of a bounded size or a
`ScenarioError`. Everything after this may recurse, count and print without fear.
"""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.core.errors import ScenarioError
from harness.core.limits import DIGITS, FILE_BYTES, NAME_CHARS, NESTING
from harness.scenario.slips import Path as KeyPath
from harness.scenario.slips import label, place, shown

_LARGEST = 10**DIGITS
_KEY = r"""(?:[\w-]+|"(?:[^"\\\n]|\\[^\n])*"?|'[^'\n]*'?)"""
# A file as the texts, comments and dotted keys in it; each is looked at once.
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?(?:"""|\Z)'
    r"|'''.*?(?:'''|\Z)"
    r"|#[^\n]*"
    rf"|(?P<keys>{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*)",
    re.DOTALL,
)


def read(file: Path) -> bytes:
    """The bytes of a scenario file; raises `ScenarioError`."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise ScenarioError(f"{label(file)} is not a regular file")
        with file.open("rb") as opened:
            data = opened.read(FILE_BYTES + 1)
    except OSError as error:
        raise ScenarioError(f"{label(file)} cannot be read: {error.strerror}") from None
    except ValueError:  # a NUL in its name
        raise ScenarioError(f"{label(file)} is not the name of a file") from None
    if len(data) > FILE_BYTES:
        raise ScenarioError(
            f"{label(file)} is larger than {FILE_BYTES:,} bytes",
            hint="let SQL make large values: repeat(), generate_series(), or `times`",
        )
    return data


def parse(data: bytes, where: str) -> dict[str, Any]:
    """The tables of a file; raises `ScenarioError`."""
    try:
        text = data.decode("utf-8-sig")  # some editors begin a file with a mark
        _check_keys(text, where)
        raw = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ScenarioError(
            f"{where}: line {line}: the byte {data[error.start]:#04x} is no UTF-8",
            hint="save the file as UTF-8",
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{where}: not TOML: {error}") from None
    except RecursionError:
        raise _nested(where) from None
    except ValueError:  # Python refuses to read a number of so many digits
        raise _number(where) from None
    for path, value, made in _walk(raw):
        _check(path, value, made, raw, where)
    return raw


def _check_keys(text: str, where: str) -> None:
    """`tomllib` takes a time that grows with the square of a key's parts."""
    if not any(line.count(".") >= NESTING for line in text.split("\n")):
        return  # a key stands on one line
    for token in _TOKEN.finditer(text):
        keys = token["keys"] or ""
        if keys.count(".") >= NESTING and len(re.findall(_KEY, keys)) > NESTING:
            raise _nested(where)


def _walk(raw: dict[str, Any]) -> Iterator[tuple[KeyPath, Any, bool]]:
    """Every value with its path, and whether it belongs to a constructor."""
    waiting: list[tuple[KeyPath, Any, bool]] = [((), raw, False)]
    while waiting:
        path, value, made = waiting.pop()
        yield path, value, made
        if isinstance(value, dict):
            made = made or "py" in value
            waiting += [((*path, key), inner, made) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), inner, made) for index, inner in enumerate(value)]


def _check(path: KeyPath, value: Any, made: bool, raw: dict[str, Any], where: str) -> None:
    if len(path) > NESTING:
        raise _nested(where)
    if isinstance(value, int) and not -_LARGEST < value < _LARGEST:
        raise _number(place(path, raw, where))
    nul = isinstance(value, str) and "\0" in value and not made
    if nul or (path and isinstance(path[-1], str) and "\0" in path[-1]):
        raise ScenarioError(
            f"{place(path, raw, where)}: the character NUL stands in it",
            hint='no text of PostgreSQL can hold it; as a value: { py = "nul_str" }',
        )


def _nested(where: str) -> ScenarioError:
    return ScenarioError(f"{where}: tables and lists are nested more than {NESTING} deep")


def _number(where: str) -> ScenarioError:
    return ScenarioError(
        f"{where}: a whole number has more than {DIGITS:,} digits",
        hint="let SQL make it: \"select repeat('9', 5000)::numeric\"",
    )


def check_name(name: str, where: str) -> str:
    """A scenario's name stands in reports, records and paths; raises `ScenarioError`."""
    if not name.isprintable() or len(name) > NAME_CHARS or set(name) & set("#@"):
        raise ScenarioError(
            f"{where}: a scenario cannot be called {shown(name)}",
            hint=f"rename the file: printable, without # and @, up to {NAME_CHARS}"
            " characters",
        )
    return name
