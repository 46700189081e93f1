"""What installed distributions announce as entry points, searched once for each group."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import EntryPoint

_State = tuple[tuple[str, int], ...]


def entry_points(group: str) -> dict[str, EntryPoint]:
    """Those of a group, by name, without importing any.

    Of several with one name it is the last one: `announced` has them all. To look through
    every distribution takes 10 ms and more, and a command asks for the same group several
    times. Who installs one meanwhile changes a folder of the path.
    """
    return {name: points[-1] for name, points in _found(group, _state()).items()}


def announced(group: str, name: str) -> Sequence[EntryPoint]:
    """All entry points of a group that have one name, of whatever distribution."""
    return _found(group, _state()).get(name, ())


@lru_cache(maxsize=32)
def _found(group: str, _state: _State) -> dict[str, list[EntryPoint]]:
    # A worker is told where its plug-in is: it needs neither this import nor the search.
    from importlib.metadata import entry_points

    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=group):
        found.setdefault(point.name, []).append(point)
    return found


def _state() -> _State:
    return tuple((folder, _changed_ns(folder)) for folder in sys.path)


def _changed_ns(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0
