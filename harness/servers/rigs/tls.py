"""`tls`: a server with a certificate, and clients with certificates of their own.

The certificate is for 127.0.0.1. The place `tls_alias` is the same server by the name of
localhost, for which it is not. A password is asked for with TLS and without it; the user
of the word `tls_user` has no password, but the certificate of `tls_cert` and `tls_key`.
`tls_other_ca` is an authority that has signed nothing.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.servers import Server, certificates
from harness.servers.cluster import connect, made
from harness.servers.folder import Folder
from harness.servers.rigs.rig import Rig, settings

USER = "certuser"

_ADDRESS = "127.0.0.1"
_RULES = f"hostssl all {USER} 127.0.0.1/32 cert\nhost all {USER} 127.0.0.1/32 reject\n"


def lacks(server: Server) -> str:
    """The server must know TLS, and somebody has to make the certificates."""
    with connect(server.target) as connection:
        row = connection.execute("show ssl_library").fetchone()
    if row == ("",):
        return "these PostgreSQL binaries are built without OpenSSL: --server local"
    return certificates.lacks()


@contextlib.contextmanager
def open(server: Server) -> Iterator[Rig]:
    """Start it from the same programs."""
    assert server.binaries is not None
    own = {**settings(server), "ssl": "on", "ssl_ca_file": "ca.crt"}
    with made(server.binaries, own, _furnish) as cluster:
        with connect(cluster.target) as connection:
            connection.execute(f"create role {USER} login")
        files = _client_files(cluster.folder)
        alias = replace(cluster.target, host="localhost")
        yield Rig(
            {"tls": cluster.target, "tls_alias": alias},
            {
                "tls_ca": str(files / "ca.crt"),
                "tls_other_ca": str(files / "other.crt"),
                "tls_cert": str(files / "client.crt"),
                "tls_key": str(files / "client.key"),
                "tls_user": USER,
            },
        )


def _client_files(folder: Folder) -> Path:
    return folder.path / "certificates"


def _furnish(folder: Folder) -> None:
    """Make all certificates with us, and give the server's to the server's user."""
    files = _client_files(folder)
    files.mkdir(mode=0o700)
    certificates.authority(files, "ca")
    certificates.authority(files, "other")
    certificates.for_server(files, "server", _ADDRESS)
    certificates.for_client(files, "client", USER)
    for name in ("ca.crt", "server.crt", "server.key"):
        shutil.copyfile(files / name, folder.data / name)
        (folder.data / name).chmod(0o600)
        folder.own(folder.data / name)
    rules = folder.data / "pg_hba.conf"
    rules.write_text(_RULES + rules.read_text())
