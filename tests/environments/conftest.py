"""One cache of environments for all tests of a session, and what they need to be there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import helpers
import pytest

from harness import environments
from harness.environments import programs


def unreachable() -> str:
    """Why nothing can be installed here; empty if it can."""
    if not programs.uv() and not programs.has_pip():
        return "neither uv nor pip is there"
    return ""


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all tests share."""
    if reason := unreachable():
        pytest.skip(reason)
    return helpers.environments_folder(tmp_path_factory)


@pytest.fixture
def shared(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Environments are made in the shared folder; what this process knows is forgotten."""
    monkeypatch.setenv("PGDYNO_ENVIRONMENTS", str(cache))
    monkeypatch.setattr(environments, "_known", {})
    return cache


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Environments are made in an empty folder of this test."""
    if reason := unreachable():
        pytest.skip(reason)
    folder = tmp_path / "environments"
    monkeypatch.setenv("PGDYNO_ENVIRONMENTS", str(folder))
    monkeypatch.setattr(environments, "_known", {})
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, as nobody in particular."""
    who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


LIBRARY = '''"""A library whose version is all that it has."""

__version__ = "{version}"
'''

BACKEND = '''"""Builds the library: another backend would be installed for each build."""

import re
import zipfile
from pathlib import Path


def build_wheel(folder, config_settings=None, metadata_directory=None):
    project = Path("pyproject.toml").read_text()
    name, version = (
        re.search(f\'^{key} = "(.+)"\', project, re.MULTILINE)[1]
        for key in ("name", "version")
    )
    stem = f"{name.replace(\'-\', \'_\')}-{version}"
    info = f"{stem}.dist-info"
    files = {
        "tiny_library.py": Path("tiny_library.py").read_text(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
        "Provides-Extra: binary\\n"
        "Requires-Dist: tiny-library-that-is-nowhere; extra == \'binary\'\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\n"
        "Root-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\\n" for file in [*files, f"{info}/RECORD"])
    wheel = f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder) / wheel, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return wheel
'''

PLUGIN = '''"""A driver of a plug-in from outside, which is psycopg2 by another name."""

import tiny_library

from pgdyno.plugin import Terms


class Tiny:
    """It opens nothing."""

    name = "tiny"
    kind = "sync"
    options = {}
    capabilities = frozenset()

    def __init__(self, options):
        pass

    def terms(self):
        words = ["tiny", tiny_library.__version__, *["none"] * 10]
        return Terms(*words)

    def describe_error(self, error):
        raise NotImplementedError

    def open(self, target, profile):
        raise NotImplementedError
'''


def write_library(folder: Path, version: str) -> Path:
    """The source of a library that nobody has released."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "tiny-library"\nversion = "{version}"\n'
        '[project.optional-dependencies]\nbinary = ["tiny-library-that-is-nowhere"]\n'
    )
    (folder / "backend.py").write_text(BACKEND)
    (folder / "tiny_library.py").write_text(LIBRARY.format(version=version))
    return folder


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in from outside is installed here, and its library is not."""
    site = tmp_path / "site"
    info = site / "tiny_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "tiny_plugin.py").write_text(PLUGIN)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tiny-plugin\nVersion: 1.0\n"
        "Requires-Dist: pgdyno\nRequires-Dist: tiny-library[binary]\n"
    )
    (info / "RECORD").write_text("tiny_plugin.py,,\n")
    (info / "entry_points.txt").write_text("[pgdyno.drivers]\ntiny = tiny_plugin:Tiny\n")
    monkeypatch.syspath_prepend(str(site))


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A clone with two commits of a library and a change that is in none of them."""
    folder = write_library(tmp_path / "clone", "1.0")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "First")
    git(folder, "tag", "first")
    write_library(folder, "2.0")
    git(folder, "commit", "--quiet", "-am", "Second")
    write_library(folder, "3.0")
    return folder
