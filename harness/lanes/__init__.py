"""What a bench run can count: one folder per lane, found without a list.

A lane is a package with a `LANE` and up to four modules, each loaded by whoever needs it,
so that `--help` loads none and a report none that measures:

- `record`: `RECORDS`, the types of its lines in a results file;
- `view`: `view(run)`, what a report says of them, as sections that every format can draw;
- `comparison`: `compare(base, candidate, …)` and `WORDS`, in which its answer is told;
- `run`: `forecast(cells, arms, plan)` and `run(work)`, which measure.

What a lane's numbers mean is its own affair; here it is called `meaning`. This module
knows core only. docs/decisions/0025-a-lane-is-a-folder.md says who may know what.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Literal

from harness.core.errors import UsageError

GROUP = "pgdyno.lanes"
"""The entry points of lanes from elsewhere: each names a package with a `LANE`."""

DEFAULT = "time"
"""What is counted unless told otherwise; files that do not say it are of times."""

Part = Literal["record", "view", "comparison", "run"]


@dataclass(frozen=True, slots=True)
class Lane:
    """What is known of a lane without loading it.

    `package` is its package's `__name__`, `sentence` what a user reads about it. With
    `clocks` it reads clocks: an A/A arm and references take part. `threshold` is the share
    up to which two of its numbers are the same, 0 where nothing compares them. `paths` are
    the scenarios that it asks where no path is given, if not those of an effort.
    """

    name: str
    package: str
    sentence: str
    clocks: bool = False
    threshold: float = 0.0
    paths: tuple[str, ...] = ()

    def has(self, part: Part) -> bool:
        """Whether it brings this part."""
        return importlib.util.find_spec(f"{self.package}.{part}") is not None

    def part(self, part: Part) -> Any:
        """This part: a module, typed by whoever asks for it."""
        return importlib.import_module(f"{self.package}.{part}")


@functools.cache
def known() -> Mapping[str, Lane]:
    """The lanes that are installed, by name."""
    return {lane.name: lane for lane in map(_declared, _packages())}


def get(name: str) -> Lane:
    """The lane of this name.

    Raises:
        UsageError: there is none.
    """
    found = known()
    if name not in found:
        raise UsageError(
            f"there is no lane '{name}'", hint=f"installed are {', '.join(found)}"
        )
    return found[name]


def _packages() -> Iterator[str]:
    for found in pkgutil.iter_modules(__path__):
        if found.ispkg:
            yield f"{__name__}.{found.name}"
    yield from (point.value for point in entry_points(group=GROUP))


def _declared(package: str) -> Lane:
    try:
        lane = importlib.import_module(package).LANE
    except (ImportError, AttributeError) as error:
        raise UsageError(f"the lane {package} cannot be loaded: {error}") from error
    if not isinstance(lane, Lane):
        raise UsageError(f"the lane {package}: its LANE is not a harness.lanes.Lane")
    return lane
