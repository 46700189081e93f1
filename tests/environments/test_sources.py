"""What is built from a folder and from a commit of a clone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness import environments
from harness.core.arms import Pin, parse
from harness.core.errors import DriverError
from harness.environments.environment import Environment
from harness.environments.sources import source_of


def imported(environment: Environment) -> str:
    """The version of the library as a program in the environment sees it."""
    code = "import tiny_library; print(tiny_library.__version__)"
    done = subprocess.run(
        [environment.python, "-c", code], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_a_folder_is_built_as_it_is(plugin, library, own):
    before = sorted(library.rglob("*"))
    made = environments.of(parse(f"tiny@{library}"))
    assert imported(made) == made.packages["tiny-library"] == "3.0"
    assert made.source.startswith("folder ")
    assert made.lacking == ("the extra 'binary'",)
    assert sorted(library.rglob("*")) == before  # a build leaves nothing behind


def test_a_commit_is_built_whatever_the_folder_holds(plugin, library, own):
    first, last = (environments.of(parse(f"tiny@{library}#{r}")) for r in ("first", "HEAD"))
    assert (imported(first), imported(last)) == ("1.0", "2.0")
    assert first.source.startswith("commit ")
    assert first.python != last.python


def test_equal_content_is_built_once(plugin, library, own):
    told: list[str] = []
    first = environments.of(parse(f"tiny@{library}"), told.append)
    environments._known.clear()
    assert environments.of(parse(f"tiny@{library}"), told.append) == first
    assert len(told) == 1
    (library / "tiny_library.py").write_text('__version__ = "4.0"\n')
    environments._known.clear()
    changed = environments.of(parse(f"tiny@{library}"), told.append)
    assert imported(changed) == "4.0"
    assert len(told) == 2


def test_a_key_knows_what_git_ignores(library):
    key = source_of(Pin(path=str(library))).key
    (library / ".gitignore").write_text("*.log\n")
    ignoring = source_of(Pin(path=str(library))).key
    (library / "build.log").write_text("much")
    assert key != ignoring == source_of(Pin(path=str(library))).key


@pytest.mark.parametrize(
    ("path", "revision", "why"),
    [
        ("nowhere", "", "there is no folder"),
        ("clone", "no-such-branch", "has no commit 'no-such-branch'"),
        ("clone", "--help", "has no commit '--help'"),
        ("empty", "", "neither pyproject.toml nor setup.py"),
        ("empty", "main", "is no clone of a git repository"),
    ],
)
def test_what_cannot_be_built_is_said(tmp_path: Path, library, path, revision, why):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DriverError, match=why):
        source_of(Pin(path=str(tmp_path / path), revision=revision))


def test_the_folder_with_the_project_is_named(tmp_path: Path, library):
    with pytest.raises(DriverError) as error:
        source_of(Pin(path=str(tmp_path)))
    assert error.value.hint == "perhaps one of its folders: clone"


def test_another_library_is_refused(plugin, library, own):
    (library / "pyproject.toml").write_text(
        (library / "pyproject.toml").read_text().replace("tiny-library", "other-library")
    )
    with pytest.raises(DriverError, match="does not build tiny-library"):
        environments.of(parse(f"tiny@{library}"))
    assert not [*own.glob("tiny-*/")]


def test_what_does_not_build_is_said(plugin, library, own):
    (library / "pyproject.toml").write_text("[build-system]\nrequires = [\n")
    with pytest.raises(DriverError, match="cannot be installed") as error:
        environments.of(parse(f"tiny@{library}"))
    log = Path(error.value.hint.partition(": ")[2])
    said = log.read_text()  # uv names the file, pip shows the parser's error
    assert "pyproject.toml" in said or "TOMLDecodeError" in said
