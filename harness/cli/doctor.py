"""`pgdyno doctor`: can this machine run it, and what is missing?"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.cli import options
from harness.cli.terminal import say

_WIDTH = 80


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "doctor",
        help="is everything in place: drivers, server, machine",
        description="Look at drivers, the server and the machine; say what is missing and "
        "what to do about it. Exits 5 when no benchmark could run.",
    )
    options.add_server(parser)
    options.add_conditions(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument(
        "--validate",
        action="store_true",
        help="test pgdyno’s own numbers on this machine (five minutes); with --via or "
        "--rtt: what must hold under each of these conditions (a minute each)",
    )
    parser.add_argument("--full", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="with --validate: keep the trials, and do not run those that are kept",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Examine, print, and say by the exit code whether a run is possible."""
    from harness.core.errors import EXIT_INFRASTRUCTURE, EXIT_PASS, UsageError

    if args.full:
        raise UsageError(
            "the long study of the measurements is not in the package",
            hint="in a checkout: nox -s validity",
        )
    if args.validate:
        return _validate(args)
    if args.via or args.rtt:
        raise UsageError(
            "--via and --rtt go with --validate",
            hint="pgdyno doctor --validate --via tls",
        )
    findings = [*_drivers(), *_server(args), *_machine()]
    if args.format == "json":
        print(json.dumps(findings, indent=1))
    else:
        for finding in findings:
            for line in _lines(finding):
                say(line)
    usable = {
        kind: any(f["ok"] for f in findings if f["kind"] == kind)
        for kind in ("driver", "server")
    }
    return EXIT_PASS if all(usable.values()) else EXIT_INFRASTRUCTURE


def _lines(finding: Mapping[str, Any]) -> list[str]:
    """A finding in 80 columns, with what to do about it below."""
    from harness.report import format as fmt

    mark = "ok" if finding["ok"] else "--"
    first, rest = f"{mark:<3} {finding['subject']:<29} ", " " * 34
    lines = fmt.wrapped(finding["detail"], _WIDTH, first=first, rest=rest)
    return [*lines, *fmt.wrapped(finding["hint"], _WIDTH, first=rest, rest=rest)]


def _validate(args: argparse.Namespace) -> int:
    """Run the tests of pgdyno's own numbers; 1 if a mark is not kept."""
    from harness import servers
    from harness.cli.progress import BenchProgress
    from harness.core.errors import EXIT_FAILED, EXIT_PASS
    from harness.servers.folder import scratch
    from harness.validity import listing, suite
    from harness.venue import venue

    asked = options.conditions(args)
    spec = servers.parse(args.server, max_connections=100, transport=args.transport)
    with (
        contextlib.nullcontext(args.keep) if args.keep else scratch() as folder,
        venue.opened(spec) as place,
        BenchProgress() as progress,
    ):
        trials = folder if args.keep else folder / "trials"  # beside what says whose it is
        parts = suite.under(asked) if asked else suite.QUICK
        found = suite.run(suite.Workbench(place, trials, progress), parts)
        form = listing.as_json if args.format == "json" else None
        outcomes = listing.printed(found, form)
    return EXIT_PASS if all(outcome.ok for outcome in outcomes) else EXIT_FAILED


def _finding(
    kind: str, subject: str, detail: str, *, ok: bool, hint: str = ""
) -> dict[str, Any]:
    return {"kind": kind, "subject": subject, "ok": ok, "detail": detail, "hint": hint}


def _drivers() -> Iterator[dict[str, Any]]:
    from harness.core.errors import DriverError, LibraryMissingError
    from harness.plugin import contract

    usual = contract.usual()
    absent = []
    for name in contract.entry_points():
        try:
            terms = contract.terms_of(contract.load(contract.parse_arm(name)))
        except DriverError as error:
            if isinstance(error, LibraryMissingError) and name not in usual:
                absent.append(name)
            else:
                yield _finding("driver", name, str(error), ok=False, hint=error.hint)
        else:
            yield _finding("driver", name, _libraries(terms), ok=True)
    if absent:
        yield _further(sorted(absent))


def _libraries(terms: Mapping[str, str]) -> str:
    """A driver's library, and of a layer also that of the driver below it."""
    own = f"{terms['library']} {terms['version']}, {terms['implementation']}"
    if "wraps" not in terms:
        return own
    return f"{own}; on {terms['wrapped_library']} {terms['wrapped_version']}"


def _further(absent: Sequence[str]) -> dict[str, Any]:
    """Drivers that are asked when they are named: nobody has to have them."""
    from harness.environments import present

    commands = [present.command(name).replace(f"[{name}]", "[NAME]") for name in absent]
    return _finding(
        "further",
        "not installed",
        ", ".join(absent),
        ok=False,
        hint=f"for those that you want: {'; '.join(dict.fromkeys(commands))}",
    )


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
