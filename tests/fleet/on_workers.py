"""What tests ask of workers: these import it by name."""

from __future__ import annotations

import os
from typing import Any

from harness.fleet import facts


def periodic(dask_worker: Any) -> dict[str, float]:
    """What the worker does periodically, and how rarely."""
    callbacks = dask_worker.periodic_callbacks.items()
    return {name: each.callback_time for name, each in callbacks if each.is_running()}


def hide_libraries(folder: str) -> None:
    """Let jobs of this worker import what is in a folder instead."""
    os.environ["PYTHONPATH"] = folder


def pretend(version: str) -> None:
    """Be another version of pgdyno."""
    facts.__version__ = version
