"""What tests on a real server share: files that are kept, drivers that only they find."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from harness.core.errors import ResultsError
from harness.results import store

PLUGINS = Path(__file__).parent / "plugins"
"""Metadata of drivers that are no drivers of pgdyno's."""


def complete(file: Path) -> bool:
    """Whether a trial is there that came to its end, so that it need not be run again; one
    that was interrupted did not."""
    try:
        footer = store.read(file).footer if file.exists() else None
    except ResultsError:
        return False
    return footer is not None and footer.reason == "complete"


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
