"""Which versions lie between two: asked of real installers, about wheels made here."""

from __future__ import annotations

import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from harness.core.errors import EXIT_USAGE, UsageError
from harness.environments import interpreters, programs, releases
from harness.environments.installers import Installer, NotInstalled, Pip, Uv

NAME = "pgdyno-demo"
ABOUT = "Metadata-Version: 2.1\nName: pgdyno-demo\nVersion: {}\n"


def wheel(folder: Path, version: str, tags: str = "py3-none-any") -> None:
    """A wheel with nothing in it."""
    about = f"pgdyno_demo-{version}.dist-info"
    with zipfile.ZipFile(folder / f"pgdyno_demo-{version}-{tags}.whl", "w") as file:
        file.writestr(f"{about}/METADATA", ABOUT.format(version))
        file.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nTag: {tags}\n")
        file.writestr(f"{about}/RECORD", "")


def unbuildable(folder: Path, version: str) -> None:
    """A source whose build fails before it says what it is."""
    top = f"pgdyno_demo-{version}"
    with tarfile.open(folder / f"{top}.tar.gz", "w:gz") as file:
        for name, text in (
            ("PKG-INFO", ABOUT.format(version)),
            ("setup.py", "raise SystemExit('it needs a compiler')"),
        ):
            info = tarfile.TarInfo(f"{top}/{name}")
            info.size = len(text)
            file.addfile(info, BytesIO(text.encode()))


@pytest.fixture(params=["uv", "pip"])
def installer(request, tmp_path, monkeypatch) -> Installer:
    """An installer that knows the wheels of a folder and no index."""
    for version in ("1.0", "1.2", "1.9", "1.10", "1.10.1", "2.0"):
        wheel(tmp_path, version)
    wheel(tmp_path, "1.11rc1")
    wheel(tmp_path, "1.8", "cp27-cp27m-win32")
    for variable in ("UV_FIND_LINKS", "PIP_FIND_LINKS"):
        monkeypatch.setenv(variable, str(tmp_path))
    for variable in ("UV_NO_INDEX", "PIP_NO_INDEX"):
        monkeypatch.setenv(variable, "1")
    if request.param == "uv":
        if not programs.uv():
            pytest.skip("uv is not there")
        return Uv(programs.uv())
    if not programs.has_pip():
        pytest.skip("pip is not there")
    return Pip()


def released(installer: Installer, first: str, last: str, folder: Path) -> list[str]:
    return installer.released(NAME, first, last, interpreters.find(""), folder)


def test_final_releases_that_fit_oldest_first(installer, tmp_path):
    assert released(installer, "1.0", "2.0", tmp_path) == ["1.2", "1.9", "1.10", "1.10.1"]
    assert released(installer, "1.9", "1.10", tmp_path) == []
    assert released(installer, "1.9", "1.10.1", tmp_path) == ["1.10"]


def test_pre_releases_where_an_end_is_one(installer, tmp_path):
    assert "1.11rc1" in released(installer, "1.10.1", "2.0rc1", tmp_path)
    assert "1.11rc1" not in released(installer, "1.10.1", "2.0", tmp_path)


def test_a_source_that_cannot_be_built_hides_nothing(installer, tmp_path):
    unbuildable(tmp_path, "1.9.5")
    found = released(installer, "1.0", "2.0", tmp_path)
    assert [version for version in found if version != "1.9.5"] == [
        "1.2", "1.9", "1.10", "1.10.1",
    ]  # fmt: skip


def test_an_installer_that_fails_says_so(installer, tmp_path, monkeypatch):
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "gone"))
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "gone"))
    with pytest.raises(NotInstalled):
        released(installer, "1.0", "2.0", tmp_path)


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("1.2", "1.0", "--from 1.2 is newer than --to 1.0"),
        ("1.0", "1.0.0", "are the same version"),
        ("1.0", "1.0-x-y", "Invalid version"),
    ],
)
def test_ends_that_make_no_sense(first, last, said):
    with pytest.raises(UsageError, match=said) as raised:
        releases.require_older(first, last)
    assert raised.value.exit_code == EXIT_USAGE
