"""Whether everybody can use the page: WCAG A and AA by axe-core, and the keyboard alone."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import pytest

from browser.conftest import settle

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
MOST_STOPS = 60

COLOURS = {"type": "rule", "values": ["color-contrast"]}

AXE = """(asked) => axe.run(%s, {runOnly: asked, resultTypes: ["violations"],
  preload: false})
  .then(({violations}) => violations.flatMap(({id, nodes}) => nodes.map(
    ({html, failureSummary}) => `${id}: ${html.slice(0, 160)} ${failureSummary}`)))"""


@cache
def axe() -> str:
    """The source of axe-core, which a page from `file://` could not fetch."""
    pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python")
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


def violations(page, place: str = "document", asked=STANDARDS) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe())
    return page.evaluate(AXE % place, asked)


VIEWS = ("view=matrix&q=num", "view=matrix&cause=1", "view=times", "view=charts")


@pytest.mark.parametrize(
    ("scheme", "width", "other"), [("light", 1280, "dark"), ("dark", 375, "light")]
)
def test_a_page_has_no_violation_of_wcag(opened, scheme, width, other):
    """Colours are all that the theme changes, so of the other one only they are judged."""
    page = opened("small", width=width, scheme=scheme)
    page.evaluate(
        "document.querySelectorAll('details').forEach((it) => { it.open = true })"
    )
    assert violations(page) == []
    for view in VIEWS:
        page.evaluate("(view) => { location.hash = `#${view}` }", view)
        settle(page)
        assert violations(page, "'#explore'") == [], view
    page.emulate_media(color_scheme=other)
    assert violations(page, asked=COLOURS) == [], other
    page.evaluate("location.hash = '#c=values/numrange%23read&d=psqlpy'")
    page.locator("dialog[open] .chosen").wait_for()
    for colours in (other, scheme):
        page.emulate_media(color_scheme=colours)
        assert violations(page, "'dialog'") == [], colours


def test_the_theme_switch_changes_colours_and_has_no_violation_either(opened):
    page = opened("small")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    assert violations(page, "'header'") == []
    page.locator("#theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == before


STOP = """() => {
  const node = document.activeElement;
  if (!node || node === document.body) return null;
  const { left, top, width, height } = node.getBoundingClientRect();
  const seen = document.elementFromPoint(left + Math.min(width, 20) / 2,
    top + Math.min(height, 20) / 2);
  const covered = !seen || !(node.contains(seen) || seen.contains(node));
  return [node.outerHTML.slice(0, 120), covered];
}"""


def test_the_keyboard_reaches_everything_in_few_stops(opened):
    page = opened("catalogue", height=600)
    stops = []
    while len(stops) < 200:
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            break
        stops.append(stop)
    assert 20 < len(stops) <= MOST_STOPS
    assert [html for html, covered in stops if covered] == []
    for place in ("#answers", "#families", "#causes", "#explore"):
        page.locator(f"{place} a:visible, {place} button:visible").first.focus()
        assert page.evaluate(STOP)[1] is False, place


@pytest.mark.parametrize(
    "block", ["#families table", "#causes details[open]:first-of-type .causes"]
)
def test_arrows_walk_where_tab_stops_once(opened, block):
    page = opened("catalogue")
    items = page.locator(f"{block} a, {block} button")
    assert items.count() > 5
    assert page.locator(f"{block} :is(a, button):not([tabindex='-1'])").count() == 1
    items.first.focus()
    page.keyboard.press("ArrowDown")
    assert items.nth(1).evaluate("node => node === document.activeElement")
    page.keyboard.press("End")
    assert items.last.evaluate("node => node === document.activeElement")
    page.keyboard.press("ArrowDown")
    assert items.last.evaluate("node => node === document.activeElement")
    page.keyboard.press("Home")
    assert items.first.evaluate("node => node === document.activeElement")


def test_a_table_that_scrolls_sideways_is_a_stop_only_then(opened):
    page = opened("small", width=375)
    block = page.locator("#families .scroll")
    assert block.get_attribute("tabindex") == "0"
    assert block.get_attribute("aria-label")
    page.set_viewport_size({"width": 1280, "height": 900})
    settle(page)
    assert block.get_attribute("tabindex") is None


def test_tabs_are_walked_with_arrows(opened):
    page = opened("small", "#view=times")
    page.locator("#tab-times").focus()
    page.keyboard.press("ArrowRight")
    settle(page)
    assert page.locator("#tab-matrix").get_attribute("aria-selected") == "true"
    assert page.locator("#view-matrix").is_visible()
    assert not page.locator("#view-times").is_visible()
