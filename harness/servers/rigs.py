"""Servers that only some cases need, started on first use: one that may be stopped, …"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.model import Target
from harness.servers import Server


@dataclass(slots=True)
class Rig:
    """What is running: its places by name, words for the steps."""

    targets: Mapping[str, Target]
    words: Mapping[str, str] = field(default_factory=dict)

    def do(self, op: str) -> None:
        """Stop, start, restart or kill."""


class Rigs:
    """Every rig of a run."""

    KINDS: ClassVar[tuple[str, ...]] = ("spare", "standby", "pgbouncer", "tls")

    def __init__(self, server: Server) -> None:
        self.server = server

    def lacks(self, need: str) -> str:
        """Why a rig cannot be had here; empty if it can."""
        return f"{need}: not yet"

    @contextlib.contextmanager
    def use(self, need: str) -> Iterator[Rig]:
        """A rig for the time of one case, nobody else's meanwhile."""
        yield Rig({})

    def close(self) -> None:
        """End whatever was started."""
