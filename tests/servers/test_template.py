"""What `initdb` made is kept and copied, and each server has its own password."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from helpers import no_wheel

from harness.servers import ServerSpec, cluster, folder, open_server, template, wheel
from harness.servers.cluster import connect
from harness.servers.folder import Folder

pytestmark = pytest.mark.skipif(bool(no_wheel()), reason=no_wheel())

SMALL = {"PG_VERSION": "18", "base/1": "a relation", "base/2": "", "global/pg_control": "x"}


@pytest.fixture
def templates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of templates of our own, in which there is none."""
    place = tmp_path / "templates"
    monkeypatch.setenv(template.VARIABLE, str(place))
    return place


@pytest.fixture
def initdb(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The data directories that `initdb` makes, as it makes them."""
    made: list[Path] = []
    make = cluster.make_data

    def noted(own: Folder, binaries: Path, password: str) -> None:
        made.append(own.data)
        make(own, binaries, password)

    monkeypatch.setattr(cluster, "make_data", noted)
    return made


@pytest.fixture
def binaries() -> Path:
    """The newest programs of the wheel."""
    found = wheel.find()
    return found[max(found)]


def small(path: Path, files: dict[str, str] = SMALL) -> Folder:
    """A server's folder with a few files in its data directory."""
    own = Folder(path, None, None)
    own.data.mkdir(parents=True)
    for name, text in files.items():
        (own.data / name).parent.mkdir(exist_ok=True)
        (own.data / name).write_text(text)
    return own


def files(data: Path) -> dict[str, bytes]:
    """What is in a data directory."""
    return {
        str(path.relative_to(data)): path.read_bytes()
        for path in data.rglob("*")
        if path.is_file()
    }


def kept_password(templates: Path) -> str:
    """The password of the only template that there is."""
    (kept,) = templates.glob("*/template.json")
    return str(json.loads(kept.read_text())["password"])


def test_the_second_server_is_a_copy_with_a_password_of_its_own(
    templates: Path, initdb: list[Path]
) -> None:
    with open_server(ServerSpec("wheel")) as first:
        pass
    with open_server(ServerSpec("wheel")) as second:
        with connect(second.target) as connection:
            found = connection.execute("select current_user").fetchone()
        assert found == (cluster.NAME,)
        given = kept_password(templates)
        for password in (given, first.target.password):
            with pytest.raises(psycopg.OperationalError, match="password authentication"):
                connect(replace(second.target, password=password))
    assert len(initdb) == 1


def test_a_copy_is_what_initdb_made_and_belongs_to_the_server(
    templates: Path, binaries: Path
) -> None:
    with folder.create() as made, folder.create() as copied:
        given = cluster.initialise(made, cluster.executable(made, binaries))
        usable = cluster.executable(copied, binaries)
        assert cluster.initialise(copied, usable) == given
        assert files(copied.data) == files(made.data)
        for path in (copied.data, *copied.data.rglob("*")):
            original = made.data / path.relative_to(copied.data)
            assert path.stat().st_uid == original.stat().st_uid
            assert path.stat().st_mode == original.stat().st_mode
    assert [path.suffix for path in templates.iterdir()] == [""]


@pytest.mark.parametrize(
    "harm", ["a file is gone", "a file is empty", "no facts", "rubbish"]
)
def test_a_template_that_was_harmed_is_made_anew(
    templates: Path, harm: str, tmp_path: Path
) -> None:
    made = small(tmp_path / "made")
    template.keep("key", made, "secret")
    (place,) = templates.iterdir()
    if harm == "a file is gone":
        (place / "data" / "base" / "1").unlink()
    elif harm == "a file is empty":
        (place / "data" / "base" / "1").write_bytes(b"")
    elif harm == "no facts":
        (place / "template.json").unlink()
    else:
        (place / "template.json").write_bytes(b"\xff{")
    copied = small(tmp_path / "copied", {})
    assert template.copy("key", copied) == ""
    assert list(copied.data.iterdir()) == []
    template.keep("key", made, "another")
    assert template.copy("key", copied) == "another"
    assert files(copied.data) == files(made.data)


def test_who_is_slower_keeps_nothing(templates: Path, tmp_path: Path) -> None:
    made = small(tmp_path / "made")
    template.keep("key", made, "first")
    template.keep("key", made, "second")
    assert kept_password(templates) == "first"
    assert len(list(templates.iterdir())) == 1


def test_no_template_of_somebody_else_is_used(templates: Path, tmp_path: Path) -> None:
    made = small(tmp_path / "made")
    template.keep("key", made, "secret")
    templates.chmod(0o777)  # anybody may have put it there
    copied = small(tmp_path / "copied", {})
    assert template.copy("key", copied) == ""
    assert list(copied.data.iterdir()) == []


def test_without_a_place_for_templates_initdb_makes_each(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = small(tmp_path / "made")
    (tmp_path / "file").touch()
    for named in ("", str(tmp_path / "file" / "below")):
        monkeypatch.setenv(template.VARIABLE, named)
        template.keep("key", made, "secret")
        assert template.copy("key", small(tmp_path / f"copied{len(named)}", {})) == ""
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["data"]


def test_what_nobody_uses_and_what_killed_runs_left_goes(
    templates: Path, tmp_path: Path
) -> None:
    made = small(tmp_path / "made")
    template.keep("old", made, "secret")
    template.keep("used", made, "secret")
    (templates / "new.x.partial").mkdir()
    (templates / "old.x.partial").mkdir()
    for name, age_s in (("old", 31 * 86_400), ("used", 86_400), ("old.x.partial", 7200)):
        moment = time.time() - age_s
        os.utime(templates / name, (moment, moment))
    template.keep("another", made, "secret")
    assert {path.name for path in templates.iterdir()} == {
        "used",
        "new.x.partial",
        "another",
    }


def test_each_version_has_a_template_of_its_own() -> None:
    found = wheel.find()
    assert len({template.key(binaries) for binaries in found.values()}) == len(found)
