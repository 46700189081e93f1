"""What trials on a real server share: drivers that only they find, and how they fail."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from harness.core.errors import ResultsError

PLUGINS = Path(__file__).parent / "plugins"
"""Metadata of drivers that are no drivers of pgdyno's."""


def fail(problem: str) -> NoReturn:
    """A driver that takes no part would leave a trial without its answer."""
    raise ResultsError(f"the trial cannot be run: {problem}", hint="pgdyno doctor")


@contextmanager
def findable(**environment: str) -> Iterator[None]:
    """For a while the drivers of `PLUGINS` are among the installed ones, here and in
    workers; `environment` is theirs, too."""
    path = filter(None, [str(PLUGINS), os.environ.get("PYTHONPATH", "")])
    wanted = {"PYTHONPATH": os.pathsep.join(path), **environment}
    before = {name: os.environ.get(name) for name in wanted}
    sys.path.insert(0, str(PLUGINS))
    os.environ.update(wanted)
    try:
        yield
    finally:
        sys.path.remove(str(PLUGINS))
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
