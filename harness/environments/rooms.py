"""What a worker in another environment imports of ours: by links, and nothing besides.

The folder that pgdyno is installed in may hold every other package, too; on the path of
another interpreter those would take the place of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.core.errors import DriverError
from harness.environments import cache
from harness.plugin import contract

_OURS = ("harness", "pgdyno")


def rooms_for(driver: str = "") -> Path:
    """A folder with links to our packages and, for a driver, to its plug-in."""
    plugin = _plugin(driver) if driver else []
    links = {place.name: place for place in (*map(_place, _OURS), *plugin)}
    text = "\n".join(f"{name} {place}" for name, place in sorted(links.items()))
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    with cache.usable_root() as root:
        folder = root / f"{cache.ROOMS}{digest}"
        cache.hold_rooms(folder)
        if not folder.is_dir():
            _link(folder, links)
    return folder


def _link(folder: Path, links: Mapping[str, Path]) -> None:
    """Make the links; whoever is first makes them for all."""
    partial = folder.with_name(f"{folder.name}-{secrets.token_hex(4)}{cache.PARTIAL}")
    partial.mkdir()
    for name, place in links.items():
        (partial / name).symlink_to(place)
    try:
        partial.rename(folder)
    except OSError:
        shutil.rmtree(partial)
        if not folder.is_dir():
            raise


def _plugin(driver: str) -> list[Path]:
    """What a plug-in from outside consists of: its module, and others that came with it."""
    top = contract.locate(driver).partition(":")[0].partition(".")[0]
    if top in _OURS:
        return []
    found = [_place(top)]
    files = contract.distribution(driver).files or ()
    for name in sorted({file.parts[0] for file in files if file.suffix == ".py"}):
        place = found[0].parent / name
        if place.exists() and place not in found:
            found.append(place)
    return found


def _place(module: str) -> Path:
    """The package or the file of a top-level module."""
    spec = None
    with contextlib.suppress(ImportError, ValueError):
        spec = importlib.util.find_spec(module)
    if spec is None or not spec.origin:
        raise DriverError(f"the module '{module}' of a plug-in cannot be found")
    origin = Path(os.path.realpath(spec.origin))
    return origin.parent if spec.submodule_search_locations else origin
