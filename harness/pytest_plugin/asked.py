"""What a session was asked for: options, then pytest's settings, then what is usual."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.check import baseline_files
from harness.cli import options
from harness.core.arms import PROFILES, Arm
from harness.core.errors import PgdynoError

PROFILE = "default"


@dataclass(frozen=True, slots=True)
class PytestOptions:
    """The answers. `names` of drivers are empty where all installed ones are meant."""

    server: str
    names: tuple[str, ...]
    profile: str
    baselines: Path

    def arms(self) -> list[Arm]:
        """The arms that scenario files ask; raises `pytest.UsageError`."""
        profiles = [known for known in PROFILES if self.profile in (known, "both")]
        if not profiles:
            raise pytest.UsageError(
                f"pgdyno_profile: '{self.profile}' is not default, configured or both"
            )
        try:
            return [
                arm for profile in profiles for arm in options.arms(self.names, profile)
            ]
        except PgdynoError as error:
            raise pytest.UsageError(told(error)) from None


def of(config: pytest.Config) -> PytestOptions:
    """What the user of this session wants."""
    usual = "dsn" if os.environ.get("PGDYNO_DSN") else "wheel"
    names = config.getoption("pgdyno_driver") or config.getini("pgdyno_driver")
    baselines = _answer(config, "pgdyno_baselines", str(baseline_files.FOLDER))
    return PytestOptions(
        server=_answer(config, "pgdyno_server", usual),
        names=tuple(names),
        profile=_answer(config, "pgdyno_profile", PROFILE),
        baselines=config.rootpath / baselines,
    )


def _answer(config: pytest.Config, name: str, usual: str) -> str:
    return str(config.getoption(name) or config.getini(name) or usual)


def told(error: PgdynoError) -> str:
    """An error with what to do about it."""
    return f"{error}\nhint: {error.hint}" if error.hint else str(error)
