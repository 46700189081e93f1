"""A page after loading: its size, and what is there without JavaScript or on paper."""

from __future__ import annotations

import re

import pytest

from browser.conftest import settle

MOST_NODES = 3000
MOST_PAPER = 8


@pytest.mark.parametrize("name", ["small", "catalogue", "hostile"])
def test_a_page_loads_in_silence(opened, name):
    page = opened(name)
    assert page.locator("h1").inner_text()
    assert page.locator("#explore").is_visible()
    assert page.locator(".card").count() == page.evaluate(
        "document.querySelectorAll('#families thead th').length - 1"
    )


def test_a_whole_catalogue_has_few_nodes(opened):
    page = opened("catalogue")
    assert page.locator(".cause").count() >= 140
    assert page.evaluate("document.querySelectorAll('*').length") <= MOST_NODES


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("name", ["small", "hostile"])
def test_a_page_ends_with_its_footer_and_goes_down_only(opened, name, width):
    page = opened(name, width=width)
    page.evaluate(
        "document.querySelectorAll('details').forEach((it) => { it.open = true })"
    )
    for state in ("", "#view=matrix", "#view=times", "#view=charts"):
        page.evaluate("(state) => { location.hash = state }", state)
        settle(page)
        found = page.evaluate(MEASURE)
        assert found["wide"] == [], state
        assert found["width"] == width, state
        assert abs(found["height"] - found["end"]) <= 1, state


MEASURE = """() => ({
  height: document.documentElement.scrollHeight,
  end: document.querySelector("footer").getBoundingClientRect().bottom + scrollY,
  width: document.documentElement.scrollWidth,
  wide: [...document.querySelectorAll("body *")].filter((node) => node.checkVisibility()
    && node.getBoundingClientRect().right > innerWidth + 1
    && !node.closest(".scroll, .matrix, .bar, .tabs, svg, dialog, .sr, pre"))
    .slice(0, 3).map((node) => node.outerHTML.slice(0, 120)),
})"""


def test_without_javascript_the_answers_are_there(browser, file_of):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(file_of("catalogue").as_uri())
    for section in ("answers", "drivers", "families", "causes"):
        assert page.locator(f"#{section}").is_visible()
    assert page.locator("#answers dt").count() >= 5
    assert page.locator("#causes .cause").count() >= 140
    for group in page.locator("#causes details").all():
        group.locator("summary").click(force=True)
    assert "need JavaScript" in page.locator("noscript").inner_html()
    assert not page.locator("#explore").is_visible()
    assert page.locator("button:visible").count() == 0
    page.context.close()


def test_a_catalogue_on_paper_is_short(opened):
    page = opened("catalogue")
    paper = page.pdf(format="A4")
    pages = len(re.findall(rb"/Type\s*/Page\b", paper))
    assert 2 <= pages <= MOST_PAPER
