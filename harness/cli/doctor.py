"""`pgdyno doctor`: can this machine run it, and what is missing?"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import options
from harness.cli.terminal import complain, say

if TYPE_CHECKING:
    from harness.validity import Outcome


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "doctor",
        help="is everything in place: drivers, server, machine",
        description="Look at drivers, the server and the machine; say what is missing and "
        "what to do about it. Exits 5 when no benchmark could run.",
    )
    options.add_server(parser)
    parser.add_argument(
        "--format",
        choices=("text", "json", "markdown"),
        default="text",
        help="markdown: a table, with --validate only (default: text)",
    )
    parser.add_argument(
        "--validate",
        action="store_true",
        help="test pgdyno’s own numbers on this machine (five minutes)",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="with --validate: as many trials as the marks ask for, and other tools as "
        "well (two to three hours); what --keep already holds is not run again",
    )
    parser.add_argument(
        "--trials",
        type=int,
        metavar="N",
        help="with --validate --full: at most N trials of each kind, which takes less time",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="with --validate: keep the trials (with --full: results/validity)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Examine, print, and say by the exit code whether a run is possible."""
    from harness.core.errors import EXIT_INFRASTRUCTURE, EXIT_PASS

    if args.validate:
        return _validate(args)
    findings = [*_drivers(), *_server(args), *_machine()]
    if args.format == "json":
        print(json.dumps(findings, indent=1))
    else:
        for one in findings:
            mark = "ok" if one["ok"] else "--"
            say(f"{mark:<3} {one['subject']:<22} {one['detail']}")
            if one["hint"]:
                say(f"{'':<26} {one['hint']}")
    usable = {
        kind: any(f["ok"] for f in findings if f["kind"] == kind)
        for kind in ("driver", "server")
    }
    return EXIT_PASS if all(usable.values()) else EXIT_INFRASTRUCTURE


def _validate(args: argparse.Namespace) -> int:
    """Run the tests of pgdyno's own numbers; 1 if a mark is not kept."""
    from harness import servers
    from harness.cli.progress import BenchProgress
    from harness.core.errors import EXIT_FAILED, EXIT_PASS, UsageError
    from harness.servers.folder import scratch
    from harness.validity import others, suite
    from harness.venue import venue

    spec = servers.parse(args.server, max_connections=100, transport=args.transport)
    effort = suite.FULL if args.full else suite.QUICK
    if args.trials is not None:
        if args.trials < 1:
            raise UsageError(
                "--trials must be 1 or more",
                hint="leave it out for as many as the marks ask for",
            )
        effort = suite.at_most(effort, args.trials)
    kept = args.keep or (Path("results/validity") if args.full else None)
    with (
        contextlib.nullcontext(kept) if kept else scratch() as folder,
        venue.opened(spec) as place,
        BenchProgress() as progress,
    ):
        found = suite.run(suite.Bench(place, effort, folder, progress))
        outcomes = _printed(found, args.format)
    if effort.others is not None:
        for sentence in others.missing():
            complain(sentence)
    own = [one for one in outcomes if one.tool == "pgdyno"]
    return EXIT_PASS if all(one.ok for one in own) else EXIT_FAILED


def _printed(found: Iterable[Outcome], form: str) -> list[Outcome]:
    """All outcomes, printed: as text one by one, in other forms at the end. Who interrupts
    an hour's work gets those that it had."""
    from harness.validity import table

    outcomes = []
    try:
        for one in found:
            outcomes.append(one)
            if form == "text":
                print(f"{'ok' if one.ok else '--':<3} {one.test}")
                print(f"{'':<4}{one.mark}: {one.measured}", flush=True)
    finally:
        rows = [one.as_dict() for one in outcomes]
        if form == "json":
            print(json.dumps(rows, indent=1))
        elif form == "markdown":
            print(table.markdown(rows), end="")
    return outcomes


def _finding(
    kind: str, subject: str, detail: str, *, ok: bool, hint: str = ""
) -> dict[str, Any]:
    return {"kind": kind, "subject": subject, "ok": ok, "detail": detail, "hint": hint}


def _drivers() -> Iterator[dict[str, Any]]:
    from harness.core.errors import DriverError
    from harness.plugin import contract

    for name in contract.entry_points():
        try:
            terms = contract.load(contract.parse_arm(name)).terms()
        except DriverError as error:
            yield _finding("driver", name, str(error), ok=False, hint=error.hint)
        else:
            detail = f"{terms.library} {terms.version}, {terms.implementation}"
            yield _finding("driver", name, detail, ok=True)


def _server(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    from harness import servers
    from harness.core.errors import PgdynoError
    from harness.venue import venue

    spec = servers.parse(args.server, transport=args.transport)
    try:
        with venue.opened(spec) as place:
            extensions = ", ".join(f"{n} {v}" for n, v in place.facts.extensions.items())
            detail = f"PostgreSQL {place.facts.version}; {extensions}"
            yield _finding("server", spec.label, detail, ok=True)
    except PgdynoError as error:
        yield _finding("server", spec.label, str(error), ok=False, hint=error.hint)


def _machine() -> Iterator[dict[str, Any]]:
    from harness.machine import host

    about = host.describe()
    yield _finding("machine", "processor", f"{about.cpu}, {about.cores} cores", ok=True)
    split = host.place(server=True)
    yield _finding(
        "machine",
        "placement",
        "clients and server on cores of their own"
        if split.server
        else "client and server share",
        ok=bool(split.server),
        hint="" if split.server else "two cores are needed to keep them apart",
    )
    yield _finding("machine", "python", sys.version.split()[0], ok=True)
