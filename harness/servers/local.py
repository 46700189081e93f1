"""`local[:BINDIR]`: an installed PostgreSQL, of which pgdyno starts a server of its own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from harness.core.errors import ServerError
from harness.servers import Server, ServerSpec
from harness.servers.cluster import OLDEST, run, version_of

PROGRAMS = ("initdb", "postgres")

_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # PGDG on Fedora and its relatives
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)

SUMMARY = "an installed PostgreSQL, started by pgdyno: local, local:/path/to/bin"


def open(spec: ServerSpec) -> AbstractContextManager[Server]:
    """Start a server from the folder in the argument, else from the one that is found.

    Raises:
        ServerError: there are no binaries, they are too old, or they do not start.
    """
    binaries = given(spec.argument) if spec.argument else find()
    version = version_of(binaries)
    if version < OLDEST:
        raise ServerError(
            f"{binaries} holds PostgreSQL {version}", hint=f"pgdyno needs {OLDEST} or newer"
        )
    return run(spec, binaries)


def given(argument: str) -> Path:
    """The bin folder that the user names, or the one below it."""
    folder = Path(argument).expanduser()
    for candidate in (folder, folder / "bin"):
        if _is_complete(candidate):
            return candidate.absolute()
    missing = [program for program in PROGRAMS if not (folder / program).is_file()]
    raise ServerError(
        f"{folder} does not hold {' and '.join(missing)}",
        hint="name the folder of the server's programs: local:/usr/lib/postgresql/18/bin",
    )


def find() -> Path:
    """The first complete bin folder: pg_config's, on PATH, then the newest installed."""
    found = next((folder for folder in _candidates() if _is_complete(folder)), None)
    if found is None:
        raise ServerError(
            "pg_config, PATH and the usual places lead to no PostgreSQL server",
            hint="name its programs with local:/path/to/bin, or use --server wheel",
        )
    return found


def _candidates() -> Iterator[Path]:
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        yield Path(subprocess.check_output(["pg_config", "--bindir"], text=True).strip())
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    places = [folder for place in _PLACES for folder in Path("/").glob(place.lstrip("/"))]
    yield from sorted(places, key=_number, reverse=True)


def _number(path: Path) -> tuple[int, ...]:
    """The version in a path, so that 9 comes before 18."""
    return tuple(int(digits) for digits in re.findall(r"\d+", str(path)))


def _is_complete(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in PROGRAMS)
