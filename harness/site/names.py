"""File names of pages: safe on every system, unique, and the same in every build.

A plain name is kept, so that a badge has the address that a maintainer expects. Whatever
else a name holds becomes a hyphen, and a digest of the whole name follows behind a `~`,
which no plain name has. So a name alone decides its file, whatever else is on the site.
"""

from __future__ import annotations

import hashlib
import re

_LONGEST = 64
_SCENARIO = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)*")
_DRIVER = re.compile(r"[a-z0-9][a-z0-9_+-]*")
_VERSION = re.compile(r"[0-9][a-z0-9._+!]*[a-z0-9]|[0-9]")
_RUN = re.compile(r"[a-z0-9][a-z0-9_-]*")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])([.-].*)?")
"""What Windows takes for a device."""


def scenario(name: str) -> str:
    """`query/point` → `query-point`."""
    return _file(name, _SCENARIO, name.replace("/", "-"))


def driver(name: str) -> str:
    """`asyncpg+uvloop`, as it is."""
    return _file(name, _DRIVER, name)


def version(name: str, number: str) -> str:
    """`asyncpg`, `0.32.0` → `asyncpg-0.32.0`; the last hyphen stands before the version."""
    text = f"{name}-{number}"
    plain = _DRIVER.fullmatch(name) and _VERSION.fullmatch(number)
    return text if plain and _fits(text) else _spelled(text, f"{name}\0{number}")


def run(name: str) -> str:
    """The identity of a run, as it is."""
    return _file(name, _RUN, name)


def cell(name: str) -> str:
    """An anchor: `query/point#fetch-one` → `fetch-one~…`."""
    return _spelled(name.partition("#")[2] or name, name)


def _file(name: str, plain: re.Pattern[str], text: str) -> str:
    return text if plain.fullmatch(name) and _fits(text) else _spelled(text, name)


def _fits(text: str) -> bool:
    return len(text) <= _LONGEST and not _RESERVED.fullmatch(text)


def _spelled(text: str, name: str) -> str:
    """What can be read of a text, and a digest of the name that it is of."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    told = re.sub(r"[^a-z0-9._]+", "-", text.lower())[: _LONGEST - 20].strip("-._")
    return f"{told or 'x'}~{digest}"
