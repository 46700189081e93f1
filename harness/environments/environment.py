"""An environment as a worker needs it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Environment:
    """An interpreter with a driver.

    `rooms` is the folder that holds pgdyno's own packages and the plug-in, and nothing
    else; None where the interpreter is ours, which finds them by itself. `packages` are
    the installed ones with their versions, `source` says what was built: a commit, or a
    folder's content, `lacking` what could not be had.
    """

    python: str
    rooms: Path | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    lacking: tuple[str, ...] = ()


HERE = Environment(sys.executable)
"""The environment in which pgdyno itself runs."""
