"""Which tests stay together when several processes run them: those that share a fixture."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent.parent


class SharedFixtures(LoadScopeScheduling):
    """A file that makes something once for all its tests goes to one process, whole. Every
    other test goes to whoever is free, so that no process is left with one long file.

    `--dist loadgroup` would do, had it not stopped to see groups with pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if shares(file) else nodeid


@cache
def shares(file: str) -> bool:
    """Whether a file of tests has a fixture for all of them."""
    return 'scope="module"' in (ROOT / file).read_text("utf-8")
