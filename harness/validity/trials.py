"""What tests on a real server share: files that are kept, drivers that only they find."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from harness.errors import ResultsError
from harness.results import store

PLUGINS = Path(__file__).parent / "plugins"
"""Metadata of drivers that are no drivers of pgdyno's."""


def complete(file: Path) -> bool:
    """Whether a trial is there and whole, so that it need not be run again."""
    try:
        return file.exists() and not store.read(file).truncated
    except ResultsError:
        return False


def fail(problem: str) -> NoReturn:
    """A driver that takes no part would leave a trial without its answer."""
    raise ResultsError(f"the trial cannot be run: {problem}", hint="pgdyno doctor")


@contextmanager
def findable(**environment: str) -> Iterator[None]:
    """Let workers that are started meanwhile find the drivers of `PLUGINS`; `environment`
    is theirs, too."""
    path = filter(None, [str(PLUGINS), os.environ.get("PYTHONPATH", "")])
    wanted = {"PYTHONPATH": os.pathsep.join(path), **environment}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
