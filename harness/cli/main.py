"""The command line: argument parsing only. Each verb lives in a file of its own.

Exit codes: 0 pass · 1 regression or failed check · 2 usage · 3 inconclusive ·
4 invalid or not comparable · 5 infrastructure · 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import keyword
import sys
from collections.abc import Sequence
from typing import TextIO, cast

from harness import __version__
from harness.cli.outlet import Outlet
from harness.cli.terminal import complain
from harness.core import interrupt
from harness.core.errors import (
    EXIT_INFRASTRUCTURE,
    EXIT_INTERRUPTED,
    EXIT_PASS,
    PgdynoError,
)

VERBS = ("bench", "check", "compare", "bisect", "report", "show", "diff", "claims", "fuzz",
         "try", "import", "store", "trend", "plan", "run-job", "fleet", "merge", "collect",
         "combine", "list", "doctor", "environments")  # fmt: skip
_MACHINE_LACKS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.EROFS,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
)
_EPILOG = __doc__.partition("\n\n")[2] if __doc__ else ""


def build_parser(verbs: Sequence[str] = VERBS) -> argparse.ArgumentParser:
    """The command line, of all verbs or of some."""
    parser = argparse.ArgumentParser(
        prog="pgdyno",
        description="Evidence about Python's PostgreSQL drivers: are they right, how fast "
        "are they and at what, and did that change?",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"pgdyno {__version__}")
    subparsers = parser.add_subparsers(title="verbs", metavar="VERB", dest="verb")
    for verb in verbs:
        importlib.import_module(f"harness.cli.{_module(verb)}").add_parser(subparsers)
    return parser


def _module(verb: str) -> str:
    """The file of a verb; one that is a keyword of Python's has a `_` behind it."""
    return f"{verb}_" if keyword.iskeyword(verb) else verb.replace("-", "_")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code and never a traceback for a known error."""
    out, err = Outlet(sys.stdout), Outlet(sys.stderr)
    with (
        contextlib.redirect_stdout(cast("TextIO", out)),
        contextlib.redirect_stderr(cast("TextIO", err)),
    ):
        code = _run(argv)
        out.flush()
        if out.complaint:
            print(f"pgdyno: the output is not complete: {out.complaint}", file=sys.stderr)
        err.flush()
    return code or (EXIT_INFRASTRUCTURE if out.complaint else EXIT_PASS)


def _run(argv: Sequence[str] | None) -> int:
    try:
        interrupt.install()
        words = sys.argv[1:] if argv is None else argv
        parser = build_parser(_asked(words))
        arguments = parser.parse_args(words)
        if arguments.verb is None:
            parser.print_help()
            return EXIT_PASS
        code: int = arguments.run(arguments)
    except PgdynoError as error:
        return _told(error, str(error), error.hint, error.exit_code)
    except SystemExit as end:  # argparse has said why
        if end.code:
            raise
        return EXIT_PASS
    except KeyboardInterrupt as stop:
        return _told(stop, "interrupted", "", EXIT_INTERRUPTED)
    except OSError as error:
        if error.errno not in _MACHINE_LACKS:
            raise
        where = f"{error.filename}: " if error.filename else ""
        return _told(error, f"{where}{error.strerror}", "", EXIT_INFRASTRUCTURE)
    return code


def _asked(words: Sequence[str]) -> Sequence[str]:
    """The verb that a line begins with: no other needs to be imported. Else all."""
    return words[:1] if words and words[0] in VERBS else VERBS


def _told(error: BaseException, what: str, hint: str, code: int) -> int:
    """Say what ended the run, and what it leaves behind."""
    notes = getattr(error, "__notes__", ())
    complain("\n  ".join([what, *notes]), hint)
    return code


if __name__ == "__main__":
    sys.exit(main())
