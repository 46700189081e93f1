"""`pgdyno list`: what there is, without importing a driver or starting a server."""

from __future__ import annotations

import argparse
import json
from typing import Any

from harness import servers
from harness.cli.terminal import say
from harness.plugin import contract


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "list", help="scenarios, cases, drivers or servers", description=__doc__
    )
    parser.add_argument("what", choices=("scenarios", "cases", "drivers", "servers"))
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    rows = {
        "scenarios": _scenarios,
        "cases": _cases,
        "drivers": _drivers,
        "servers": _servers,
    }[args.what]()
    if args.format == "json":
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        name, *rest = row.values()
        say(f"{name:<30} {rest[0] if rest else ''}"[:80].rstrip())
    return 0


def _scenarios() -> list[dict[str, Any]]:
    from harness import scenario

    return [
        {"scenario": one.name, "title": one.title, "cells": len(one.cells), "why": one.why}
        for one in scenario.select([])
    ]


def _cases() -> list[dict[str, Any]]:
    from harness import scenario

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
        for one in scenario.select([])
        for cell in one.cells
    ]


def _drivers() -> list[dict[str, Any]]:
    return [
        {
            "driver": name,
            "plugin": point.value,
            "distribution": point.dist.name if point.dist else "",
        }
        for name, point in sorted(contract.entry_points().items())
    ]


def _servers() -> list[dict[str, Any]]:
    return [{"server": kind, "is": text} for kind, text in servers.KINDS.items()]
