"""Which versions of a driver's library were released between two of them.

Installers are asked, so what they offer is what an arm could have: no version that was
withdrawn, none for other interpreters, and a pre-release only where an end is one.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from harness.core.arms import Arm
from harness.core.errors import DriverError, UsageError
from harness.environments import installers, interpreters, requirements
from harness.environments.installers import NotInstalled


def between(arm: Arm, first: str, last: str) -> list[str]:
    """The versions after `first` and before `last`, oldest first.

    Raises:
        UsageError: `first` is not older than `last`.
        DriverError: there is no such driver or interpreter, or nobody can say.
    """
    require_older(first, last)
    interpreter = interpreters.find(arm.pin.python)
    pinned = replace(arm, pin=replace(arm.pin, version=first))
    name = requirements.needs_of(pinned, interpreter).name
    try:
        with tempfile.TemporaryDirectory(prefix="pgdyno-releases-") as folder:
            return installers.installer().released(
                name, first, last, interpreter, Path(folder)
            )
    except NotInstalled as error:
        raise DriverError(
            f"the released versions of {name} cannot be listed: "
            f"{installers.gist(str(error))}"
        ) from error


def require_older(first: str, last: str) -> None:
    """Refuse a search that goes nowhere, or back."""
    from packaging.version import InvalidVersion, Version

    try:
        older, newer = Version(first), Version(last)
    except InvalidVersion as error:
        raise UsageError(str(error), hint="such as --from 0.30.0 --to 0.32.0") from error
    if older == newer:
        raise UsageError(f"--from {first} and --to {last} are the same version")
    if older > newer:
        raise UsageError(
            f"--from {first} is newer than --to {last}",
            hint=f"--from {last} --to {first}",
        )
