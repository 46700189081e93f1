"""Options that several verbs share, and what they mean."""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness import environments
from harness.cli.terminal import complain, remark
from harness.core.arms import Arm, Profile
from harness.core.cells import Cell
from harness.core.conditions import DIRECT, VIAS, Condition, crossed, listed
from harness.core.errors import UsageError
from harness.plugin import contract

FIRST = ("psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy")
"""In this order drivers are asked and shown; all others follow by their names."""


def usual() -> list[str]:
    """The drivers that a verb asks if nobody is named."""
    return sorted(
        contract.usual(),
        key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST),
    )


def _named(text: str) -> list[str]:
    """The drivers that a user means: one arm, or all whose names match a pattern.

    Raises:
        UsageError: no driver matches the pattern.
    """
    if not any(sign in text for sign in "*?[") or "@" in text:
        return [text]
    head, plus, options = text.partition("+")
    found = fnmatch.filter(sorted(contract.entry_points()), head.strip())
    if not found:
        raise UsageError(f"no driver matches '{text}'", hint="pgdyno list drivers")
    return [f"{name}{plus}{options}" for name in found]


def add_paths(parser: argparse.ArgumentParser) -> None:
    """`PATH…`: which scenarios."""
    parser.add_argument(
        "path",
        nargs="*",
        metavar="PATH",
        help="a family (copy), a scenario (copy/in), a case (copy/in#rows), sweep points "
        "of it (copy/in#rows@rows=1000) or a TOML file",
    )


def add_drivers(parser: argparse.ArgumentParser) -> None:
    """`--driver D`: which drivers."""
    parser.add_argument(
        "--driver",
        action="append",
        default=[],
        metavar="D",
        help="a driver with its options, such as asyncpg+uvloop; ==VERSION, @FOLDER, "
        "@CLONE#COMMIT or %%PYTHON give it an environment of its own; may be repeated; "
        f"a pattern such as 'sqlspec-*' names several (default: {', '.join(usual())})",
    )


def add_server(parser: argparse.ArgumentParser) -> None:
    """`--server S` and `--transport T`."""
    default = "dsn" if os.environ.get("PGDYNO_DSN") else "wheel"
    parser.add_argument(
        "--server",
        default=default,
        metavar="S",
        help="wheel[:16|:18], local[:BINDIR], dsn:postgresql://… or container:IMAGE "
        "(default: $PGDYNO_DSN if set, else wheel)",
    )
    add_transport(parser)


def add_transport(parser: argparse.ArgumentParser) -> None:
    """`--transport T`."""
    parser.add_argument(
        "--transport",
        choices=("tcp", "unix"),
        default="tcp",
        help="how drivers reach a server that pgdyno starts where no --via says otherwise "
        "(default: tcp)",
    )


def add_profile(parser: argparse.ArgumentParser) -> None:
    """`--profile P`: how drivers are set up where times are taken."""
    parser.add_argument(
        "--profile",
        choices=("default", "configured"),
        default="configured",
        help="as installed, or with the documented registrations done "
        "(default: configured)",
    )


def add_conditions(parser: argparse.ArgumentParser) -> None:
    """`--via W` and `--rtt MS`: how cells are reached."""
    parser.add_argument(
        "--via",
        action="append",
        default=[],
        metavar="W",
        help=f"way to the server: {', '.join(VIAS)}; several between commas "
        "(default: direct)",
    )
    parser.add_argument(
        "--rtt",
        action="append",
        default=[],
        metavar="MS",
        help="network: round-trip times to add, ms, between commas, such as 0.2,1,5,45",
    )


def conditions(args: argparse.Namespace) -> tuple[Condition, ...]:
    """The conditions that were asked for."""
    return crossed(listed(args.via), listed(args.rtt))


def under_conditions(args: argparse.Namespace, cells: Sequence[Cell]) -> list[Cell]:
    """The cells under the conditions that were asked for; else as their files say, and
    those that a path names under one as it says."""
    asked = conditions(args)
    return [
        found
        for cell in cells
        for found in (
            cell.under(asked or cell.conditions or (DIRECT,))
            if cell.condition == DIRECT
            else [cell]
        )
    ]


def checked_under_conditions(args: argparse.Namespace, cells: Sequence[Cell]) -> list[Cell]:
    """The same where nothing is timed: files say nothing of that. Cases of steps connect
    to places of their own, so they are left out under a condition, and told."""
    plain = [replace(cell, conditions=()) for cell in cells]
    found = under_conditions(args, plain)
    left_out = {cell.id for cell in found if cell.steps and cell.condition != DIRECT}
    if left_out:
        told = "case of steps connects" if len(left_out) == 1 else "cases of steps connect"
        remark(f"{len(left_out)} {told} to places of its own: left out under a condition")
    return [cell for cell in found if cell.id not in left_out]


def arms(names: Sequence[str], profile: Profile) -> list[Arm]:
    """The arms of these drivers, of the usual ones if none is named, each once."""
    told = [name for text in names for name in _named(text)] if names else usual()
    chosen = [contract.parse_arm(name, profile) for name in told]
    for arm in chosen:
        contract.verify_options(arm)
    return list(dict.fromkeys(chosen))


def make_environments(arms: Sequence[Arm]) -> None:
    """Make what arms with a pin run in, before a server waits for it.

    What cannot be made is said where a driver that cannot be loaded is.
    """
    environments.prepare(arms, lambda text: print(f"pgdyno: {text}", file=sys.stderr))


def tell_absent(greeted: Sequence[tuple[Arm, Mapping[str, Any]]]) -> list[str]:
    """Say of each arm that takes no part why; their names."""
    from harness.play import absent

    for sentence in absent.told(greeted):
        complain(sentence)
    return list(dict.fromkeys(arm.name for arm, told in greeted if "problem" in told))


def tell_unwritable(reason: str) -> None:
    """What to grant where pgdyno can make no schema of its own; nothing where it can."""
    if reason:
        print(f"pgdyno: cells that need a schema are skipped: {reason}", file=sys.stderr)
