"""Routes to a server: what may stand between a client and the server of a run.

Each is started on first use and ended with the run. A route leads to the run's own
server, so its schemas, its oracle and its control connection are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.calls import Target
from harness.core.conditions import DIRECT, Condition
from harness.servers import Server


class Routes:
    """Every route of a run, shared by all its seats."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def lacks(self, condition: Condition) -> str:
        """Why this server cannot be reached like that; empty if it can."""
        return "" if condition == DIRECT else f"there is no route {condition}"

    def target(self, condition: Condition, target: Target) -> Target:
        """Where a client connects to reach `target` under a condition.

        Raises:
            ServerError: the route cannot be opened.
        """
        assert not self.lacks(condition)
        return target

    def pids(self) -> Sequence[int]:
        """The processes of all routes that are open: they are part of the run."""
        return ()

    def close(self) -> None:
        """End all of them."""
