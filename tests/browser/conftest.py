"""A real browser for the page of a report: Chromium, driven by Playwright, from `file://`.

Whatever a test does, no page may say anything on its console or ask anybody for anything.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
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
def place(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Where the page of a name is; it is made when the first test asks."""
    folder = tmp_path_factory.mktemp("pages")

    def place(name: str) -> Path:
        file = folder / f"{name}.html"
        if not file.exists():
            file.write_text(html.render(view.build(PAGES[name]())), encoding="utf-8")
        return file

    return place


@pytest.fixture
def opened(browser, place) -> Iterator[Callable]:
    """Open a page: `opened("small", "#view=matrix", width=375)`."""
    said: list[str] = []
    contexts = []

    def opened(name="small", state="", *, width=1280, height=900, scheme="light", **more):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme,
            permissions=["clipboard-read", "clipboard-write"], **more,
        )  # fmt: skip
        contexts.append(context)
        context.set_default_timeout(5000)
        page = context.new_page()
        url = place(name).as_uri()
        page.on("console", lambda message: said.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: said.append(f"alert: {dialog.message}"))
        page.on("request", lambda asked: asked.url.partition("#")[0] == url
                or said.append(f"request: {asked.url[:80]}"))  # fmt: skip
        page.goto(url + state)
        if more.get("java_script_enabled", True):
            settle(page)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []


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
