"""The wheel, built and used in an environment that has nothing else of this repository."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, **options) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )
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
    (site,) = folder.glob("lib/python*/site-packages")
    here = Path(sys.executable).parent / "pip"
    pip = [here] if here.exists() else [sys.executable, "-m", "pip"]
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel)
    (site / "libraries.pth").write_text(f"{libraries(folder / 'libraries')}\n")
    return folder / "bin" / "python"


def libraries(folder: Path) -> Path:
    """Everything that is installed here but pgdyno, by links."""
    folder.mkdir()
    (site,) = (Path(sys.prefix)).glob("lib/python*/site-packages")
    for entry in site.iterdir():
        if "pgdyno" not in entry.name and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)
    return folder


def test_what_the_wheel_says_of_itself(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (name,) = [name for name in names if name.endswith(".dist-info/METADATA")]
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
    }
    assert wanted <= set(names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        "pgdyno",
        "harness",
    }


def test_an_installed_wheel_works(python: Path, tmp_path: Path) -> None:
    """Away from the repository: it is found nowhere but where it was installed."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    options = {"cwd": tmp_path, "env": environ}
    where = run(python, "-c", "import pgdyno, harness; print(pgdyno.__file__, harness.__file__)",
                **options)  # fmt: skip
    assert all(str(python.parents[1]) in file for file in where.split())
    pgdyno = [python, "-m", "harness"]
    assert "point" in run(*pgdyno, "list", "scenarios", **options)
    checked = run(
        *pgdyno,
        "check",
        "query/point",
        "--driver",
        "psycopg",
        "--out",
        "run.jsonl",
        **options,
    )
    assert "exact" in checked
    code = "import pgdyno; print(set(pgdyno.load('run.jsonl').checks().verdict))"
    assert "exact" in run(python, "-c", code, **options)
