"""Known deviations of drivers, declared beside each driver with a reason and a link.

A deviation excuses a cell from `--fail-on`. It is a claim like any other: when the
verdict is another one, the check says that the deviation has ended.

A wrapper or a stack inherits those of the drivers that it stands on: what they do to a
value, it mostly does, too. It need not, so an inherited deviation excuses and never ends.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from harness.core.arms import Profile
from harness.core.catalogue import Catalogue
from harness.core.errors import DriverError
from harness.core.patterns import matches
from harness.core.verdicts import Verdict
from harness.plugin import contract
from harness.results import tables

FILE = "deviations.toml"
_NO_DEVIATION = (Verdict.EXACT, Verdict.SKIPPED, Verdict.INVALID)


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table as people write it."""

    cell: str
    verdict: str | list[str]
    reason: str
    link: str
    profile: Literal["", "default", "configured"] = ""
    driver: str | list[str] = ""


class Deviation(msgspec.Struct, frozen=True):
    """A verdict that is known, of the cells that a pattern names.

    In `cell` a `*` stands for any text and nothing else is special, because ids hold
    brackets and question marks. An empty `profile` means both, no `drivers` all that the
    plug-in has.
    """

    cell: str
    verdicts: tuple[Verdict, ...]
    reason: str
    link: str
    profile: Profile | Literal[""] = ""
    where: str = ""
    drivers: tuple[str, ...] = ()

    def names(self, cell: str) -> bool:
        """Whether the pattern names this cell."""
        return matches(self.cell, cell)

    def ended(self, verdict: Verdict) -> str:
        """That it is not true any more, for people; empty if it is, or nobody knows."""
        if verdict in self.verdicts or verdict in (Verdict.SKIPPED, Verdict.INVALID):
            return ""
        known = " or ".join(self.verdicts)
        return f"{verdict}, though {known} is declared ({self.where}): {self.reason}"


def load(name: str) -> tuple[Deviation, ...]:
    """The deviations declared for a driver, by its name without options.

    Raises:
        DriverError: a file is wrong; the message says where.
    """
    file = contract.companion(name, FILE)
    found = read(file) if file else ()
    return tuple(
        deviation
        for deviation in found
        if not deviation.drivers or name in deviation.drivers
    )


def read(file: Path) -> tuple[Deviation, ...]:
    """The deviations of one file; raises `DriverError`."""
    found = tables.read(file, {"deviation": _Written})["deviation"]
    return tuple(_deviation(written, where) for where, written in found)


def _deviation(written: _Written, where: str) -> Deviation:
    if not written.link.startswith("https://"):
        raise DriverError(f"{where}: link = {written.link!r} is not an https:// address")
    return Deviation(
        cell=written.cell,
        verdicts=_verdicts(_listed(written.verdict), where),
        reason=" ".join(written.reason.split()),
        link=written.link,
        profile=written.profile,
        where=where,
        drivers=tuple(filter(None, _listed(written.driver))),
    )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _verdicts(names: list[str], where: str) -> tuple[Verdict, ...]:
    known = [verdict for verdict in Verdict if verdict not in _NO_DEVIATION]
    if unknown := [name for name in names if name not in known]:
        raise DriverError(
            f"{where}: '{unknown[0]}' is not a verdict of a deviation",
            hint=f"one of {', '.join(known)}",
        )
    return tuple(map(Verdict, names))


def check_names(deviations: Iterable[Deviation], known: Catalogue) -> None:
    """Raises `DriverError` for a deviation that names no cell that there is.

    One that names a scenario which nobody has read may be right.
    """
    for deviation in deviations:
        if any(map(deviation.names, known.cells)) or _is_unread(deviation, known):
            continue
        near = difflib.get_close_matches(deviation.cell, known.cells, 1)
        raise DriverError(
            f"{deviation.where}: no cell is called {deviation.cell}",
            hint=f"did you mean {near[0]}?" if near else "pgdyno list cases",
        )


def _is_unread(deviation: Deviation, known: Catalogue) -> bool:
    scenario = deviation.cell.partition("#")[0]
    return any(matches(scenario, name) for name in known.unread)


def inherited(
    below: Iterable[Iterable[Deviation]], cell: str, verdict: Verdict
) -> Deviation | None:
    """The deviation that explains a verdict of a layer, of those of the drivers below it,
    the next one's first; None where it shows another verdict than they do.

    Profiles do not count: a layer may register by itself, in `default` too, what a driver
    has registered in `configured` only.
    """
    known = (deviation for deviations in below for deviation in deviations)
    return next(
        (found for found in known if found.names(cell) and verdict in found.verdicts), None
    )


def find(deviations: Iterable[Deviation], cell: str, profile: str) -> Deviation | None:
    """The deviation of a cell: one with its exact id before one with a pattern."""
    fitting = [
        deviation
        for deviation in deviations
        if deviation.profile in ("", profile) and deviation.names(cell)
    ]
    return next(
        (deviation for deviation in fitting if deviation.cell == cell),
        next(iter(fitting), None),
    )
