"""What a rig is to the steps of a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.core.calls import Target
from harness.core.errors import OracleError
from harness.servers import Server
from harness.servers.postmaster import Postmaster


def _here(call: Callable[[], Any]) -> Any:
    return call()


@dataclass(frozen=True, slots=True)
class Rig:
    """What is running: its places by name, words for the steps.

    Steps may stop `postmaster`, if there is one; `renew` brings the rig back to what the
    next case expects; `within` calls a function in the thread that keeps the rig.
    """

    targets: Mapping[str, Target]
    words: Mapping[str, str] = field(default_factory=dict)
    postmaster: Postmaster | None = None
    renew: Callable[[], None] | None = None
    within: Callable[[Callable[[], Any]], Any] = _here

    def do(self, op: str) -> None:
        """Stop, start, restart or kill.

        Raises:
            OracleError: this one is not for that.
        """
        if self.postmaster is None:
            raise OracleError(f"no step may {op} this server: take the one of `spare`")
        self.within(getattr(self.postmaster, op))

    def restore(self) -> None:
        """Make it ready for the next case."""
        if self.renew is not None:
            self.within(self.renew)


def settings(server: Server) -> dict[str, str]:
    """Those of the main server, in a smaller size."""
    return {**server.profile, "max_connections": "50", "shared_buffers": "16MB"}
