"""The pages as files: links lead somewhere, nothing runs, hostile texts are texts."""

from __future__ import annotations

import json
import posixpath
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import fake_runs
import pytest
from browser.made_pages import BIDI
from msgspec.structs import replace
from site_runs import asked, files_of, hostile

from harness.core.visible import visible
from harness.report.cards import cards

RUNS = re.compile(r"(runs/[^/]+\.html|data/runs/[^/]+\.jsonl)")


class Page(HTMLParser):
    """What stands in a page: its links, its anchors, its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.links.append(value)
            elif name == "id":
                self.ids.append(value)
            elif name.startswith("on"):
                self.handlers.append(name)


@pytest.fixture(scope="module")
def hostile_files() -> dict[str, bytes]:
    return files_of(*hostile())


@pytest.fixture(scope="module")
def plain_files() -> dict[str, bytes]:
    old = asked({"types/text#a": "lossy", "types/text#b": "exact"}, version="0.31.0")
    again = asked({"types/text#a": "exact"}, run="aa02", version="0.31.0", machine="e4")
    measured = fake_runs.bench(run="bb01", rounds=8, slices=3)
    checked = replace(fake_runs.check(run="cc01"), checks=fake_runs.check().checks)
    return files_of(old, again, measured, checked)


def pages_of(files: dict[str, bytes]) -> dict[str, Page]:
    return {
        name: Page(content.decode())
        for name, content in files.items()
        if name.endswith(".html")
    }


@pytest.mark.parametrize("kind", ["plain_files", "hostile_files"])
def test_every_link_leads_to_what_is_there(kind, request):
    files = request.getfixturevalue(kind)
    pages = pages_of(files)
    assert len(pages) > 8
    checked = 0
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), name
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                assert link == "data:," or parts.scheme in ("http", "https")
                continue
            place = posixpath.normpath(
                posixpath.join(posixpath.dirname(name), unquote(parts.path))
            )
            target = place if parts.path else name
            assert target in files or RUNS.fullmatch(target), f"{name}: {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].ids, f"{name}: {link}"
            checked += 1
    assert checked > 100


@pytest.mark.parametrize("kind", ["plain_files", "hostile_files"])
def test_nothing_runs_and_nothing_is_fetched(kind, request):
    for name, page in pages_of(request.getfixturevalue(kind)).items():
        assert not page.tags & {"script", "iframe", "object", "embed", "form", "base"}, name
        assert page.handlers == [], name
        assert not [link for link in page.links if link.startswith(("javascript", "/"))]


def test_hostile_texts_are_shown_and_nothing_is_invisible(hostile_files):
    index = hostile_files["index.html"].decode()
    assert "&lt;img src=x onerror=alert(1)&gt;" in index
    assert visible(BIDI) in index
    assert "Withheld" in index
    for name, content in hostile_files.items():
        text = content.decode()
        assert visible(text) == text, name
        assert "<img src=x" not in text or name.endswith(".json")


def test_files_have_safe_names_and_pages_stay_small(hostile_files):
    for name, content in hostile_files.items():
        assert re.fullmatch(r"[a-z]+\.(html|css)|[a-z]+/[a-z0-9._+~-]+", name)
        assert not name.endswith(".html") or len(content) < 300_000, name


def test_badges_are_images_that_say_what_was_counted(hostile_files, plain_files):
    for files in (hostile_files, plain_files):
        badges = [content for name, content in files.items() if name.endswith(".svg")]
        assert badges
        for content in badges:
            root = ET.fromstring(content)
            assert root.tag.endswith("svg")
            assert float(root.get("width", "0")) < 300
    badge = plain_files["badges/asyncpg-0.31.0.svg"].decode()
    assert 'aria-label="pgdyno: 50 % right, 1 silent"' in badge
    assert (
        "differs between machines" in plain_files["versions/asyncpg-0.31.0.html"].decode()
    )


def test_programs_read_the_same_numbers(plain_files):
    told = json.loads(plain_files["data/index.json"])
    assert (told["format"], told["schema"]) == ("pgdyno-site", 1)
    by_name = {(found["driver"], found["version"]): found for found in told["versions"]}
    found = by_name["asyncpg", "0.31.0"]
    assert (found["right"], found["asked"], found["differing"]) == (1, 2, ["types/text#a"])
    run = fake_runs.check()
    shown = {card.name: card for card in cards(run.header.arms, (), run.checks)}
    psqlpy = by_name["psqlpy", "0.13.1"]
    assert (psqlpy["right"], psqlpy["asked"]) == (
        shown["psqlpy"].right.right,
        shown["psqlpy"].right.asked,
    )
    for scenario in told["scenarios"]:
        assert scenario["page"] in plain_files
    assert {run["run"] for run in told["runs"]} == {"aa01", "aa02", "bb01", "cc01"}
