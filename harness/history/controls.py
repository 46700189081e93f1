"""Which arm all others are compared with: a pinned one, or the one that most runs share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harness.core.errors import UsageError

COLUMNS = ("run", "control", "control_series", "control_version", "control_competes")


class _Row(NamedTuple):
    run: str
    arm: str
    series: str
    version: str
    competes: bool


@dataclass(frozen=True, slots=True)
class ControlArm:
    """The control arm: the ids that it has in the runs, and why it is this one."""

    name: str
    arms: tuple[str, ...]
    reason: str


@dataclass(slots=True)
class _Arm:
    series: str
    competes: bool
    runs: set[str] = field(default_factory=set)
    versions: set[str] = field(default_factory=set)


def chosen(
    known: Iterable[tuple[Any, ...]], drivers: Collection[str], name: str
) -> ControlArm:
    """The control arm among all arms that the runs of a cell have: rows of `COLUMNS`.

    Raises:
        UsageError: there is no arm of this name, or a run has several.
    """
    arms = _arms(known)
    _check_drivers(arms, drivers)
    return _named(arms, name) if name else _shared(arms, drivers)


def _arms(known: Iterable[tuple[Any, ...]]) -> dict[str, _Arm]:
    found: dict[str, _Arm] = {}
    for row in map(_Row._make, known):
        arm = found.setdefault(row.arm, _Arm(row.series, row.competes))
        arm.runs.add(row.run)
        arm.versions.add(row.version)
    return found


def _check_drivers(arms: dict[str, _Arm], drivers: Collection[str]) -> None:
    known = {*arms, *(arm.series for arm in arms.values())}
    for driver in drivers:
        if driver not in known:
            raise UsageError(
                f"the store has no arm '{driver}' of this cell", hint=_listed(known)
            )


def _named(arms: dict[str, _Arm], name: str) -> ControlArm:
    if name in arms:
        return ControlArm(name, (name,), "as named")
    found = {
        arm: told for arm, told in arms.items() if told.series == name and told.competes
    }
    if not found:
        known = {*arms, *(arm.series for arm in arms.values())}
        raise UsageError(
            f"the store has no arm '{name}' of this cell to be the control",
            hint=_listed(known),
        )
    runs = [run for told in found.values() for run in told.runs]
    if len(runs) > len(set(runs)):
        raise UsageError(
            f"'{name}' is more than one arm of a run, and only one can be the control",
            hint=_listed(found),
        )
    return ControlArm(name, tuple(sorted(found)), "as named")


def _shared(arms: dict[str, _Arm], drivers: Collection[str]) -> ControlArm:
    """Of those in equally many runs one that is not asked about, then one whose version
    stays, for what the control does moves all others."""
    versions: dict[str, set[str]] = defaultdict(set)
    for arm in arms.values():
        versions[arm.series] |= arm.versions

    def order(name: str) -> tuple[bool, int, bool, int, str]:
        arm = arms[name]
        asked = name in drivers or arm.series in drivers
        return (not arm.competes, -len(arm.runs), asked, len(versions[arm.series]), name)

    name = min(arms, key=order)
    total = len(set().union(*(arm.runs for arm in arms.values())))
    reason = f"the arm that most runs share, {len(arms[name].runs):,} of {total:,}"
    return ControlArm(name, (name,), reason)


def _listed(names: Iterable[str]) -> str:
    shown: Sequence[str] = sorted(names)
    return f"it has: {', '.join(shown[:8])}" + (", …" if len(shown) > 8 else "")
