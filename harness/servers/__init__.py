"""Where PostgreSQL comes from: one interface, one file per kind, found by entry point.

`open_server("wheel:16")` is a context manager that gives a running `Server`, and
leaves nothing behind when it ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from harness.core import installed
from harness.core.calls import Target
from harness.core.errors import UsageError

Transport = Literal["tcp", "unix"]

GROUP = "pgdyno.servers"
"""The entry points of server kinds. The name is the kind, what it names a `ServerKind`: a
module, or any object with these members."""


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

    @property
    def managed(self) -> bool:
        """Whether the server is made for the run, and empty at first."""
        return self.kind in ("wheel", "local")


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


@runtime_checkable
class ServerKind(Protocol):
    """Where a server comes from."""

    SUMMARY: str
    """What a user reads about it, and how it is asked for: `wheel, wheel:16`."""

    def open(self, spec: ServerSpec) -> contextlib.AbstractContextManager[Server]:
        """Start or reach the server; leave nothing behind."""


def kinds() -> dict[str, EntryPoint]:
    """The kinds that are installed, by name."""
    return installed.entry_points(GROUP)


def load(name: str) -> ServerKind:
    """The kind of this name.

    Raises:
        UsageError: there is none, or what its entry point names is no kind.
    """
    point = kinds().get(name)
    if point is None:
        # What does not look like a kind may be a DSN with a password in it.
        shown = f" '{name}'" if name.isidentifier() else " of this form"
        known = ", ".join(sorted(kinds()))
        raise UsageError(f"there is no server kind{shown}", hint=f"one of: {known}")
    try:
        found = point.load()
    except (ImportError, AttributeError) as error:
        raise UsageError(f"the server kind '{name}' cannot be loaded: {error}") from error
    if not isinstance(found, ServerKind):
        text = f"{point.value} lacks open() or SUMMARY"
        raise UsageError(f"the server kind '{name}' is none: {text}")
    return found


def parse(
    text: str, *, max_connections: int = 100, transport: Transport = "tcp"
) -> ServerSpec:
    """`wheel:18` → ServerSpec; raises `UsageError` for a kind that does not exist."""
    kind, _, argument = text.partition(":")
    if kind in ("postgresql", "postgres"):
        kind, argument = "dsn", text
    if kind not in kinds():
        load(kind)  # says what there is
    return ServerSpec(kind, argument, max_connections, transport)


@contextlib.contextmanager
def open_server(spec: ServerSpec) -> Iterator[Server]:
    """A running server of the kind; raises `ServerError` when there can be none."""
    with load(spec.kind).open(spec) as server:
        yield server
