"""The folder in which environments are kept: found, locked, listed, cleared.

    NAME/              an environment, renamed into place when it was complete
    NAME/pgdyno.json   what it is (`Manifest`)
    NAME.lock          held shared by whoever uses it, exclusively by whoever makes it
    NAME.partial/      one that is being made, or was when its run was killed
    rooms-…/           links to pgdyno's own packages, which workers import
    logs/              what the installer said of those that could not be made

The kernel lets go of a lock however its holder ends, so nothing has to be tidied up after
a killed run: the next that makes the environment begins anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness.core import interrupt
from harness.core.errors import DriverError

VARIABLE = "PGDYNO_ENVIRONMENTS"
"""The environment variable that names another folder."""

SCHEMA = 1
ROOMS = "rooms-"
_MANIFEST = "pgdyno.json"
PARTIAL = ".partial"
_LOGS = "logs"
_LOOK_AGAIN_S = 0.2
_WAIT_S = 3600.0
_LATELY_S = 3600.0
_held: dict[Path, int] = {}
"""Locks of the environments that this process uses, until it ends."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an environment is: for whom it was made, of what, and when.

    `request` is equal where the same was asked for; `packages` is what came of it,
    and `lacking` what could not be had.
    """

    arm: str
    interpreter: str
    request: str
    base: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    lacking: tuple[str, ...] = ()
    made: str = ""
    schema: int = SCHEMA


def root() -> Path:
    """The folder of all environments: of the user's cache, unless the variable says."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("pgdyno", appauthor=False) / "environments"


def partial(folder: Path) -> Path:
    """Where an environment is while it is being made."""
    return folder.with_name(f"{folder.name}{PARTIAL}")


def python_of(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / "bin" / "python"


def manifests() -> Iterator[tuple[Path, Manifest]]:
    """Every complete environment.

    Raises:
        DriverError: the folder that should hold them cannot be read.
    """
    for folder in _folders():
        if (found := read(folder)) is not None:
            yield folder, found


def _folders() -> list[Path]:
    """What lies in the folder, in order; nothing where it was not made yet."""
    try:
        return sorted(path for path in root().iterdir() if path.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(root(), error, "no environment can be read in") from error


def read(folder: Path) -> Manifest | None:
    """What an environment says of itself; None where it is not there or not complete."""
    try:
        told = json.loads((folder / _MANIFEST).read_text("utf-8"))
        found = Manifest(**{**told, "lacking": tuple(told["lacking"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    usable = found.schema == SCHEMA and python_of(folder).exists()
    return found if usable and folder.suffix != PARTIAL else None


def write(folder: Path, manifest: Manifest) -> None:
    """Say what an environment is; the last file that it gets."""
    (folder / _MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), "utf-8")


@contextlib.contextmanager
def usable_root() -> Iterator[Path]:
    """The folder, made; raises `DriverError` where it cannot be written."""
    folder = root()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    except OSError as error:
        raise _unusable(folder, error, "no environment can be made in") from error


def _unusable(folder: Path, error: OSError, what: str) -> DriverError:
    """The folder of all environments is not what it should be."""
    why = "it is no folder" if isinstance(error, FileExistsError) else error.strerror
    return DriverError(f"{what} {folder}: {why}", hint=f"{VARIABLE} names another folder")


# --- locks ------------------------------------------------------------------------------


def hold(folder: Path) -> Manifest | None:
    """Use an environment until this process ends; None where there is no complete one."""
    if folder not in _held:
        _held[folder] = _shared(folder)
    found = read(folder)
    if found is None:  # let somebody make it
        os.close(_held.pop(folder))
    return found


def hold_rooms(folder: Path) -> None:
    """Use a folder of links until this process ends."""
    if folder not in _held:
        _held[folder] = _shared(folder)


def _shared(folder: Path) -> int:
    """A lock on it, after whoever makes it now."""
    lock = _opened(folder)
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


@contextlib.contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """Be the only one that makes an environment, after whoever makes it now."""
    deadline = time.monotonic() + _WAIT_S
    lock = _opened(folder)
    try:
        while not _locked(lock):
            if time.monotonic() > deadline:
                raise DriverError(f"another run has been making {folder.name} for an hour")
            time.sleep(_LOOK_AGAIN_S)
            interrupt.check()
        yield
    finally:
        os.close(lock)


def _opened(folder: Path) -> int:
    return os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o666)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# --- tidying up -------------------------------------------------------------------------


def size_bytes(folder: Path) -> int:
    """How much disk an environment takes."""
    files = (file for file in folder.rglob("*") if not file.is_symlink())
    return sum(file.stat().st_size for file in files if file.is_file())


def clear() -> tuple[list[str], list[str]]:
    """Remove everything that nobody uses; the environments that were, and those in use.

    Locks stay: who waits for a file that was removed would lock something else.
    """
    names = {path.name.removesuffix(PARTIAL) for path in _folders()} - {_LOGS}
    folders = [root() / name for name in sorted(names)]
    complete = [folder for folder in folders if read(folder) is not None]
    try:
        used = [folder for folder in folders if not _removed(folder)]
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(root() / _LOGS)
    except OSError as error:
        raise _unusable(root(), error, "not all can be removed from") from error
    removed = [folder.name for folder in complete if folder not in used]
    return removed, [folder.name for folder in used if not folder.name.startswith(ROOMS)]


def _removed(folder: Path) -> bool:
    """Whether nobody used it, so that it is gone now."""
    lock = _opened(folder)
    try:
        if folder in _held or not _locked(lock):
            return False
        for path in (folder, partial(folder)):
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(path)
        return True
    finally:
        os.close(lock)


def log_of(folder: Path) -> Path:
    """Where to keep what an installer said."""
    file = folder.parent / _LOGS / f"{folder.name}.log"
    file.parent.mkdir(exist_ok=True)
    return file


def said_lately(folder: Path) -> str:
    """What an installer said of it within the last hour; empty if it said nothing."""
    log = log_of(folder)
    try:
        age_s = time.time() - log.stat().st_mtime
        said = log.read_text("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return said if 0 <= age_s < _LATELY_S else ""
