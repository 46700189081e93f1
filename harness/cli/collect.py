"""`pgdyno collect`: runs in a file that may be published."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.merge import add_runs

if TYPE_CHECKING:
    from harness.merging.packing import Collected

_DESCRIPTION = """\
Collect runs in a bundle: a zip of whole runs, joined as `pgdyno merge` joins
them, and of a manifest with drivers, versions, servers, machines and digests.
Passwords, names and addresses of hosts, and home folders are taken out, and a
machine gets a name that leads nowhere. The same runs make the same bytes.
"""
_EPILOG = """\
exit codes: 0 all runs were collected, 4 a file was left out, or there is no run

examples:
  pgdyno collect results/runs --out asyncpg-0.32.pgdyno.zip
"""


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "collect",
        help="put runs into a bundle that may be published",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_runs(parser)
    parser.add_argument(
        "--out",
        type=bundle,
        required=True,
        metavar="NAME.pgdyno.zip",
        help="file to write the bundle to",
    )
    parser.set_defaults(run=run)


def bundle(text: str) -> Path:
    """The name of a bundle, by whose end it is known."""
    from harness.merging.bundles import SUFFIX

    if not text.endswith(SUFFIX):
        raise argparse.ArgumentTypeError(f"'{text}' does not end in {SUFFIX}")
    return Path(text)


def run(args: argparse.Namespace) -> int:
    """Write the bundle and say what is in it; files that cannot be read are told."""
    from harness.cli.terminal import complain, say
    from harness.core.errors import EXIT_INVALID, EXIT_PASS
    from harness.merging import packing
    from harness.merging.joining import joined

    joining = joined(args.runs)
    try:
        collected = packing.write(joining, args.out)
    finally:
        for _, error in joining.left_out:
            complain(error, error.hint)
    say(_told(collected, args.out))
    return EXIT_INVALID if joining.left_out else EXIT_PASS


def _told(collected: Collected, out: Path) -> str:
    from harness.report import format as fmt

    manifest = collected.manifest
    gone = [f"{fmt.plural(count, kind)}" for kind, count in collected.scrubbed.items()]
    size = fmt.size(out.stat().st_size)
    lines = [
        f"{fmt.plural(len(manifest.files), 'run')}: {', '.join(manifest.drivers)}",
        f"removed from texts: {', '.join(gone) or 'nothing'}",
        f"bundle: {out} ({size})",
    ]
    return "\n".join(line for text in lines for line in fmt.wrapped(text, 80, rest="  "))
