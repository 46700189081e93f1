"""`tls`: a server with a certificate, and clients with certificates of their own.

The certificate is for 127.0.0.1. The place `tls_alias` is the same server by the name of
localhost, for which it is not. A password is asked for with TLS and without it; the user
of the word `tls_user` has no password, but the certificate of `tls_cert` and `tls_key`.
`tls_other_ca` is an authority that has signed nothing.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.core.errors import ServerError
from harness.servers import Server, child
from harness.servers.cluster import connect, made
from harness.servers.folder import Folder
from harness.servers.rigs.rig import Rig, settings

USER = "certuser"

_PROGRAM = "openssl"
_ADDRESS = "127.0.0.1"
_SERVER_EXTENSIONS = f"subjectAltName=IP:{_ADDRESS}\nextendedKeyUsage=serverAuth\n"
_CLIENT_EXTENSIONS = "extendedKeyUsage=clientAuth\n"
_CA_EXTENSIONS = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
_RULES = f"hostssl all {USER} 127.0.0.1/32 cert\nhost all {USER} 127.0.0.1/32 reject\n"


def lacks(server: Server) -> str:
    """The server must know TLS, and somebody has to make the certificates."""
    with connect(server.target) as connection:
        row = connection.execute("show ssl_library").fetchone()
    if row == ("",):
        return "these PostgreSQL binaries are built without OpenSSL: --server local"
    return "" if shutil.which(_PROGRAM) else f"tls: there is no {_PROGRAM} program"


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
    _authority(files, "ca")
    _authority(files, "other")
    _signed(files, "server", _ADDRESS, _SERVER_EXTENSIONS)
    _signed(files, "client", USER, _CLIENT_EXTENSIONS)
    for name in ("ca.crt", "server.crt", "server.key"):
        shutil.copyfile(files / name, folder.data / name)
        (folder.data / name).chmod(0o600)
        folder.own(folder.data / name)
    rules = folder.data / "pg_hba.conf"
    rules.write_text(_RULES + rules.read_text())


def _authority(files: Path, name: str) -> None:
    """A key, and a certificate that it has signed itself."""
    _request(files, name, f"pgdyno-{name}")
    (files / "extensions").write_text(_CA_EXTENSIONS)
    _certify(files, name, "-signkey", f"{name}.key")


def _signed(files: Path, name: str, subject: str, extensions: str) -> None:
    """A key, and a certificate of our authority."""
    _request(files, name, subject)
    (files / "extensions").write_text(extensions)
    _certify(files, name, "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial")


def _request(files: Path, name: str, subject: str) -> None:
    (files / "config").write_text("[req]\ndistinguished_name=name\n[name]\n")
    command = f"req -new -newkey rsa:2048 -nodes -config config -subj /CN={subject}".split()
    _openssl(files, *command, "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (files / f"{name}.key").chmod(0o600)


def _certify(files: Path, name: str, *signer: str) -> None:
    command = f"x509 -req -days 2 -in {name}.csr -out {name}.crt -extfile extensions"
    _openssl(files, *command.split(), *signer)


def _openssl(files: Path, *arguments: str) -> None:
    command: Sequence[str] = (_PROGRAM, *arguments)
    done = subprocess.run(
        command, cwd=files, env=child.environment(), capture_output=True, text=True
    )
    if done.returncode:
        raise ServerError(f"{_PROGRAM} {arguments[0]} failed: {child.tail(done.stderr)}")
