"""A real browser for the page of a report: Chromium, driven by Playwright, from `file://`.

Whatever a test does, no page may say anything on its console or ask anybody for anything.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from browser import made_pages
from harness.render import html
from harness.report import view

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--no-first-run", "--disable-sync")  # fmt: skip
PAGES = {
    "small": made_pages.small,
    "catalogue": made_pages.catalogue,
    "hostile": made_pages.hostile,
}


@pytest.fixture(scope="package")
def browser() -> Iterator[object]:
    """One browser for all of these tests. While it is there a loop runs in this thread, so
    it must be gone before other tests want one of their own."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs chromium: apt-get install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def file_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Where the page of a name is; it is made when the first test asks."""
    folder = tmp_path_factory.mktemp("pages")

    def file_of(name: str) -> Path:
        file = folder / f"{name}.html"
        if not file.exists():
            file.write_text(html.render(view.build(PAGES[name]())), encoding="utf-8")
        return file

    return file_of


@pytest.fixture(scope="package")
def tab(browser) -> object:
    """The tab in which all pages are opened: a new one for each test costs more than most
    of what tests do."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(10_000)
    return context.new_page()


@pytest.fixture
def opened(tab, file_of) -> Iterator[Callable]:
    """Open a page anew: `opened("small", "#view=matrix", width=375)`."""
    with watched(tab) as said:

        def opened(name="small", state="", *, width=1280, height=900, scheme="light"):
            tab.set_viewport_size({"width": width, "height": height})
            tab.emulate_media(color_scheme=scheme)
            tab.goto("about:blank")
            tab.goto(file_of(name).as_uri() + state)
            settle(tab)
            return tab

        yield opened
    assert said == []


@pytest.fixture
def looked(tab, opened, file_of) -> Callable:
    """Follow a link with a state, on the page that is open if it is that one: loading it
    anew costs more than what most tests do."""

    def looked(name, state):
        if not tab.url.startswith(file_of(name).as_uri() + "#view=") or narrow(tab):
            return opened(name, state)
        for address in ("#nowhere", state):
            tab.evaluate("(address) => { location.hash = address }", address)
            settle(tab)
        return tab

    return looked


def narrow(page) -> bool:
    """Whether the page that is open is as a telephone has it."""
    return page.viewport_size["width"] < 1280


@contextmanager
def watched(page) -> Iterator[list[str]]:
    """Whatever a page says to its console, asks of anybody, or stops for."""
    said: list[str] = []
    listeners = {
        "console": lambda message: said.append(f"console: {message.text}"),
        "pageerror": lambda error: said.append(f"error: {error}"),
        "dialog": lambda dialog: said.append(f"alert: {dialog.message}"),
        "request": lambda asked: (
            asked.is_navigation_request() or said.append(f"request: {asked.url[:80]}")
        ),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    yield said
    for event, listener in listeners.items():
        page.remove_listener(event, listener)


def settle(page) -> None:
    """Wait for what the page does by itself: unfolding data, drawing what can be seen."""
    page.evaluate(
        """async () => {
          const frame = () => new Promise((done) => requestAnimationFrame(done));
          for (let quiet = 0; quiet < 3; quiet++) {
            await frame();
            if (document.querySelector("[aria-busy]")) quiet = 0;
          }
        }"""
    )
