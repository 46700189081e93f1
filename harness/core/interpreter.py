"""The interpreter that a driver is measured on: which it is, and whether it has a GIL."""

from __future__ import annotations

import platform
import sys

ON, OFF, SWITCHED_ON = "on", "off", "switched on by an import"
"""The state of the global interpreter lock, once the driver is imported."""


def gil_enabled() -> bool:
    """Whether threads take turns. A free-threaded build may do so all the same."""
    enabled = getattr(sys, "_is_gil_enabled", None)  # since CPython 3.13
    return enabled is None or bool(enabled())


def gil_state(before: bool, after: bool) -> str:
    """What became of the lock between the start and the end of the driver's import."""
    if not after:
        return OFF
    return ON if before else SWITCHED_ON


def describe(gil_before: bool) -> dict[str, str]:
    """For the parent: what this worker runs on, now that its driver is imported."""
    version = f"{platform.python_implementation()} {platform.python_version()}"
    return {"python": version, "gil": gil_state(gil_before, gil_enabled())}
