"""Names and texts from a results file that would be markup, code or a trap: shown, not
obeyed, in the page and in what is unfolded from its data."""

from __future__ import annotations

import unicodedata

from browser import made_pages
from browser.conftest import settle
from browser.made_pages import BIDI, HOSTILE, LONG
from harness.core.visible import visible

INVISIBLE = """() => {
  const texts = [document.documentElement.innerText];
  for (const node of document.querySelectorAll("*")) {
    for (const {name, value} of node.attributes) {
      if (["title", "aria-label", "placeholder"].includes(name)) texts.push(value);
    }
  }
  return texts.join("");
}"""


def invisible(page) -> set[str]:
    """What is in the page though nobody can see it."""
    return {
        char
        for char in page.evaluate(INVISIBLE)
        if char not in "\n\t" and visible(char) != char
    }


def test_hostile_texts_are_shown_as_text(opened):
    page = opened("hostile")
    for view in ("", "matrix", "times", "charts"):
        page.evaluate("(view) => { location.hash = view && `#view=${view}` }", view)
        settle(page)
        assert page.locator("img, script[src], iframe, object, bdi *").count() == 0
        assert page.locator("script").count() == 2
        assert invisible(page) == set(), view
    shown = page.locator("body").inner_text()
    assert "<img src=x onerror=alert(1)>" in shown
    assert "\\u202egnp.exe" in shown


def test_a_question_of_any_name_opens(opened):
    page = opened("hostile")
    for name in HOSTILE:
        page.evaluate(
            """([name, c]) => { location.hash = `#${new URLSearchParams(
              {view: "matrix", driver: name, c, d: name})}` }""",
            [name, f"{name}/scenario#{name}"],
        )
        dialog = page.locator("dialog[open]")
        dialog.locator(".side.chosen").first.wait_for()
        assert dialog.locator(".side").count() == len(HOSTILE)
        assert invisible(page) == set()
        assert dialog.locator("a").count() == 0  # its link is no http
        assert dialog.evaluate("node => node.scrollWidth <= node.clientWidth")
        assert page.locator("#view-matrix .count").inner_text().startswith("8 of 8")
        page.keyboard.press("Escape")


def test_any_name_is_found_and_chosen(opened):
    page = opened("hostile", "#view=matrix")
    driver = page.get_by_label("Driver", exact=True)
    for name in HOSTILE:
        page.get_by_label("Search").fill(name[:40])
        driver.select_option(name)
        settle(page)
        assert page.locator("#view-matrix .count").inner_text().startswith("1 of 8")
        assert driver.input_value() == name
        chosen = page.evaluate("new URLSearchParams(location.hash.slice(1)).get('driver')")
        assert chosen == name


def test_what_is_invisible_is_escaped_as_the_other_formats_do(opened):
    page = opened("hostile", "#view=matrix")
    search = page.get_by_label("Search")
    for name in (BIDI, HOSTILE[4]):
        search.fill(name)
        settle(page)
        row = page.locator(".matrix .rows .row").first.inner_text()
        assert visible(name) in row
    assert any(unicodedata.category(char)[0] == "C" for char in HOSTILE[4])


def test_a_long_name_wraps(opened):
    page = opened("hostile", width=375)
    names = page.locator(".card h3", has_text=LONG[:100])
    assert names.count() == 1
    assert names.bounding_box()["width"] <= 375
    assert names.inner_text().strip() == LONG


def test_the_policy_forbids_what_the_page_does_not_need(opened):
    page = opened("hostile")
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute(
        "content"
    )
    assert policy.startswith("default-src 'none';")
    assert len(made_pages.HOSTILE) == page.locator(".card").count()
