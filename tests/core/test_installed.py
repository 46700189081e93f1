"""Entry points are searched once, and found when they are installed meanwhile."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from harness.core.installed import entry_points

GROUP = "pgdyno.test-installed"


def install(folder: Path, name: str) -> None:
    """A distribution that announces one entry point."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {name}:thing\n")


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The groups that are searched for among all distributions."""
    found: list[str] = []
    search = metadata.entry_points

    def noted(*, group: str) -> Any:
        found.append(group)
        return search(group=group)

    monkeypatch.setattr(metadata, "entry_points", noted)
    return found


def test_a_group_is_searched_once_until_something_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, searches: list[str]
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "first")
    assert [*entry_points(GROUP)] == [*entry_points(GROUP)] == ["first"]
    assert searches == [GROUP]
    install(tmp_path, "second")
    os.utime(tmp_path, (0, 0))  # clocks of file systems are coarse
    assert {*entry_points(GROUP)} == {"first", "second"}
    assert searches == [GROUP, GROUP]


def test_who_changes_what_was_found_changes_it_for_nobody_else() -> None:
    entry_points("pgdyno.drivers").clear()
    assert "asyncpg" in entry_points("pgdyno.drivers")
