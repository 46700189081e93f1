"""`tls`: TLS that ends in a process of ours before the server.

So it is the same TLS before every server, also before one that was built without it. The
certificate is made on the fly, for 127.0.0.1 and localhost, and clients verify it. Behind
it the connection is plain; a server that takes none is no server for this way, because its
own TLS would be a second one inside ours.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import psycopg

from harness.servers import Server, certificates
from harness.servers.folder import scratch
from harness.servers.routes.way import Way, connect, said

_ADDRESS, _NAME = "127.0.0.1", "localhost"
_LABEL = "TLS, which ends in a process of pgdyno before the server"


def lacks(server: Server) -> str:
    """The server must take connections without TLS, and somebody make the certificates."""
    if reason := certificates.lacks():
        return reason
    try:
        connect(server.target, "disable").close()
    except psycopg.Error as error:
        return (
            "the server takes no connection without TLS, as there is behind the process in "
            f"which this way's TLS ends (its own TLS is what `direct` uses): {said(error)}"
        )
    return ""


@contextlib.contextmanager
def open(_server: Server) -> Iterator[Way]:
    """Make the certificates; a relay with their names does the rest."""
    with scratch() as files:
        _furnish(files)
        orders = {
            "certificate": str(files / "server.crt"),
            "key": str(files / "server.key"),
        }
        versions = {"openssl": ssl.OPENSSL_VERSION}
        yield Way(_LABEL, versions, orders=orders, ca=str(files / "ca.crt"))


def _furnish(files: Path) -> None:
    certificates.authority(files, "ca")
    certificates.for_server(files, "server", _ADDRESS, _NAME)
