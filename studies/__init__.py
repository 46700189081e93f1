"""Long studies for pgdyno's maintainers; the package neither has nor needs them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent


def with_studies(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that imports this package, wherever it is started."""
    path = filter(None, [str(ROOT), environment.get("PYTHONPATH", "")])
    return {**environment, "PYTHONPATH": os.pathsep.join(path)}
