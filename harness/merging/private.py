"""What is secret here: the passwords and names that this machine's settings hold."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from platformdirs import user_data_path

from harness.results.records import Machine, changed

KEY_VARIABLE = "PGDYNO_MACHINE_KEY"
"""A secret of a project whose machines keep no file: by it bundles tell them apart."""
_KEYED = "k"
"""Begins the name of a machine in a bundle; a hash of a host's name has hex digits only."""
_PUBLIC = re.compile(r"localhost|127\..*|::1|0\.0\.0\.0|/.*|")
_PAIR = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|\S+)")
_URIS = ("postgresql", "postgres")


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must not be told, longest first: a part may be within another."""

    passwords: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    home: str = ""


def secrets_here(environ: Mapping[str, str] = os.environ) -> Secrets:
    """What the environment, the password file and the system say."""
    dsn = _parsed(environ.get("PGDYNO_DSN", "").removeprefix("dsn:"))
    passwords = [environ.get("PGPASSWORD", ""), dsn.get("password", "")]
    name = socket.gethostname()
    places = ("host", "hostaddr")
    hosts = [name, name.partition(".")[0]]
    hosts += [environ.get(f"PG{place.upper()}", "") for place in places]
    hosts += [dsn.get(place, "") for place in places]
    home = str(Path.home())
    return Secrets(
        _longest_first([*passwords, *_of_file(environ)]),
        _longest_first(host for host in hosts if not _PUBLIC.fullmatch(host)),
        home if home != "/" else "",
    )


def _longest_first(texts: Iterator[str] | list[str]) -> tuple[str, ...]:
    return tuple(
        sorted({text for text in texts if text}, key=lambda text: (-len(text), text))
    )


def _parsed(dsn: str) -> dict[str, str]:
    """The parts of a DSN, a URI or key=value pairs, as far as they are secret."""
    if dsn.partition("://")[0] not in _URIS:
        return {key: _unquoted(value) for key, value in _PAIR.findall(dsn)}
    userinfo, _, place = dsn.partition("://")[2].rpartition("@")
    found = {"password": unquote(userinfo.partition(":")[2])}
    with suppress(ValueError):
        parts = urlsplit(f"//{place}")
        found["host"] = unquote(parts.hostname or "")
        query = (pair.partition("=") for pair in parts.query.split("&"))
        found |= {name: unquote(value) for name, _, value in query if value}
    return found


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == "'" else value


def _of_file(environ: Mapping[str, str]) -> Iterator[str]:
    """The passwords of libpq's password file."""
    path = Path(environ.get("PGPASSFILE") or Path.home() / ".pgpass")
    with suppress(OSError, ValueError):
        for line in path.read_text("utf-8").splitlines():
            fields = re.split(r"(?<!\\):", line)
            if len(fields) == 5 and not line.startswith("#"):
                yield re.sub(r"\\(.)", r"\1", fields[4])


# --- machines ---------------------------------------------------------------------------


def disguised(machine: Machine) -> Machine:
    """The machine under a name that nobody can turn back.

    The hash of a host's name can be: whoever guesses the name can check the guess. With a
    key that stays here, machines are told apart, by whoever collects them.
    """
    if machine.hostname_hash.startswith(_KEYED):
        return machine
    told = hmac.new(_key(), machine.hostname_hash.encode(), hashlib.sha256).hexdigest()
    return changed(machine, hostname_hash=_KEYED + told[:11])


def _key() -> bytes:
    text = os.environ.get(KEY_VARIABLE, "")
    return text.encode() if text else _kept(user_data_path("pgdyno") / "machine-key")


@cache
def _kept(path: Path) -> bytes:
    """The key in a file of the user's; made if it is not there."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            new = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(new, "wb") as file:
                file.write(secrets.token_bytes(32))
        if key := path.read_bytes():
            return key
    return secrets.token_bytes(32)
