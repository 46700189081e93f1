"""How a study ends, whatever happens to it."""

from __future__ import annotations

import sys
from collections.abc import Callable

from harness.core import interrupt
from harness.core.errors import EXIT_INTERRUPTED, PgdynoError


def exit_code(study: Callable[[], int]) -> int:
    """The exit code of a study; a known error is a sentence."""
    interrupt.install()
    try:
        return study()
    except PgdynoError as error:
        print(f"studies: {error}", file=sys.stderr)
        if error.hint:
            print(f"  hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("studies: interrupted; what is kept is not run again", file=sys.stderr)
        return EXIT_INTERRUPTED
