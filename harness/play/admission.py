"""Whether the server lets anybody in: what it denies to pgdyno itself is nobody's fault."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from harness.core.calls import Target
from harness.core.errors import ServerError, SilentServerError
from harness.venue.control import connected

LEAVING_S = 1.0
"""How long a session that was closed may still be there."""
_POLL_S = 0.05


def denied(target: Target, sessions: int, leave: Callable[[], None]) -> str:
    """Why pgdyno does not get so many sessions either; empty if it does.

    Sessions that a driver left open end with its worker, a moment later: `leave` ends it.
    """
    deadline = time.monotonic() + LEAVING_S
    while (reason := _refused(target, sessions)) and time.monotonic() < deadline:
        leave()
        time.sleep(_POLL_S)
    return reason


def _refused(target: Target, sessions: int) -> str:
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(sessions):
                stack.enter_context(connected(target))
    except SilentServerError:
        raise
    except ServerError as error:
        return f"pgdyno itself gets no session: {error}"
    return ""
