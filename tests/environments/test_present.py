"""What is installed of a driver's libraries is read from metadata, without an import."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from harness.environments import present
from harness.plugin import contract


def distribution(folder: Path, name: str, version: str, *requires: str) -> Path:
    """Makes a distribution that is installed in a folder of the path."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    lines = (f"Requires-Dist: {text}\n" for text in requires)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        f"Provides-Extra: mine\n{''.join(lines)}"
    )
    return info


@pytest.fixture
def needing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What is present of a driver whose distribution requires this."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(*requires: str) -> present.Present:
        info = distribution(tmp_path, "mine-dist", "1.0", *requires)
        (info / "entry_points.txt").write_text("[pgdyno.further]\nmine = mine:Mine\n")
        return present.of("mine")

    return made


def test_a_library_that_is_there_is_told_with_its_version(needing):
    found = needing("psycopg[pool]>=3; extra == 'mine'", "unasked; extra == 'other'")
    assert found.libraries == {"psycopg": metadata.version("psycopg")}
    assert found.lacking == ()
    assert found.command == "pip install 'mine-dist[mine]'"


def test_a_version_that_is_too_old_is_lacking(needing):
    found = needing("psycopg>=999; extra == 'mine'")
    old = metadata.version("psycopg")
    assert found.lacking == (f"psycopg>=999 ({old} is installed)",)


def test_a_library_built_from_source_is_the_binary_one_too(needing, tmp_path):
    distribution(tmp_path, "nobodys", "2.1")
    found = needing("nobodys-binary>=2; extra == 'mine'")
    assert (found.libraries, found.lacking) == ({"nobodys": "2.1"}, ())


def test_every_driver_here_says_what_installs_it():
    for name in contract.entry_points():
        found = present.of(name)
        assert found.libraries or found.lacking, name
        assert found.command.startswith("pip install '")
