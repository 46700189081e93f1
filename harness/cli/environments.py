"""`pgdyno environments`: those that were made for arms, and how to be rid of them."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from harness.cli.terminal import say

_EPILOG = """\
An arm such as asyncpg==0.31.0 or psycopg%3.13 has an environment of its own,
which stays for the next run. They lie in the user's cache, or in
$PGDYNO_ENVIRONMENTS.

examples:
  pgdyno environments list
  pgdyno environments clear
"""


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "environments",
        help="what arms such as asyncpg==0.31.0 run in: list or clear",
        description="List the environments that were made for arms, or remove them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "what", choices=("list", "clear"), help="clear keeps those that a run uses now"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List or remove."""
    told = _listed() if args.what == "list" else _cleared()
    if args.format == "json":
        print(json.dumps(told, indent=1))
    elif args.what == "list":
        _say_list(told)
    else:
        _say_cleared(told)
    return 0


def _listed() -> dict[str, Any]:
    from harness.environments import cache

    found = [
        {"name": folder.name, "bytes": cache.size_bytes(folder), **asdict(manifest)}
        for folder, manifest in cache.manifests()
    ]
    return {"folder": str(cache.root()), "environments": found}


def _cleared() -> dict[str, Any]:
    from harness.environments import cache

    removed, used = cache.clear()
    return {"folder": str(cache.root()), "removed": removed, "in use": used}


def _say_list(told: dict[str, Any]) -> None:
    from harness.report import format as fmt

    for found in told["environments"]:
        about = f"{found['interpreter']}, {fmt.size(found['bytes'])}, {found['made'][:10]}"
        say(f"{found['arm']:<34} {about}")
        say(f"{'':<4}{', '.join(f'{n} {v}' for n, v in found['packages'].items())}")
        if found["source"]:
            say(f"{'':<4}built from {found['source']}")
    count = fmt.plural(len(told["environments"]), "environment")
    say(f"{count} in {told['folder']}")


def _say_cleared(told: dict[str, Any]) -> None:
    from harness.report import format as fmt

    say(f"removed {fmt.plural(len(told['removed']), 'environment')} in {told['folder']}")
    for name in told["in use"]:
        say(f"in use, kept: {name}")
