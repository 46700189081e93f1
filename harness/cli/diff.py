"""`pgdyno diff`: what changes for somebody who moves from one driver to another."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import lanes
from harness.cli import options
from harness.cli.files import write
from harness.core.arms import PROFILES, Arm
from harness.core.cells import Cell

if TYPE_CHECKING:
    from harness.check.checker import Hellos
    from harness.moving import DriverSide, Guide
    from harness.results.records import Run

FORMATS = ("markdown", "html", "json")

_EPILOG = """\
examples:
  pgdyno diff psycopg2 psycopg > moving.md
  pgdyno diff psycopg2 asyncpg --format html --out moving.html
  pgdyno diff asyncpg psqlpy types/numbers
  pgdyno diff psycopg2 asyncpg own.toml --times
  pgdyno diff asyncpg psqlpy --from checks.jsonl
"""


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "diff",
        help="what changes when you move from one driver to another",
        description="Ask both drivers the same questions and report where the\nanswers "
        "differ, as a guide for the move: silent changes first,\neach with what to do.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", metavar="DRIVER_A", help="the driver you leave")
    parser.add_argument("after", metavar="DRIVER_B", help="the driver you move to")
    options.add_paths(parser)
    parser.add_argument(
        "--profile", choices=PROFILES, default="configured", help="default: configured"
    )
    options.add_server(parser)
    parser.add_argument(
        "--times",
        action="store_true",
        help="also time the mixes of PATH with both drivers, and say what the move changes "
        "for such a workload",
    )
    parser.add_argument(
        "--from",
        dest="run_file",
        type=Path,
        metavar="RUN.jsonl",
        help="read a run of pgdyno check instead of checking now",
    )
    parser.add_argument(
        "--format", choices=FORMATS, default="markdown", help="default: markdown"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check or read, and write the guide."""
    from harness import moving
    from harness.core.errors import EXIT_INVALID, EXIT_PASS, UsageError
    from harness.moving import fixes

    arms = [options.arms([name], args.profile)[0] for name in (args.before, args.after)]
    if arms[0] == arms[1]:
        raise UsageError(
            "there is nothing to move: both are the same driver",
            hint="name two, such as pgdyno diff psycopg2 psycopg",
        )
    if args.run_file and args.path:
        raise UsageError(
            "PATH chooses what is checked; --from reads what was checked",
            hint="leave one of them out",
        )
    mixes = _mixes(args) if args.times else []
    checked = _read(args.run_file, arms) if args.run_file else _check(args, arms)
    before, after = (_side(arm, checked) for arm in arms)
    guide = moving.build(
        checked, before, after, args.profile, fixes.load(arms[0].driver, arms[1].driver)
    )
    if mixes:
        guide = replace(guide, workload=_workload(args, arms, mixes, guide))
    _put(rendered(guide, args.format), args.out)
    return EXIT_PASS if guide.compared else EXIT_INVALID


def _read(path: Path, arms: list[Arm]) -> Run:
    from harness.core.errors import ResultsError
    from harness.results.store import read

    found = read(path)
    there = {(check.driver, check.profile) for check in found.checks}
    for arm in arms:
        if (arm.name, arm.profile) not in there:
            known = ", ".join(sorted(f"{driver} ({profile})" for driver, profile in there))
            raise ResultsError(
                f"{path} has no check of {arm.name} ({arm.profile})",
                hint=f"it has: {known or 'none'}",
            )
    return found


def _check(args: argparse.Namespace, arms: list[Arm]) -> Run:
    """Check both drivers; the run goes through a file, as every run does."""
    from harness.cli.checking import check_into
    from harness.core.errors import DriverError
    from harness.results.store import read
    from harness.scenario import select_cells

    def greeted(hellos: Hellos) -> None:
        if absent := options.tell_absent(hellos):
            raise DriverError(f"there is nothing to compare {absent[0]} with")

    options.make_environments(arms)
    scenarios, cells = select_cells(args.path)
    if not args.path:
        cells = [cell for cell in cells if cell.checked]
    with tempfile.TemporaryDirectory(prefix="pgdyno-") as folder:
        path = Path(folder) / "diff.jsonl"
        check_into(path, args, scenarios, cells, arms, greeted)
        return read(path)


def _mixes(args: argparse.Namespace) -> list[Cell]:
    """The mixes of PATH, which --times is about.

    Raises:
        UsageError: there is none.
    """
    from harness.core.errors import UsageError
    from harness.scenario import select_cells

    cells = select_cells(args.path)[1] if args.path else []
    mixes = [cell for cell in cells if cell.mix and cell.bench]
    if not mixes:
        raise UsageError(
            "--times is about a workload, and PATH names no [[mix]] that can be timed",
            hint="pgdyno import writes one: pgdyno diff psycopg2 asyncpg own.toml --times",
        )
    return mixes


def _workload(
    args: argparse.Namespace, arms: list[Arm], mixes: list[Cell], guide: Guide
) -> tuple[str, ...]:
    """Time the mixes with both drivers; what the move changes for each."""
    from harness import servers
    from harness.bench import orders, schedule
    from harness.bench.assignment import runnable
    from harness.cli.bench import measure
    from harness.report.moved import moved
    from harness.results.store import read
    from harness.scenario import select_cells

    plan = schedule.PLANS["quick"]
    forecast = runnable(lanes.DEFAULT).forecast(mixes, arms, plan)
    spec = servers.parse(
        args.server, max_connections=forecast.connections, transport=args.transport
    )
    seed = random.SystemRandom().randrange(2**31)
    order = orders.Order(select_cells(args.path)[0], mixes, arms, plan, "quick", seed)
    with tempfile.TemporaryDirectory(prefix="pgdyno-") as folder:
        path = Path(folder) / "times.jsonl"
        measure(spec, order, path)
        found = moved(read(path), arms[0].id, arms[1].id, guide.changed)
    return tuple(mix.sentence for mix in found)


def _side(arm: Arm, checked: Run) -> DriverSide:
    """A driver with the terms that it had in the run, whatever is installed here."""
    from harness.moving import DriverSide

    facts = [
        recorded
        for recorded in checked.header.arms
        if recorded.terms and (recorded.id, recorded.profile) == (arm.id, arm.profile)
    ]
    if facts:
        return DriverSide(arm.name, facts[0].kind, facts[0].terms)
    print(
        f"pgdyno: {checked.path} does not say which version of {arm.name} it was, nor its"
        " terms\n  hint: a new check does: pgdyno check --out FILE.jsonl",
        file=sys.stderr,
    )
    return DriverSide(arm.name)


def rendered(guide: Guide, form: str) -> str:
    """The guide in the form that was asked for."""
    from harness.render import migration

    if form == "html":
        from harness.core.errors import needing

        with needing("report", "an HTML report"):
            return migration.html(guide)
    return migration.json(guide) if form == "json" else migration.markdown(guide)


def _put(text: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(text)
        return
    print(write(out, text.encode()))
