"""Known deviations of drivers, declared beside each driver with a reason and a link.

A deviation excuses a cell from `--fail-on`. It is a claim like any other: when the
verdict is another one, the check says that the deviation has ended.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.core.arms import PROFILES
from harness.core.errors import DriverError
from harness.core.verdicts import Verdict
from harness.plugin import contract

FOLDER = "deviations"
_KEYS = ("cell", "profile", "verdict", "reason", "link")
_NO_DEVIATION = (Verdict.EXACT, Verdict.SKIPPED, Verdict.INVALID)


@dataclass(frozen=True, slots=True)
class Deviation:
    """A verdict that is known, of the cells that a pattern names.

    In `cell` a `*` stands for any text and nothing else is special, because ids hold
    brackets and question marks. An empty `profile` means both.
    """

    cell: str
    verdicts: tuple[Verdict, ...]
    reason: str
    link: str
    profile: str = ""
    where: str = ""

    def names(self, cell: str) -> bool:
        """Whether the pattern names this cell."""
        return _pattern(self.cell).fullmatch(cell) is not None

    def ended(self, verdict: Verdict) -> str:
        """That it is not true any more, for people; empty if it is, or nobody knows."""
        if verdict in self.verdicts or verdict in (Verdict.SKIPPED, Verdict.INVALID):
            return ""
        known = " or ".join(self.verdicts)
        return f"{verdict}, though {known} is declared ({self.where}): {self.reason}"


@cache
def _pattern(cell: str) -> re.Pattern[str]:
    parts = map(re.escape, cell.split("*"))
    return re.compile(".*".join(parts), re.DOTALL)


def load(name: str) -> tuple[Deviation, ...]:
    """The deviations declared for a driver, by its name without options.

    Raises:
        DriverError: a file is wrong; the message says where.
    """
    file = contract.companion(name, FOLDER, ".toml")
    return read(file) if file else ()


def read(file: Path) -> tuple[Deviation, ...]:
    """The deviations of one file; raises `DriverError`."""
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DriverError(f"{file} cannot be read: {error}") from error
    unknown = raw.keys() - {"deviation"}
    entries = raw.get("deviation", [])
    if unknown or not isinstance(entries, list):
        raise DriverError(f"{file}: only [[deviation]] tables belong here")
    return tuple(
        _deviation(entry, f"{file.name}, deviation {number}")
        for number, entry in enumerate(entries, 1)
    )


def _deviation(entry: Mapping[str, Any], where: str) -> Deviation:
    if unknown := [key for key in entry if key not in _KEYS]:
        near = difflib.get_close_matches(unknown[0], _KEYS, 1, 0.0)
        raise DriverError(f"{where}: unknown key '{unknown[0]}'; did you mean '{near[0]}'?")
    needed = [key for key in _KEYS if key != "profile"]
    if missing := [key for key in needed if not entry.get(key)]:
        raise DriverError(f"{where}: {', '.join(missing)} is missing")
    profile = entry.get("profile", "")
    if profile and profile not in PROFILES:
        raise DriverError(
            f"{where}: there is no profile '{profile}'", hint=f"{', '.join(PROFILES)}"
        )
    link = str(entry["link"])
    if not link.startswith("https://"):
        raise DriverError(f"{where}: link = {link!r} is not an https:// address")
    return Deviation(
        cell=str(entry["cell"]),
        verdicts=_verdicts(entry["verdict"], where),
        reason=" ".join(str(entry["reason"]).split()),
        link=link,
        profile=profile,
        where=where,
    )


def _verdicts(value: str | list[str], where: str) -> tuple[Verdict, ...]:
    names = [value] if isinstance(value, str) else value
    known = [one for one in Verdict if one not in _NO_DEVIATION]
    if unknown := [name for name in names if name not in known]:
        raise DriverError(
            f"{where}: '{unknown[0]}' is not a verdict of a deviation",
            hint=f"one of {', '.join(known)}",
        )
    return tuple(map(Verdict, names))


def check_names(deviations: Iterable[Deviation], known: Collection[str]) -> None:
    """Raises `DriverError` for a deviation that names no cell that there is."""
    for one in deviations:
        if any(map(one.names, known)):
            continue
        near = difflib.get_close_matches(one.cell, known, 1)
        raise DriverError(
            f"{one.where}: no cell is called {one.cell}",
            hint=f"did you mean {near[0]}?" if near else "pgdyno list cases",
        )


def find(deviations: Iterable[Deviation], cell: str, profile: str) -> Deviation | None:
    """The deviation of a cell: one with its exact id before one with a pattern."""
    fitting = [
        one for one in deviations if one.profile in ("", profile) and one.names(cell)
    ]
    return next((one for one in fitting if one.cell == cell), next(iter(fitting), None))
