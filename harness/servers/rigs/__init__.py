"""Servers that only some cases need, started on first use and ended with the run.

All seats share them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar, Protocol

from harness.core.errors import OracleError, ServerError
from harness.servers import Server
from harness.servers.keeper import Keeper
from harness.servers.rigs import pgbouncer, spare, standby, tls
from harness.servers.rigs.rig import Rig as Rig


class RigKind(Protocol):
    """A module in this package."""

    def lacks(self, server: Server) -> str:
        """Why it cannot be had beside a server of our own; empty if it can."""

    def open(self, server: Server) -> contextlib.AbstractContextManager[Rig]:
        """Start it, and end it with the block; raises `ServerError`."""


_KINDS: Mapping[str, RigKind] = {
    "spare": spare,
    "standby": standby,
    "pgbouncer": pgbouncer,
    "tls": tls,
}


class Rigs:
    """Every rig of a run."""

    KINDS: ClassVar[tuple[str, ...]] = tuple(_KINDS)

    def __init__(self, server: Server) -> None:
        self.server = server
        self._locks = {kind: threading.Lock() for kind in _KINDS}
        self._running: dict[str, Rig] = {}
        self._failures: dict[str, str] = {}
        self._keeper = Keeper("rigs")

    def lacks(self, need: str) -> str:
        """Why a rig cannot be had here; empty if it can."""
        if not self.server.managed or self.server.binaries is None:
            return f"{need}: only beside a server of pgdyno's own: --server wheel or local"
        return _KINDS[need].lacks(self.server)

    @contextlib.contextmanager
    def use(self, need: str) -> Iterator[Rig]:
        """A rig for the time of one case, nobody else's meanwhile.

        Raises:
            OracleError: it does not start.
        """
        with self._locks[need]:
            rig = self._started(need)
            try:
                yield rig
            finally:
                rig.restore()

    def close(self) -> None:
        """End whatever was started."""
        self._keeper.close()

    def _started(self, need: str) -> Rig:
        if need in self._failures:
            raise OracleError(self._failures[need])
        if need not in self._running:
            try:
                rig = self._keeper.do(lambda: self._open(need))
            except ServerError as error:
                self._failures[need] = f"the server for {need} does not start: {error}"
                raise OracleError(self._failures[need]) from error
            self._running[need] = replace(rig, within=self._keeper.do)
        return self._running[need]

    def _open(self, need: str) -> Rig:
        return self._keeper.enter(_KINDS[need].open(self.server))
