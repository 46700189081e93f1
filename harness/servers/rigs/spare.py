"""`spare`: a server that steps may stop, start, restart or kill."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from harness.servers import Server
from harness.servers.cluster import made
from harness.servers.rigs.rig import Rig, settings


def lacks(_server: Server) -> str:
    """Every server that we start ourselves can have a second one."""
    return ""


@contextlib.contextmanager
def open(server: Server) -> Iterator[Rig]:
    """Start it from the same programs."""
    assert server.binaries is not None
    with made(server.binaries, settings(server)) as cluster:
        postmaster = cluster.postmaster
        yield Rig({"spare": cluster.target}, postmaster=postmaster, renew=postmaster.start)
