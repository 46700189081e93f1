"""`direct`: the server's own address. A network may be put before it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from harness.servers import Server
from harness.servers.routes.way import Way


def lacks(_server: Server) -> str:
    """Nothing is needed."""
    return ""


@contextlib.contextmanager
def open(_server: Server) -> Iterator[Way]:
    """Nothing is started."""
    yield Way("plain connection")
