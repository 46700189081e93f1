"""Everything that a run needs around it: a server, a control connection, a stage.

Entered once per run and left clean, whatever happens inside.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core import interrupt
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import ServerError
from harness.results.records import ServerFacts
from harness.servers import Server, ServerSpec, open_server
from harness.servers.folder import reap, scratch
from harness.venue import limits
from harness.venue.control import Control
from harness.venue.stage import Stage, staged

MINIMUM_VERSION = 130_000
SPARE_CONNECTIONS = 20


@dataclass(frozen=True, slots=True)
class Venue:
    """An open server with a stage on it, and a folder for what workers load."""

    server: Server
    control: Control
    facts: ServerFacts
    stage: Stage
    folder: Path


@contextlib.contextmanager
def opened(spec: ServerSpec) -> Iterator[Venue]:
    """Open a venue.

    Raises:
        ServerError: no server, not reachable, or too old.
    """
    reap()
    stack = contextlib.ExitStack()
    try:
        yield _entered(stack, spec)
    except BaseException as error:
        with interrupt.deferred():
            if not stack.__exit__(type(error), error, error.__traceback__):
                raise
    else:
        with interrupt.deferred():  # half of a farewell would leave the rest behind
            stack.close()


def _entered(stack: contextlib.ExitStack, spec: ServerSpec) -> Venue:
    server = stack.enter_context(open_server(spec))
    control = stack.enter_context(Control(server.target))
    facts = control.facts(server.label, managed=server.managed, transport=server.transport)
    if facts.version_num < MINIMUM_VERSION:
        raise ServerError(
            f"the server is PostgreSQL {facts.version}, too old",
            hint=f"pgdyno needs PostgreSQL {MINIMUM_VERSION // 10_000} or newer",
        )
    folder = stack.enter_context(scratch())
    stage = stack.enter_context(staged(control, facts, server, folder))
    return Venue(server, control, facts, stage, folder)


def connections_needed(
    cells: Sequence[Cell], arms: Sequence[Arm], further_seats: int = 0
) -> int:
    """How many connections a run holds at once, with some to spare; `further_seats` are
    those beside the arms' own."""
    most = max(map(limits.sessions_of, cells), default=1)
    return (len(arms) + further_seats) * (most + 2) + SPARE_CONNECTIONS
