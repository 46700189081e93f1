"""PgBouncer: the program, and a process of it."""

from __future__ import annotations

import functools
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psycopg

from harness.core.calls import Target
from harness.core.errors import ServerError
from harness.servers import child
from harness.servers.cluster import connect
from harness.servers.folder import Folder

PROGRAM = "pgbouncer"

_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")  # not on every PATH
_PATIENCE_S = {signal.SIGTERM: 5.0}
_START_S = 20.0
_POLL_S = 0.02


def found() -> str | None:
    """The program's path."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *_PLACES])
    return shutil.which(PROGRAM, path=path)


@functools.cache
def version(program: str) -> str:
    """`1.18.0`; empty if it does not say."""
    told = re.search(r"\d+\.\d+(\.\d+)?", child.run([program, "--version"], None).stdout)
    return told[0] if told else ""


def since(told: str, *wanted: int) -> bool:
    """Whether a version is this one or a later one."""
    return tuple(map(int, filter(None, told.split(".")))) >= wanted


def write(folder: Folder, name: str, text: str) -> Path:
    """A file that only PgBouncer's user may read: it may hold a password."""
    path = folder.data / name
    path.touch(mode=0o600)
    path.write_text(text)
    folder.own(path)
    return path


def ini(databases: Mapping[str, str], settings: Mapping[str, str]) -> str:
    """A configuration: each database's connection string, and the settings."""
    sections = {"databases": databases, "pgbouncer": settings}
    lines: list[str] = []
    for section, entries in sections.items():
        lines += [f"[{section}]", *(f"{name} = {text}" for name, text in entries.items())]
    return "\n".join([*lines, ""])


class Bouncer:
    """Its process for a `with` block, which may be made anew. It answers at `target`."""

    def __init__(self, program: str, folder: Folder, target: Target) -> None:
        self.command: Sequence[str] = [program, str(folder.data / "pgbouncer.ini")]
        self.folder = folder
        self.target = target

    def __enter__(self) -> Bouncer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers."""
        # Where it works is how a later run finds it, should it outlive this one.
        self.process = child.spawn(
            self.command, self.folder, self.folder.data, signal.SIGKILL
        )
        try:
            self.await_answer(self._answers)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it at once, with all its connections."""
        child.end(self.process, _PATIENCE_S)

    def restart(self) -> None:
        """Stop and start it."""
        self.stop()
        self.start()

    def await_answer(self, answers: Callable[[], bool]) -> None:
        """Wait until it answers; raises `ServerError` with its log if it does not."""
        deadline = time.monotonic() + _START_S
        while not answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                log = self.folder.log.read_text(errors="replace")
                said = child.tail(log)
                raise ServerError(
                    f"{PROGRAM} does not answer: {said}", hint=child.hint(log)
                )
            time.sleep(_POLL_S)

    def _answers(self) -> bool:
        try:
            connect(self.target).close()
        except psycopg.OperationalError:
            return False
        return True
