"""Certificates made on the fly, by the program openssl: an authority, and what it signs.

Each is `NAME.crt` and `NAME.key` in a folder of the caller's, which also holds the
authority's (`ca.crt`). They are good for two days.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness.core.errors import ServerError
from harness.servers import child

PROGRAM = "openssl"

_AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"


def lacks() -> str:
    """Why none can be made; empty if they can."""
    return "" if shutil.which(PROGRAM) else f"tls: there is no {PROGRAM} program"


def authority(files: Path, name: str) -> None:
    """A key, and a certificate that it has signed itself."""
    _request(files, name, f"pgdyno-{name}")
    (files / "extensions").write_text(_AUTHORITY)
    _certify(files, name, "-signkey", f"{name}.key")


def for_server(files: Path, name: str, address: str, *names: str) -> None:
    """A certificate of our authority for a server's address, and for its names."""
    held = ",".join([f"IP:{address}", *(f"DNS:{name}" for name in names)])
    _signed(files, name, address, f"subjectAltName={held}\nextendedKeyUsage=serverAuth\n")


def for_client(files: Path, name: str, user: str) -> None:
    """A certificate of our authority for a client that is this user."""
    _signed(files, name, user, "extendedKeyUsage=clientAuth\n")


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
    command: Sequence[str] = (PROGRAM, *arguments)
    done = subprocess.run(
        command, cwd=files, env=child.environment(), capture_output=True, text=True
    )
    if done.returncode:
        raise ServerError(f"{PROGRAM} {arguments[0]} failed: {child.tail(done.stderr)}")
