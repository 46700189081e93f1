"""The command line: argument parsing only. Each verb lives in a file of its own.

Exit codes: 0 pass · 1 regression or failed check · 2 usage · 3 inconclusive ·
4 invalid or not comparable · 5 infrastructure · 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from harness import __version__
from harness.cli.terminal import complain
from harness.core import interrupt
from harness.core.errors import EXIT_INTERRUPTED, PgdynoError

VERBS = ("bench", "check", "compare", "report", "show", "diff", "fuzz", "list", "doctor")
_EPILOG = __doc__.partition("\n\n")[2] if __doc__ else ""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="pgdyno",
        description="Evidence about Python's PostgreSQL drivers: are they right, how fast "
        "are they and at what, and did that change?",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"pgdyno {__version__}")
    subparsers = parser.add_subparsers(title="verbs", metavar="VERB", dest="verb")
    for verb in VERBS:
        importlib.import_module(f"harness.cli.{verb}").add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code and never a traceback for a known error."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.verb is None:
        parser.print_help()
        return 0
    interrupt.install()
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except PgdynoError as error:
        complain(error, error.hint)
        return error.exit_code
    except KeyboardInterrupt:
        complain("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away; the interpreter must not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main())
