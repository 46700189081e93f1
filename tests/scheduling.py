"""Which tests stay together when several processes run them, and which begin."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent
LONGEST = (
    "lanes/test_instructions.py",
    "check/test_cases.py",
    "servers/test_rigs.py",
    "bench/test_runner.py",
    "studies/test_others.py",
    "fleet/test_fleet.py",
    "cli/test_interruptions.py",
    "reproduce/test_show.py",
    "cli/test_bench.py",
    "render/test_render.py",
    "fuzz/test_fuzz.py",
    "environments/test_making.py",
    "cli/test_versions_as_arms.py",
    "public/test_wheel.py",
    "check/test_broken_drivers.py",
    "cli/test_check.py",
    "servers/test_servers.py",
    "studies/test_recipes.py",
    "studies/test_replayed_gates.py",
    "venue/test_deadlines.py",
)
"""Files whose tests take more than a few seconds each, or together where they must stay
together. They begin, so that at the end nobody waits for the last of them."""

assert all((TESTS / file).exists() for file in LONGEST)


class SharedFixtures(LoadScopeScheduling):
    """A file that makes something once for all its tests goes to one process, whole, and so
    does a package. Every other test goes to whoever is free, so that no process is left
    with one long file.

    `--dist loadgroup` would do, had it not stopped to see groups with pytest 9.2.
    """

    def __init__(self, config: pytest.Config, log: Any) -> None:
        """Take tests in the order in which they were collected, see `longest_first`."""
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = Path(file).parent
        if (TESTS.parent / folder / "__init__.py").exists():
            return str(folder)
        return file if shares(file) else nodeid


@cache
def shares(file: str) -> bool:
    """Whether a file of tests has a fixture for all of them."""
    return 'scope="module"' in (TESTS.parent / file).read_text("utf-8")


def longest_first(items: list[pytest.Item]) -> None:
    """Sort tests: those of `LONGEST` first, the others as they are."""
    rank = {str(TESTS / file): number for number, file in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(str(item.path), len(rank)))
