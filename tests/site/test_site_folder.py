"""A site is swapped in when it is whole; what is not a site of ours stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from site_runs import asked, site

from harness.core.errors import ResultsError
from harness.site.folder import SiteFolder
from harness.site.listing import LISTING, listing

OURS = listing(site(asked({"types/text#a": "exact"})))


def contents(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def write(folder: Path, **pages: str) -> None:
    with SiteFolder(folder) as made:
        for name, text in pages.items():
            made.write(f"{name}.html", text.encode())
        made.write(LISTING, OURS)


def test_a_new_site_replaces_the_old_one_and_nothing_is_left_beside(tmp_path):
    write(tmp_path / "deep" / "site", index="old", gone="x")
    write(tmp_path / "deep" / "site", index="new")
    found = contents(tmp_path)
    assert found == {"deep/site/index.html": b"new", f"deep/site/{LISTING}": OURS}


def test_a_build_that_fails_leaves_the_old_site(tmp_path):
    def fail() -> None:
        with SiteFolder(tmp_path / "site") as made:
            made.write("index.html", b"half")
            raise RuntimeError

    write(tmp_path / "site", index="old")
    before = contents(tmp_path)
    with pytest.raises(RuntimeError):
        fail()
    assert contents(tmp_path) == before


@pytest.mark.parametrize("there", ["letter.txt", "index.html", "data/index.json"])
def test_a_folder_of_something_else_is_not_touched(tmp_path, there):
    file = tmp_path / "home" / there
    file.parent.mkdir(parents=True)
    file.write_text('{"format": "a diary"}')
    before = contents(tmp_path)
    with pytest.raises(ResultsError, match=r"home is not a site of pgdyno") as told:
        SiteFolder(tmp_path / "home")
    assert told.value.hint == "name another --out, or empty the folder yourself"
    assert contents(tmp_path) == before


def test_what_appears_while_a_site_is_made_is_not_touched(tmp_path):
    def meet() -> None:
        with SiteFolder(tmp_path / "s") as made:
            made.write(LISTING, OURS)
            (tmp_path / "s").mkdir()
            (tmp_path / "s" / "letter.txt").write_text("dear")

    with pytest.raises(ResultsError, match="is not a site"):
        meet()
    assert contents(tmp_path) == {"s/letter.txt": b"dear"}


def test_a_file_or_a_link_is_no_place_for_a_site(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        with pytest.raises(ResultsError, match="is no folder"):
            SiteFolder(tmp_path / name)


def test_an_empty_folder_becomes_a_site(tmp_path):
    (tmp_path / "site").mkdir()
    write(tmp_path / "site", index="new")
    assert contents(tmp_path / "site")["index.html"] == b"new"


def test_no_page_is_written_twice(tmp_path):
    with SiteFolder(tmp_path / "site") as made:
        made.write(LISTING, OURS)
        with pytest.raises(ResultsError, match="two files"):
            made.write(LISTING, OURS)
