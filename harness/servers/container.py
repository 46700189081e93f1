"""`container:IMAGE`: a PostgreSQL image, started through testcontainers."""

from __future__ import annotations

import contextlib
import importlib
import secrets
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from harness.core.calls import Target
from harness.core.errors import MissingExtra, ServerError
from harness.servers import Server, ServerSpec
from harness.servers.cluster import NAME, connect, make_extensions, profile
from harness.servers.dsn import scrub

# The second is where releases before 4.15 have it, and warns since.
MODULES = ("testcontainers.community.postgres", "testcontainers.postgres")

_PORT = 5432
_START_S = 60.0
_POLL_S = 0.1

SUMMARY = "a container image, started through testcontainers: container:postgres:18"


@contextlib.contextmanager
def open(spec: ServerSpec) -> Iterator[Server]:
    """Start the image with our settings; the container is removed at the end.

    Raises:
        MissingExtra: testcontainers is not installed.
        ServerError: no image is named, no engine answers, or the server does not start.
    """
    _refuse(spec)
    factory = _factory()
    password = secrets.token_urlsafe(24)
    settings = profile(spec)
    container = None
    with contextlib.ExitStack() as stack:
        try:
            container = factory(spec.argument, _PORT, NAME, password, NAME)
            container.with_command(command(settings))
            stack.callback(_remove, container)
            container.start()
            target = _target(container, password)
        except Exception as error:  # docker's, requests' and testcontainers' own
            # `from None`: what testcontainers tells has its psql command, password and all.
            raise _failure(spec.argument, scrub(str(error), password), container) from None
        _await_answer(target)
        yield Server(spec.label, target, True, "tcp", 0, settings)


def command(settings: dict[str, str]) -> list[str]:
    """What the image's entry point is told to run."""
    return [
        "postgres",
        *(part for item in settings.items() for part in ("-c", "=".join(item))),
    ]


def _refuse(spec: ServerSpec) -> None:
    if not spec.argument:
        raise ServerError("no image is named", hint="container:postgres:18")
    if spec.transport == "unix":
        raise ServerError("a container is reached over TCP only", hint="use TCP, or wheel")


def _factory() -> Any:
    for module in MODULES:
        with contextlib.suppress(ImportError):
            return importlib.import_module(module).PostgresContainer
    raise MissingExtra("containers", "a container")


def _target(container: Any, password: str) -> Target:
    host = container.get_container_host_ip()
    return Target(host, int(container.get_exposed_port(_PORT)), NAME, password, NAME)


def _await_answer(target: Target) -> None:
    """Inside it answers already; the way in from here may open a moment later."""
    deadline = time.monotonic() + _START_S
    while True:
        try:
            with connect(target) as connection:
                return make_extensions(connection)
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise ServerError(f"the container does not answer: {error}") from error
        time.sleep(_POLL_S)


def _remove(container: Any) -> None:
    # It was not created at all when the engine refused the image.
    with contextlib.suppress(Exception):
        container.stop()


def _failure(image: str, reason: str, container: Any) -> ServerError:
    log = ""
    with contextlib.suppress(Exception):  # there may be no container, or it never ran
        log = "\n".join(part.decode(errors="replace") for part in container.get_logs())
    said = "\n".join(log.strip().splitlines()[-8:])
    return ServerError(
        f"the container '{image}' cannot be started: {reason}"
        + (f"\n{said}" if said else ""),
        hint="is a container engine running (docker info), and is there such an image? "
        "Without a registry set TESTCONTAINERS_RYUK_DISABLED=true",
    )
