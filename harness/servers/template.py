"""What `initdb` made, kept in the user's cache: to copy it costs a third of making it.

    KEY/data            a data directory on which no server ever ran
    KEY/template.json   the password of its superuser, and how much there is to copy
    KEY.XXXX.partial/   one that is being kept, or was when its run was killed

A template is complete when it has its name, and never changes after that, so it takes no
lock. One that has lost a file, to whoever tidies caches, is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.servers.folder import Folder

VARIABLE = "PGDYNO_TEMPLATES"
"""The environment variable that names another folder; none is used where it is empty."""

FORM = 1
"""Counts up when `initdb` is called otherwise, or templates are kept otherwise."""

UNUSED_DAYS = 30

_FACTS = "template.json"
_PARTIAL = ".partial"
_PARTIAL_S = 3600.0
_LOCALES = Path("/usr/lib/locale/locale-archive")  # pg_collation tells what is in it


@dataclass(frozen=True, slots=True)
class Facts:
    """What a template says of itself. The password is good for copies that nobody has
    taken into use: then they get one of their own."""

    password: str
    files: int
    size: int


def root() -> Path | None:
    """The folder of all templates: of the user's cache, unless the variable says."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named).expanduser().absolute() if named else None
    from platformdirs import user_cache_path

    return user_cache_path("pgdyno", appauthor=False) / "templates"


def key(binaries: Path) -> str:
    """By what `initdb` makes: the program with its version, and the system's locales."""
    program = hashlib.sha256((binaries / "postgres").read_bytes()).hexdigest()
    libc = os.confstr("CS_GNU_LIBC_VERSION") if hasattr(os, "confstr") else ""
    locales = 0
    with contextlib.suppress(OSError):
        locales = _LOCALES.stat().st_mtime_ns
    told = json.dumps([FORM, program, libc, locales])
    return hashlib.sha256(told.encode()).hexdigest()[:24]


def copy(name: str, folder: Folder) -> str:
    """Fill a server's data directory; the password of its superuser.

    Empty where there is no such template, or not all of it: then nothing is in the data
    directory either.
    """
    place = _place(name)
    if place is None:
        return ""
    try:
        facts = Facts(**json.loads((place / _FACTS).read_text("utf-8")))
        if _copied(place / "data", folder) == (facts.files, facts.size):
            os.utime(place)
            return facts.password
    except (OSError, ValueError, TypeError, shutil.Error):
        pass  # it is not there, or nobody can read what is
    _empty(folder.data)
    shutil.rmtree(place, ignore_errors=True)
    return ""


def keep(name: str, folder: Folder, password: str) -> None:
    """Keep a data directory as it is now, before a server runs on it.

    Nothing is kept where there is no place for it; that is no reason to stop.
    """
    place = _place(name)
    if place is None:
        return
    with contextlib.suppress(OSError, shutil.Error):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _tidy(place.parent)
        partial = Path(tempfile.mkdtemp(_PARTIAL, f"{name}.", place.parent))
        try:
            shutil.copytree(folder.data, partial / "data")
            facts = Facts(password, *_extent(partial / "data"))
            (partial / _FACTS).write_text(json.dumps(asdict(facts)), "utf-8")
            partial.rename(place)
        finally:  # another run may have been faster
            shutil.rmtree(partial, ignore_errors=True)


def _place(name: str) -> Path | None:
    """Where a template is or will be; None where the folder is somebody else's."""
    place = root()
    if place is None:
        return None
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        status = place.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            return None
    return place / name


def _copied(data: Path, folder: Folder) -> tuple[int, int]:
    """Copy all of it for the account that the server runs as; how many files, and bytes."""
    sizes = []

    def copied(source: str, target: str) -> None:
        shutil.copy(source, target)
        path = Path(target)
        folder.own(path)
        sizes.append(path.stat().st_size)

    shutil.copytree(data, folder.data, dirs_exist_ok=True, copy_function=copied)
    for path, _, _ in os.walk(folder.data):
        folder.own(Path(path))
    return len(sizes), sum(sizes)


def _extent(data: Path) -> tuple[int, int]:
    """How many files there are, and how many bytes."""
    sizes = [
        Path(folder, name).stat().st_size
        for folder, _, names in os.walk(data)
        for name in names
    ]
    return len(sizes), sum(sizes)


def _empty(data: Path) -> None:
    for path in data.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _tidy(place: Path) -> None:
    """Remove what nobody has used for long, and what killed runs left."""
    for path in place.iterdir():
        age_s = time.time() - path.stat().st_mtime
        limit_s = _PARTIAL_S if path.suffix == _PARTIAL else UNUSED_DAYS * 86_400
        if age_s > limit_s:
            shutil.rmtree(path, ignore_errors=True)
