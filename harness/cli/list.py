"""`pgdyno list`: what there is, without starting a server or, but for profiles, importing a
driver."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from harness.cli.terminal import say

_WIDTH = 80
_SENTENCES = ("profiles", "servers")
"""Lists whose second column must be read to its end."""


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "list",
        help="scenarios, cases, drivers, profiles or servers",
        description="List what there is. profiles: what each driver registers in the "
        "profile configured.",
    )
    parser.add_argument("what", choices=tuple(_LISTS))
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    rows = _LISTS[args.what]()
    if args.format == "json":
        print(json.dumps(rows, indent=1))
        return 0
    if args.what == "drivers":
        _say_drivers(rows)
        return 0
    for row in rows:
        name, about = list(row.values())[:2]
        for line in _lines(f"{name:<30} ", about, wrap=args.what in _SENTENCES):
            say(line)
    return 0


def _say_drivers(rows: list[dict[str, Any]]) -> None:
    """A line for each driver: whether every verb asks it, and its libraries or what it
    lacks. What the signs mean is on stderr, so that the list is a list."""
    for row in rows:
        mark = "*" if row["asked"] == "always" else " "
        about = ", ".join(f"{name} {version}" for name, version in row["libraries"].items())
        if row["lacking"]:
            about = f"lacks {', '.join(row['lacking'])}"
        for line in _lines(f"{row['driver']:<30} {mark} ", about, wrap=False):
            say(line)
    commands = (
        row["install"].replace(f"[{row['driver']}]", "[NAME]")
        for row in rows
        if row["lacking"]
    )
    notes = [f"to install what one lacks: {text}" for text in dict.fromkeys(commands)]
    notes.insert(0, "* asked by every verb; the others when they are named: --driver NAME")
    print("\n".join(notes), file=sys.stderr)


def _lines(start: str, about: Any, *, wrap: bool) -> list[str]:
    """A row of 80 columns: sentences are wrapped, a title is cut."""
    if not wrap:
        return [f"{start}{about}"[:_WIDTH].rstrip()]
    from harness.report import format as fmt

    text = about if isinstance(about, str) else "; ".join(about)
    return fmt.wrapped(text, _WIDTH, first=start, rest=" " * len(start))


def _scenarios() -> list[dict[str, Any]]:
    from harness.scenario import select

    return [
        {
            "scenario": scenario.name,
            "title": scenario.title,
            "cells": len(scenario.cells),
            "why": scenario.why,
        }
        for scenario in select([])
    ]


def _cases() -> list[dict[str, Any]]:
    from harness.scenario import select

    return [
        {
            "cell": cell.id,
            "effort": cell.bench.effort if cell.bench else "",
            "scenario": cell.scenario,
            "case": cell.id.partition("#")[2],
            "op": cell.op.value,
            "requires": list(cell.requires),
            "needs": list(cell.needs),
        }
        for scenario in select([])
        for cell in scenario.cells
    ]


def _drivers() -> list[dict[str, Any]]:
    from harness.environments import present
    from harness.plugin import contract

    usual = contract.usual()
    found = [
        (name, point, present.of(name))
        for name, point in sorted(contract.entry_points().items())
    ]
    return [
        {
            "driver": name,
            "plugin": point.value,
            "distribution": point.dist.name if point.dist else "",
            "asked": "always" if name in usual else "when named",
            "libraries": there.libraries,
            "lacking": list(there.lacking),
            "install": there.command,
        }
        for name, point, there in found
    ]


def _profiles() -> list[dict[str, Any]]:
    """What each installed driver registers, in its own words."""
    from harness.plugin import contract

    return [
        {"driver": name, "configured": _registrations(name) or ["nothing"]}
        for name in sorted(contract.entry_points())
    ]


def _registrations(name: str) -> list[str]:
    from harness.core.errors import DriverError
    from harness.plugin import contract

    try:
        driver = contract.load(contract.parse_arm(name))
    except DriverError as error:
        return [f"cannot be asked: {error}"]
    return list(getattr(driver, "registrations", ("it does not say",)))


def _servers() -> list[dict[str, Any]]:
    from harness import servers

    return [{"server": kind, "is": servers.load(kind).SUMMARY} for kind in servers.kinds()]


_LISTS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "scenarios": _scenarios,
    "cases": _cases,
    "drivers": _drivers,
    "profiles": _profiles,
    "servers": _servers,
}
