"""What installed distributions announce as entry points, searched once for each group."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_State = tuple[tuple[str, int], ...]


def entry_points(group: str) -> dict[str, EntryPoint]:
    """Those of a group, by name, without importing any.

    To look through every distribution takes 10 ms and more, and a command asks for the
    same group several times. Who installs one meanwhile changes a folder of the path.
    """
    return dict(_found(group, _state()))


@lru_cache(maxsize=32)
def _found(group: str, _state: _State) -> dict[str, EntryPoint]:
    # A worker is told where its plug-in is: it needs neither this import nor the search.
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=group)}


def _state() -> _State:
    return tuple((folder, _changed_ns(folder)) for folder in sys.path)


def _changed_ns(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0
