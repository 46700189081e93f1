"""What a reader can do: search, filter, compare, open, copy, send around."""

from __future__ import annotations

import csv
import io

from browser.conftest import settle

CELL = "values/numrange#read"
LINK = "#c=values%2Fnumrange%23read&d=psqlpy"


def clipboard(page) -> str:
    return page.evaluate("navigator.clipboard.readText()")


def address(page) -> str:
    return page.evaluate("location.hash")


def counted(page) -> tuple[int, int]:
    shown, of = (
        page.locator("#view-matrix .count")
        .inner_text()
        .split(" questions")[0]
        .split(" of ")
    )
    return int(shown.replace(",", "")), int(of.replace(",", ""))


# --- every question -------------------------------------------------------------------


def test_search_narrows_and_clear_shows_all_again(looked):
    page = looked("catalogue", "#view=matrix")
    assert counted(page) == (360, 360)
    page.get_by_label("Search").fill("FAMILY-07/")
    settle(page)
    assert counted(page) == (12, 360)
    page.get_by_label("Search").fill("value_100 ")
    settle(page)
    assert counted(page) == (1, 360)
    page.get_by_label("Search").fill("reason 3:")
    settle(page)
    assert counted(page)[0] > 0
    assert address(page) == "#view=matrix&q=reason+3%3A"
    first = page.locator(".matrix .rows .row").first
    assert first.locator("mark").all_inner_texts() == ["reason", "3:"]
    page.get_by_role("button", name="Clear").click()
    settle(page)
    assert counted(page) == (360, 360)


def rows(page) -> list[str]:
    """The rows of the table that are drawn, as a reader sees them."""
    return page.locator(".matrix .rows .row").all_inner_texts()


def search(page, text: str) -> tuple[int, int]:
    page.get_by_label("Search").fill(text)
    settle(page)
    return counted(page)


def test_a_field_is_searched_alone_and_a_row_says_why_it_is_there(looked):
    page = looked("catalogue", "#view=matrix")
    assert search(page, "id:family-07/")[0] == 12
    assert search(page, "sql:family-07/")[0] == 0
    assert search(page, 'title:"scenario, case-3"')[0] == 30
    reasons, _ = search(page, "detail:reason driver:asyncpg")
    everybody, _ = search(page, "detail:reason")
    assert 0 < reasons < everybody
    assert search(page, "detail:reason driver:nobody")[0] == 0
    assert search(page, "code:no-such-code")[0] == 0
    search(page, "driver:asyncpg detail:reason")
    assert all("asyncpg" in row for row in rows(page)[:5])
    assert page.locator(".matrix mark").first.inner_text().lower() == "reason"


def test_only_answers_can_differ_and_what_is_not_offered_is_none(looked):
    page = looked("catalogue", "#view=matrix&disagree=1")
    shown, _ = counted(page)
    assert shown > 0
    for row in rows(page)[:12]:
        said = ("exact", "lossy", "differs", "rejected", "broken")
        assert sum(name in row for name in said) > 1, row
    page = looked("catalogue", "#view=matrix&verdict=unsupported")
    silent, _ = counted(page)
    page = looked("catalogue", "#view=matrix&verdict=unsupported&disagree=1")
    assert counted(page)[0] < silent


def test_rows_are_sorted_by_how_many_are_wrong_or_how_badly(looked):
    page = looked("catalogue", "#view=matrix&sort=wrong")

    def wrong(row: str) -> int:
        return sum(row.count(name) for name in ("lossy", "differs", "rejected", "broken"))

    counts = [wrong(row) for row in rows(page)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] >= 1
    page.get_by_label("Sort").select_option("worst")
    settle(page)
    assert address(page) == "#view=matrix&sort=worst"
    assert all("broken" in row for row in rows(page)[:10])


def test_a_cause_leads_to_all_its_questions_and_to_no_others(opened):
    page = opened("catalogue")
    cause = page.locator("#causes .cause:visible").nth(3)
    link = cause.locator("small a")
    many = int(link.inner_text().split()[0])
    link.click()
    settle(page)
    assert counted(page) == (many, 360)
    assert "cause=" in address(page)
    assert page.locator(".cause-chosen").is_visible()
    page.get_by_role("button", name="all causes").click()
    settle(page)
    assert counted(page) == (360, 360)
    card = page.locator(".card .worst a").first
    card.click()
    settle(page)
    assert 0 < counted(page)[0] < 360
    assert "cause=" in address(page)
    assert "driver=" in address(page)


def test_chips_count_and_filter(looked):
    page = looked("catalogue", "#view=matrix")
    chip = page.locator(".chipped.v-lossy")
    many = int(chip.locator("b").inner_text())
    chip.click()
    settle(page)
    assert counted(page) == (many, 360)
    assert chip.get_attribute("aria-pressed") == "true"
    rows = page.locator(".matrix .rows .row")
    assert 0 < rows.count() < 60
    assert all(row.locator(".v-lossy").count() for row in rows.all()[:5])
    page.get_by_label("only where answers differ").check()
    settle(page)
    assert counted(page)[0] <= many
    page.locator(".chipped.v-lossy").click()
    settle(page)
    assert "verdict" not in address(page)


def test_only_rows_that_can_be_seen_are_there_and_the_last_can_be_reached(looked):
    page = looked("catalogue", "#view=matrix")
    scroller = page.locator("div.matrix")
    scroller.focus()
    page.keyboard.press("End")
    settle(page)
    focused = page.locator(".matrix .row.focused")
    assert "family-29/scenario#case-11" in focused.inner_text()
    box, table = focused.bounding_box(), scroller.bounding_box()
    assert box["y"] + box["height"] <= table["y"] + table["height"]
    assert page.locator(".matrix .rows .row").count() < 60
    page.keyboard.press("Enter")
    assert page.locator("dialog[open] .overline").inner_text() == (
        "family-29/scenario#case-11"
    )


def test_a_family_of_the_heat_opens_its_questions(opened):
    page = opened("catalogue")
    page.locator("#families a", has_text="family-03").click()
    settle(page)
    assert counted(page) == (12, 360)
    assert page.get_by_label("Family").locator("visible=true").input_value() == "family-03"


# --- the dialog -----------------------------------------------------------------------


def test_a_question_opens_from_its_link_and_closes_to_where_one_was(looked):
    page = looked("small", "#view=matrix&q=numrange")
    before = address(page)
    row = page.locator(".matrix .rows .row", has_text="read").first
    row.click()
    dialog = page.locator("dialog[open]")
    assert dialog.locator(".overline").inner_text() == CELL
    assert dialog.locator(".side, .right-ones .driver").count() >= 5
    assert dialog.locator(".side .v").all_inner_texts() == ["‼ broken"]
    assert dialog.locator(".right-ones .driver").count() >= 4
    assert "c=values%2Fnumrange%23read" in address(page)
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()
    assert address(page) == before
    assert page.evaluate("document.activeElement.className") == "matrix"


def test_focus_returns_to_the_link_that_opened_a_question(opened):
    page = opened("small")
    link = page.locator("#causes p a").first
    link.click()
    page.locator("dialog[open]").wait_for()
    page.get_by_role("button", name="Close").click()
    assert link.evaluate("node => node === document.activeElement")
    assert address(page) == ""


def test_a_link_opens_a_question_with_its_driver(opened):
    page = opened("small", LINK)
    chosen = page.locator("dialog[open] .side.chosen")
    chosen.first.wait_for()
    assert "psqlpy" in chosen.first.inner_text()
    assert "PanicException" in chosen.first.inner_text()
    page.get_by_role("button", name="Copy link").click()
    assert clipboard(page) == page.url
    command = page.locator("dialog .chosen .copyable").first
    command.get_by_role("button").click()
    assert (
        clipboard(page)
        == command.locator("code").inner_text()
        == ("pgdyno show values/numrange#read --driver psqlpy --run")
    )


def test_previous_and_next_walk_through_what_is_selected(looked):
    page = looked("small", "#view=matrix&family=values")
    page.locator(".matrix .rows .row").first.click()
    title = page.locator("dialog .overline")
    first = title.inner_text()
    page.get_by_role("button", name="next").click()
    assert title.inner_text() != first
    page.get_by_role("button", name="previous").click()
    assert title.inner_text() == first
    assert page.get_by_role("button", name="previous").count() == 0


def test_an_unknown_question_is_said_to_be_unknown(opened):
    page = opened("small", "#c=no/such%23thing")
    assert "no question" in page.locator("dialog[open]").inner_text()
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()


def test_a_click_beside_the_dialog_closes_it(opened):
    page = opened("small", LINK)
    page.locator("dialog[open]").wait_for()
    page.mouse.click(5, 5)
    assert not page.locator("dialog").is_visible()


# --- the address ----------------------------------------------------------------------


STATES = (
    "#view=matrix&q=num&family=values&verdict=broken&profile=default",
    "#view=times&show=ratio&base=psycopg2&family=copy",
    "#view=matrix&c=values%2Fuuid%23read&d=psycopg2",
)


def test_a_link_with_a_state_shows_the_same_view(opened):
    page = opened("small")
    found = []
    for state in STATES:
        page.evaluate("(state) => { location.hash = state }", state)
        settle(page)
        found.append(looked_at(page))
    for state, seen in zip(STATES, found, strict=True):
        page = opened("small", state)
        assert looked_at(page) == seen
        assert address(page) == state


def looked_at(page) -> list[str]:
    """What is chosen, and the first of what is shown for it."""
    panel = "[role=tabpanel]:not([hidden])"
    page.locator(f"{panel} :is(.rows .row, table.times)").first.wait_for()
    chosen = page.locator(f"{panel} :is(select, input)").evaluate_all(
        "(fields) => fields.map((field) => field.value)"
    )
    shown = "[aria-pressed=true]:visible, .count:visible, dialog[open] .sides"
    first = page.locator(".rows .row:visible, table.times:visible").first
    return [*chosen, *page.locator(shown).all_inner_texts(), first.inner_text()]


def test_a_state_that_nobody_could_have_made_shows_what_there_is(looked):
    page = looked("small", "#view=times&show=toString&base=nobody&family=none&__proto__=x")
    assert page.locator("#view-times").is_visible()
    page.evaluate("location.hash = '#view=constructor&verdict=hasOwnProperty'")
    settle(page)
    page.evaluate("location.hash = '#view=matrix&verdict=none&profile=none&driver=none'")
    settle(page)
    assert page.locator("#view-matrix").is_visible()


def test_back_and_forward_go_through_what_was_looked_at(opened):
    page = opened("small")
    page.locator("#tab-matrix").click()
    settle(page)
    page.locator(".chipped.v-broken").click()
    page.locator(".matrix .rows .row").first.click()
    assert page.locator("dialog").is_visible()
    page.go_back()
    assert not page.locator("dialog").is_visible()
    assert address(page) == "#view=matrix&verdict=broken"
    page.go_back()
    settle(page)
    assert page.locator(".chipped.v-broken").get_attribute("aria-pressed") == "false"
    page.go_forward()
    page.go_forward()
    page.locator("dialog[open]").wait_for()


def test_sections_are_reached_without_a_state(opened):
    page = opened("small")
    page.locator("nav a", has_text="Causes").click()
    top = page.locator("#causes h2").bounding_box()["y"]
    bar = page.locator("nav").bounding_box()
    assert bar["y"] + bar["height"] <= top + 1 < 400


# --- times ----------------------------------------------------------------------------


def test_any_driver_is_the_baseline_and_ratios_are_paired(looked):
    page = looked("small", "#view=times&show=ratio&family=point")
    table = page.locator("#view-times table.times:visible").first
    assert "1.00×" in table.inner_text()
    page.get_by_label("Baseline").select_option("psqlpy")
    settle(page)
    assert address(page).endswith("base=psqlpy")
    row = table.locator("tbody tr", has_text="psqlpy")
    assert "1.00×" in row.inner_text()
    psycopg = table.locator("tbody tr", has_text="psycopg2")
    assert float(psycopg.locator(".num").first.inner_text().split("×")[0]) < 1


def test_a_time_a_rate_and_a_multiple(looked):
    page = looked("small", "#view=times&family=point")
    figures = page.locator("#view-times table.times:visible tbody td.num").first
    assert "µs" in figures.inner_text()
    page.get_by_role("button", name="rate").click()
    settle(page)
    assert "ops/s" in figures.inner_text()
    page.get_by_role("button", name="baseline").click()
    settle(page)
    assert "×" in figures.inner_text()


def test_a_sweep_is_a_line_for_each_driver_with_its_crossing(looked):
    page = looked("small", "#view=charts")
    chart = page.locator("#view-charts svg.chart:not(.overview)").first
    assert chart.locator("path.line").count() >= 5
    assert "cross at" in page.locator("#view-charts").inner_text()
    with page.expect_download() as saved:
        page.locator("#view-charts").get_by_role("button", name="SVG").first.click()
    svg = saved.value.path().read_text("utf-8")
    assert svg.startswith("<svg")
    assert 'xmlns="http://www.w3.org/2000/svg"' in svg


# --- copying --------------------------------------------------------------------------


def test_the_selection_is_copied_as_markdown_and_csv(looked):
    page = looked("small", "#view=matrix&q=numrange")
    page.locator("#view-matrix").get_by_role("button", name="Copy as CSV").click()
    rows = list(csv.reader(io.StringIO(clipboard(page))))
    assert sorted(rows[0]) == ["asyncpg", "psqlpy", "psycopg", "psycopg-async", "psycopg2",
                               "question"]  # fmt: skip
    assert [row[0] for row in rows[1:]] == [
        f"values/numrange#{trip}" for trip in ("read", "parameter", "array", "copy")
    ]
    assert rows[1][rows[0].index("psqlpy")] == "broken"
    page.locator("#view-matrix").get_by_role("button", name="Copy as Markdown").click()
    lines = clipboard(page).splitlines()
    assert lines[1] == "|" + " --- |" * len(rows[0])
    assert len(lines) == len(rows) + 1


def test_the_command_of_a_cause_is_copied(opened):
    page = opened("catalogue")
    cause = page.locator("#causes details[open] .cause").first
    cause.get_by_role("button", name="Copy command").click()
    assert clipboard(page) == cause.get_attribute("data-copy")
    assert clipboard(page).startswith("pgdyno show 'family-")
    closed = page.locator("#causes details:not([open])").first
    assert closed.locator("button").count() == 0
    closed.locator("summary").click()
    closed = page.locator("#causes details[open]").last
    closed.get_by_role("button").first.click()
    assert clipboard(page).startswith("pgdyno show 'family-")


def test_long_tables_are_built_when_they_are_opened(opened):
    page = opened("small")
    details = page.locator("details.later").first
    assert details.locator("table").count() == 0
    details.locator("summary").click()
    details.locator("tbody tr").first.wait_for()
    assert details.locator("tbody tr").count() > 3


# --- odd addresses --------------------------------------------------------------------


def test_back_closes_a_question_for_good(opened):
    page = opened("small")
    page.locator("#causes p a").first.click()
    page.locator("dialog[open]").wait_for()
    page.go_back()
    settle(page)
    assert not page.locator("dialog").is_visible()
    page.get_by_role("tab", name="Times").click()
    settle(page)
    assert not page.locator("dialog").is_visible()
    assert address(page) == "#view=times"


def test_what_an_address_asks_for_in_vain_filters_nothing(looked, opened):
    page = looked("catalogue", "#view=matrix&family=nowhere&verdict=odd&driver=nobody")
    assert counted(page) == (360, 360)
    page = opened("small", "#view=times&family=nowhere&show=toString&base=nobody")
    settle(page)
    assert page.locator("#view-times tbody tr").count() > 0
    assert page.locator("[data-show=time]").get_attribute("aria-pressed") == "true"


def test_a_question_that_is_not_there_is_said_so(opened):
    page = opened("small", "#c=no/such%23cell&d=nobody")
    page.locator("dialog[open]").wait_for()
    assert "no question" in page.locator("dialog").inner_text()


def test_a_link_to_a_view_drops_what_was_filtered_before(looked):
    page = looked("catalogue", "#view=matrix&q=nothing-like-it")
    assert counted(page) == (0, 360)
    page.locator("#families a", has_text="family-03").click()
    settle(page)
    assert counted(page) == (12, 360)


def test_without_a_clipboard_a_text_is_copied_all_the_same(opened):
    page = opened("small", LINK)
    page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error()) }"
    )
    button = page.locator("dialog .chosen .copyable button").first
    button.click()
    settle(page)
    assert button.inner_text() == "Copied"
    assert clipboard(page).startswith("pgdyno show")


def test_a_declared_cause_links_to_where_it_is_spoken_of(opened):
    page = opened("catalogue")
    group = page.locator("#causes details").nth(1)
    if group.get_attribute("open") is None:
        group.locator("summary").click()
    settle(page)
    link = group.get_by_role("link", name="what is known of it").first
    assert link.get_attribute("href") == "https://example.org/issue"
