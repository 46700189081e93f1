"""Options that several verbs share, and what they mean."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from harness import environments
from harness.cli.terminal import complain
from harness.core.arms import Arm, Profile
from harness.plugin import contract

FIRST = ("psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy")
"""In this order drivers are asked and shown; all others follow by their names."""


def installed() -> list[str]:
    """Every installed driver plug-in: whom a verb asks if nobody is named."""
    names = sorted(contract.entry_points())
    return sorted(
        names, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST)
    )


def add_paths(parser: argparse.ArgumentParser) -> None:
    """`PATH…`: which scenarios."""
    parser.add_argument(
        "path",
        nargs="*",
        metavar="PATH",
        help="a scenario (copy/in), a case (copy/in#rows), a family (copy) or a TOML file",
    )


def add_drivers(parser: argparse.ArgumentParser) -> None:
    """`--driver D`: which drivers."""
    parser.add_argument(
        "--driver",
        action="append",
        default=[],
        metavar="D",
        help="a driver with its options, such as asyncpg+uvloop; ==VERSION, @FOLDER, "
        "@CLONE#COMMIT or %%PYTHON give it an environment of its own; may be repeated "
        f"(default: every installed one: {', '.join(installed())})",
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
    parser.add_argument(
        "--transport",
        choices=("tcp", "unix"),
        default="tcp",
        help="how drivers reach a server that pgdyno starts (default: tcp)",
    )


def arms(names: Sequence[str], profile: Profile) -> list[Arm]:
    """The arms of these drivers, of all installed ones if none is named, each once."""
    chosen = [contract.parse_arm(name, profile) for name in names or installed()]
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
