"""The pages of a site in a browser, from `file://`: styled without a server, usable by
everybody, and nothing wider than a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import fake_runs
import pytest
from site_runs import asked, files_of, hostile

from browser.conftest import watched
from browser.test_page_access import violations

SHEETS = (".css", ".svg")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A site of everything, and beside it one of hostile texts."""
    old = asked({"values/int4#a": "lossy", "values/int4#b": "exact"}, version="0.31.0")
    again = asked({"values/int4#a": "exact"}, run="aa02", version="0.31.0", machine="e4")
    measured = fake_runs.bench(run="bb01", rows=fake_runs.CELLS[:2], rounds=8, slices=2)
    checked = fake_runs.check(run="cc01", types=("int4", "interval", "jsonb"))
    folder = tmp_path_factory.mktemp("site")
    for name, runs in (("plain", [old, again, measured, checked]), ("hostile", hostile())):
        for place, content in files_of(*runs).items():
            file = folder / name / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    return folder


@pytest.fixture
def shown(tab, folder) -> Iterator[object]:
    """Open a page; whatever it says or asks for, but its sheets and badges, is a fault."""
    with watched(tab) as said:

        def shown(place: str, *, width: int = 1280, scheme: str = "light") -> object:
            tab.set_viewport_size({"width": width, "height": 900})
            tab.emulate_media(color_scheme=scheme)
            tab.goto("about:blank")
            tab.goto((folder / place).as_uri())
            return tab

        yield shown
    asked_for = [text for text in said if not _own(text)]
    assert asked_for == []


def _own(text: str) -> bool:
    kind, _, address = text.partition(": ")
    return kind == "request" and urlsplit(address).scheme == "file"


PAGES = (
    ("index.html", 1280, "light"),
    ("index.html", 375, "dark"),
    ("drivers/asyncpg.html", 375, "light"),
    ("versions/asyncpg-0.31.0.html", 1280, "dark"),
    ("scenarios/values-int4.html", 375, "dark"),
)


@pytest.mark.parametrize(("place", "width", "scheme"), PAGES)
def test_a_page_is_styled_fits_and_has_no_violation_of_wcag(shown, place, width, scheme):
    page = shown(f"plain/{place}", width=width, scheme=scheme)
    assert page.evaluate("getComputedStyle(document.querySelector('.skip')).position") == (
        "absolute"
    )
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth)")
    assert violations(page) == []


def test_hostile_texts_do_nothing_and_fit(shown, folder):
    pages = sorted((folder / "hostile").rglob("*.html"))
    assert len(pages) > 10
    for file in pages[:: len(pages) // 5]:
        page = shown(f"hostile/{file.relative_to(folder / 'hostile')}", width=375)
        assert page.evaluate("document.documentElement.scrollWidth") == 375, file
        assert page.locator("script, iframe, bdi *").count() == 0
