"""`pgdyno doctor`: can this machine run it, and what is missing?"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from harness.commands import options


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "doctor",
        help="is everything here: drivers, server, machine",
        description="Look at drivers, the server and the machine; say what is missing and "
        "what to do about it. Exits 5 when no benchmark could run.",
    )
    options.add_server(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Examine, print, and say by the exit code whether a run is possible."""
    from harness.errors import EXIT_INFRASTRUCTURE, EXIT_PASS

    findings = [*_drivers(), *_server(args), *_machine()]
    if args.format == "json":
        print(json.dumps(findings, indent=1))
    else:
        for one in findings:
            mark = "ok" if one["ok"] else "--"
            print(f"{mark:<3} {one['subject']:<22} {one['detail']}")
            if one["hint"]:
                print(f"{'':<26} {one['hint']}")
    usable = {
        kind: any(f["ok"] for f in findings if f["kind"] == kind)
        for kind in ("driver", "server")
    }
    return EXIT_PASS if all(usable.values()) else EXIT_INFRASTRUCTURE


def _finding(
    kind: str, subject: str, detail: str, *, ok: bool, hint: str = ""
) -> dict[str, Any]:
    return {"kind": kind, "subject": subject, "ok": ok, "detail": detail, "hint": hint}


def _drivers() -> Iterator[dict[str, Any]]:
    from harness import driver
    from harness.errors import DriverError

    for name in driver.entry_points():
        try:
            terms = driver.load(driver.parse_arm(name)).terms()
        except DriverError as error:
            yield _finding("driver", name, str(error), ok=False, hint=error.hint)
        else:
            detail = f"{terms.library} {terms.version}, {terms.implementation}"
            yield _finding("driver", name, detail, ok=True)


def _server(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    from harness import servers, venue
    from harness.errors import PgdynoError

    spec = servers.parse(args.server, transport=args.transport)
    try:
        with venue.opened(spec) as place:
            extensions = ", ".join(f"{n} {v}" for n, v in place.facts.extensions.items())
            detail = f"PostgreSQL {place.facts.version}; {extensions}"
            yield _finding("server", spec.label, detail, ok=True)
    except PgdynoError as error:
        yield _finding("server", spec.label, str(error), ok=False, hint=error.hint)


def _machine() -> Iterator[dict[str, Any]]:
    from harness import machine

    about = machine.describe()
    yield _finding("machine", "processor", f"{about.cpu}, {about.cores} cores", ok=True)
    split = machine.place(server=True)
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
