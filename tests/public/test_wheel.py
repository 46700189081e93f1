"""The wheel, built and used in an environment that has nothing else of this repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, **options) -> str:
    """What a command prints; it must succeed."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the backend that pyproject.toml names."""
    folder = tmp_path_factory.mktemp("dist")
    code = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    run(sys.executable, "-c", code, folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with the wheel in it.

    The libraries that it depends on are those of this environment: what is tested is the
    wheel, not a download.
    """
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--quiet")
    run(*pip, "install", "--no-deps", "--no-index", wheel)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(f"{libraries(folder / 'libraries')}\n")
    return python


def libraries(folder: Path) -> Path:
    """Everything that is installed here but pgdyno, by links."""
    folder.mkdir()
    (site,) = Path(sys.prefix).glob("lib/python*/site-packages")
    for entry in site.iterdir():
        if "pgdyno" not in entry.name and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)
    return folder


def test_what_the_wheel_says_of_itself(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        name = next(name for name in names if re.fullmatch(r"pgdyno-[^/]+/METADATA", name))
        metadata = Parser().parsestr(archive.read(name).decode())
        (licence,) = [name for name in names if name.endswith("/LICENSE")]
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Author"] == "The pgdyno developers"
    assert {"analysis", "report", "server"} <= set(metadata.get_all("Provides-Extra"))
    wanted = {
        "pgdyno/__init__.py",
        "pgdyno/py.typed",
        "harness/py.typed",
        "harness/render/templates/report.html.j2",
        "harness/_scenarios/query/point.toml",
        "harness/_claims/psycopg2-advanced-features.toml",
    }
    assert wanted <= set(names)
    folders = {name.partition("/")[0].partition("-")[0] for name in names}
    assert folders == {"pgdyno", "harness"}


def test_an_installed_wheel_works(python: Path, tmp_path: Path) -> None:
    """Away from the repository: it is found nowhere but where it was installed."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def there(*command: str | Path) -> str:
        return run(*command, cwd=tmp_path, env=environ)

    where = "import pgdyno, harness; print(pgdyno.__file__, harness.__file__)"
    files = there(python, "-c", where).split()
    assert all(file.startswith(str(python.parents[1])) for file in files)
    pgdyno = python.with_name("pgdyno")
    assert "query/point" in there(pgdyno, "list", "scenarios")
    wanted = ("check", "query/point", "--driver", "psycopg", "--out", "run.jsonl")
    assert "every answer is right" in there(pgdyno, *wanted)
    code = "import pgdyno; print(set(pgdyno.load('run.jsonl').checks().verdict))"
    assert there(python, "-c", code) == "{'exact'}\n"
