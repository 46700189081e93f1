"""A borrowed server and files of one's own, for the tests of the verbs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import uri

from harness.venue.venue import Venue


@pytest.fixture(scope="module")
def dsn(place: Venue) -> str:
    """The tests' server as a DSN with its password."""
    return uri(place)


@pytest.fixture
def borrowed(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands use the tests' server by default."""
    monkeypatch.setenv("PGDYNO_DSN", dsn)


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Write a scenario file somewhere outside of the repository."""

    def made(text: str, name: str = "outside.toml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return made
