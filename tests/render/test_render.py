"""Reports of made-up runs: golden files, and what must hold for every report.

After a wanted change of a report: PGDYNO_UPDATE_GOLDEN=1 pytest tests/test_render.py,
then read the difference before it is committed.
"""

from __future__ import annotations

import argparse
import json as jsonlib
import os
import re
import shutil
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import fake_runs
import msgspec
import pytest
from fake_runs import arm_facts, bench, changed, check
from msgspec.structs import replace
from pages import everything, unfolded

from harness.cli import report as verb
from harness.core.errors import MissingExtra
from harness.core.verdicts import Verdict
from harness.render import html, json, junit, markdown, png, png_parts, text
from harness.report import matrix as matrices
from harness.report import view
from harness.report.baseline import fold
from harness.report.cells import cell_views
from harness.report.format import SYMBOLS
from harness.report.quality import self_tests
from harness.report.scale import around
from harness.results import store
from harness.results.records import Run
from harness.results.store import Writer

GOLDEN = Path(__file__).parent / "golden"
VOID = {"meta", "link", "input", "br", "img", "hr"}


@pytest.fixture(scope="module")
def runs():
    measured = bench(
        rows=fake_runs.CELLS[:1] + fake_runs.CELLS[4:12],
        rounds=8,
        override=lambda trial: fake_runs.with_troubles(fake_runs.beside_a_hog(trial)),
        notes=fake_runs.NOTES,
        latency=True,
    )
    return [
        fake_runs.with_phases(fake_runs.with_references(measured)),
        check(types=("int4", "uuid", "interval", "jsonb", "numrange", "vector")),
    ]


@pytest.fixture(scope="module")
def report(runs):
    return view.build(runs)


@pytest.fixture(scope="module")
def page(report):
    return html.render(report)


# --- golden files -------------------------------------------------------------------


def compare_with_golden(name: str, found: str) -> None:
    path = GOLDEN / name
    if os.environ.get("PGDYNO_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_golden_markdown(report):
    compare_with_golden("report.md", markdown.render(report, images=["overview.png"]))


def test_golden_text(report):
    compare_with_golden("report.txt", text.render(report))


def test_golden_junit(runs):
    compare_with_golden("junit.xml", junit.render(runs[1].checks))


def test_golden_html_structure(page):
    compare_with_golden("report.outline.txt", Outline.of(page))


class Outline(HTMLParser):
    """The text of a page with its headings, rows and sections; no style, no script."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = [""]
        self.silent = 0

    @classmethod
    def of(cls, page: str) -> str:
        self = cls()
        self.feed(page)
        lines = (" ".join(line.split()) for line in self.lines)
        return "\n".join(line for line in lines if line) + "\n"

    def handle_starttag(self, tag, attrs):
        self.silent += tag in ("style", "script")
        if re.fullmatch(r"h[1-6]", tag):
            self.lines.append("#" * int(tag[1]) + " ")
        elif tag in ("tr", "p", "li", "section", "article", "summary", "div", "dt"):
            self.lines.append("")
        elif tag in ("td", "th"):
            self.lines[-1] += " | "

    def handle_endtag(self, tag):
        self.silent -= tag in ("style", "script")

    def handle_data(self, data):
        if not self.silent:
            self.lines[-1] += data


# --- every report -------------------------------------------------------------------


def test_same_runs_same_bytes(runs, report, page):
    again = view.build(runs)
    assert html.render(again) == page
    assert markdown.render(again) == markdown.render(report)
    assert png.render(again) == png.render(report)


def test_page_needs_no_network(page):
    assert "default-src 'none'" in page
    outside = re.findall(r"https?://|//cdn|@import|url\(|<script[^>]+src|<img", page)
    assert outside == []
    assert re.findall(r'<link[^>]*href="(?!data:)', page) == []


class Tags(HTMLParser):
    """Well-formedness, ids and what points to them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"])
        if values.get("href", "").startswith("#"):
            self.targets.append(values["href"][1:])
        if "popovertarget" in values:
            self.targets.append(values["popovertarget"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parse(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    return tags


def test_page_is_well_formed_and_its_links_lead_somewhere(page):
    tags = parse(page)
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids))
    places = {target for target in tags.targets if "=" not in target}
    assert places <= set(tags.ids)
    assert len(places) > 5
    states = [dict(parse_qsl(target)) for target in tags.targets if "=" in target]
    known = {cell[0] for cell in unfolded(page)["cells"]}
    assert {state["c"] for state in states if "c" in state} <= known
    assert len(states) > 20


def test_a_big_report_is_small_and_quick():
    run = bench(rows=fake_runs.many_cells(36), rounds=12, override=fake_runs.with_troubles)
    start = time.process_time()
    page = html.render(view.build([run, check()]))
    assert time.process_time() - start < 5
    assert len(page.encode()) < 3_000_000


EVIL = "<evil onclick=alert(1)>&\"'`|*_$x^2$"


def test_whatever_a_file_says_stays_text():
    arms = [arm_facts(f"{EVIL}{at}") for at in range(2)]
    row = (f"fam{EVIL}/x", EVIL, {"n": EVIL}, EVIL, EVIL, EVIL, EVIL, 1, 0, 30)

    def spoil(trial):
        if trial.arm.endswith("1"):
            said = dict.fromkeys(("detail", "observed", "expected"), EVIL)
            return changed(trial, verdict="lossy", slices=None, **said)
        return trial

    measured = bench(
        run=EVIL,
        rows=[row],
        arms=arms,
        override=spoil,
        truncated=EVIL,
        notes=[fake_runs.Note(kind=EVIL, text=EVIL)],
    )
    checked = check()
    fields = {
        "scenario": EVIL,
        "case": EVIL,
        "cell": f"{EVIL}#{EVIL}",
        "driver": EVIL,
        "verdict": "lossy",
        "detail": EVIL,
        "observed": EVIL,
        "expected": EVIL,
    }
    checks = [changed(checked.checks[0], **fields), changed(checked.checks[1], **fields)]
    report = view.build([measured, replace(checked, checks=checks)])
    page = html.render(report)
    tags = parse(page)
    assert "evil" not in tags.seen
    assert "<evil" not in page
    assert "&lt;evil" in page
    assert "<evil" not in markdown.render(report)
    assert ET.fromstring(junit.render(checks)) is not None
    assert jsonlib.loads(json.render(checks))[0]["detail"] == EVIL
    assert all(Path(name).name == name for name in png.render(report))


HOSTILE = "a\x1b[2J\x9b31m\u202egnp\u200b\x07\r\uffff\u2028b"


@pytest.fixture(scope="module")
def hostile():
    """A run of each kind in which every name and message tries to command a terminal."""
    arms = [arm_facts(f"{HOSTILE}{at}") for at in range(2)]
    row = (
        f"f{HOSTILE}/x",
        HOSTILE,
        {"n": HOSTILE},
        HOSTILE,
        HOSTILE,
        HOSTILE,
        HOSTILE,
        1,
        0,
        30,
    )
    told = dict.fromkeys(("detail", "observed", "expected"), HOSTILE)

    def spoil(trial):
        ends = trial.arm.endswith("1")
        return changed(trial, verdict="lossy", slices=None, **told) if ends else trial

    note = fake_runs.Note(kind=HOSTILE, text=HOSTILE, cell=HOSTILE)
    measured = bench(run=HOSTILE, rows=[row], arms=arms, override=spoil, notes=[note])
    told |= dict.fromkeys(("scenario", "case", "cell", "driver"), HOSTILE)
    told |= dict.fromkeys(("drift", "deviation", "link"), HOSTILE)
    spoilt = changed(check().checks[0], verdict="lossy", **told)
    return [measured, replace(check(), checks=[spoilt])]


@pytest.mark.parametrize("form", ["text", "markdown", "html", "junit"])
def test_what_drivers_say_commands_no_terminal(form, hostile):
    report = view.build(hostile)
    shown = {
        "text": lambda: text.render(report),
        "markdown": lambda: markdown.render(report),
        "html": lambda: html.render(report),
        "junit": lambda: junit.render(hostile[1].checks),
    }[form]()
    left = {char for char in shown if not char.isprintable()} - {"\n", "\t", "\xa0"}
    assert left == set()
    assert "\\x1b[2J\\x9b31m\\u202egnp\\u200b" in shown.replace("\\\\", "\\").replace(
        "\\[", "["
    )
    if form == "text":
        assert max(map(len, shown.splitlines())) <= 80
    if form == "junit":
        case = ET.fromstring(shown).find("testsuite/testcase")
        assert "\\x1b[2J" in case.get("name")
        assert "\\uffff" in case.find("failure").get("message")


def test_charts_show_hostile_names(hostile):
    assert png.render(view.build(hostile))


def test_colours_are_the_same_in_all_charts():
    style = (Path(html.__file__).parent / "templates" / "report.css").read_text()
    light = re.findall(r"--h\d: light-dark\((#[0-9a-f]{6})", style)
    assert tuple(light) == png_parts.COLOURS
    assert len(png_parts.COLOURS) == html.HUES


def test_charts_have_no_global_state(report):
    code = "import harness.render.png, sys; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
    names = list(png.render(report))
    assert {"families.png", "causes.png", "overview.png", "overview-dark.png"} <= {*names}
    assert "family-jsonb.png" in names


def test_terminal_has_eighty_columns(report):
    lines = text.render(report).splitlines()
    assert max(map(len, lines)) <= 80
    many = check(
        drivers=[f"driver-with-a-long-name-{at}" for at in range(9)], types=("int4",)
    )
    wide = text.matrix(matrices.build(many.checks))
    assert max(map(len, wide.splitlines())) <= 80


# --- what is said -------------------------------------------------------------------

SMALL = fake_runs.CELLS[:2]


def lows(data):
    """The lower ends of all intervals of a page's times."""
    return [
        row["time"][1]
        for run in data["runs"]
        for cell in run["cells"]
        for group in cell["groups"]
        for row in group["rows"]
        if "time" in row
    ]


def rows_of(run, cell=0, group=0):
    return {row.arm: row for row in cell_views(run)[cell].groups[group].rows}


def arms(*names):
    return [arm_facts(name) for name in names]


def test_what_cannot_be_told_apart_is_tied():
    equal = {"psycopg": 1 / 1.1, "psycopg2": 1.0}

    def level(trial):  # both at the same time, whatever their taste
        times = [
            30_000 * trial.slices.ops + 7 * at * (-1) ** (trial.round + len(trial.arm))
            for at, _ in enumerate(trial.slices.wall_ns)
        ]
        if trial.arm in equal:
            return changed(trial, slices=replace(trial.slices, wall_ns=times))
        slow = [duration * 2 for duration in times]
        return changed(trial, slices=replace(trial.slices, wall_ns=slow))

    rows = rows_of(
        bench(rows=SMALL, arms=arms("psycopg", "psycopg2", "psqlpy"), override=level)
    )
    assert rows["psycopg"].mark == rows["psycopg2"].mark == "= 1"
    assert rows["psqlpy"].mark == "3"
    assert rows["psqlpy"].ratio.point == pytest.approx(2, abs=0.01)


def test_differs_is_timed_but_not_ranked():
    run = bench(rows=fake_runs.CELLS[4:5], override=fake_runs.with_troubles)
    row = rows_of(run)["asyncpg"]
    assert (row.mark, row.rank) == ("≠", None)
    assert row.time is not None
    assert row.ratio is not None
    assert "jsonb arrives as str" in everything(html.render(view.build([run])))


def test_no_number_is_a_row_with_a_reason():
    lost = [
        *arms("psycopg", "psqlpy"),
        arm_facts("asyncpg", problem="no wheel for this Python"),
    ]

    def crash(trial):
        if trial.arm != "psqlpy":
            return trial
        return changed(trial, verdict="crashed", detail="SIGABRT", slices=None)

    run = bench(rows=SMALL, arms=lost, override=crash)
    rows = rows_of(run)
    assert (rows["psqlpy"].time, rows["psqlpy"].status) == (None, "crashed")
    assert (rows["asyncpg"].verdict, rows["asyncpg"].detail) == (
        None,
        "no wheel for this Python",
    )
    report = view.build([run])
    page = everything(html.render(report))
    for shown in (page, markdown.render(report), text.render(report)):
        assert "SIGABRT" in shown
        assert "no wheel for this Python" in shown


def test_one_bad_round_takes_the_number_away():
    def once(trial):
        if trial.arm == "psqlpy" and trial.round == 4:
            return changed(trial, verdict="lossy", detail="one row short")
        return trial

    assert rows_of(bench(rows=SMALL, override=once))["psqlpy"].time is None


def test_below_six_rounds_there_is_no_interval_and_no_rank():
    run = bench(rows=SMALL, rounds=5)
    rows = rows_of(run)
    assert all(row.rank is None and row.time.low is None for row in rows.values())
    report = view.build([run])
    assert "too few for intervals" in report.runs[0].sureness
    page = html.render(report)
    assert all(low is None for low in lows(unfolded(page)))
    assert "cannot tell anything apart" in " ".join(page.split())
    assert not report.runs[0].self_tests[0].conclusive
    png.render(report)


def test_one_round_is_shown():
    report = view.build([bench(rows=SMALL, rounds=1, slices=1)])
    assert all(low is None for low in lows(unfolded(html.render(report))))
    png.render(report)


def test_threads_and_tasks_are_never_ranked_together():
    cell = cell_views(bench(rows=fake_runs.CELLS[10:11]))[0]
    threads, tasks = cell.groups
    assert (threads.label, tasks.label) == ("threads", "tasks")
    assert threads.rows[0].rank == tasks.rows[0].rank == 1
    assert {row.arm for row in threads.rows} == {"psycopg", "psycopg2"}
    assert threads.fastest.ratio.point == tasks.fastest.ratio.point == 1


def test_ops_of_a_slice_are_counted_per_client():
    facts = fake_runs.cell_facts(fake_runs.CELLS[10])
    run = bench(rows=fake_runs.CELLS[10:11])
    row = rows_of(run)["psycopg2"]
    trial = next(trial for trial in run.trials if trial.arm == "psycopg2")
    assert trial.slices is not None
    per_client = trial.slices.wall_ns[0] / trial.slices.ops
    assert row.time.point == pytest.approx(per_client / facts.clients, rel=0.1)
    assert row.per_op["cpu_ns"] == pytest.approx(row.time.point * 0.55, rel=0.1)


def test_a_a_arm_is_proof_and_no_competitor():
    run = bench(rows=SMALL)
    assert not any("A/A" in arm for arm in rows_of(run))
    (test,) = self_tests(run)
    assert not test.doubtful
    assert 0 < test.typical < 0.05
    assert "showed no difference from itself" in html.render(view.build([run]))


def test_a_a_arm_that_differs_is_said_loudly():
    report = view.build([bench(rows=SMALL, twin_factor=1.1)])
    assert len(report.grave) == len(SMALL)
    page = html.render(report)
    assert 'role="alert"' in page
    assert "numbers of this run are doubtful" in page
    assert "the numbers are doubtful" in report.runs[0].sureness
    assert "⚠" in markdown.render(report)


def test_only_undisturbed_last_attempts_are_shown():
    run = bench(rows=SMALL, rounds=7)
    spoilt = [
        changed(trial, disturbed="others were busy") if trial.round == 2 else trial
        for trial in run.trials
    ]
    rows = rows_of(replace(run, trials=spoilt))
    assert {len(row.rounds) for row in rows.values()} == {6}


def test_a_truncated_file_says_so():
    report = view.build([bench(rows=SMALL, truncated="it has no footer")])
    assert report.grave[0].kind == "truncated"
    assert "it has no footer" in html.render(report)


def test_an_empty_run_is_a_report_too():
    report = view.build([bench(rows=[]), replace(check(), checks=[])])
    assert "Nothing was measured or checked" in html.render(report)
    assert png.render(report) == {}
    text.render(report)
    markdown.render(report)


def test_matrix_shows_the_worst_first():
    table = matrices.build(check().checks)
    first = table.sections[0]
    assert first.scenario == "values/numrange"
    assert first.rows[0].verdicts[0] is Verdict.BROKEN
    assert sum(table.counts.values()) == len(check().checks)
    assert table.sections[-1].rows[-1].verdicts == (Verdict.EXACT,)


def test_matrix_tells_what_happened(page):
    assert "PanicException: not implemented" in page
    assert "1 mon 28 days 02:03:04" in page


def test_verdicts_are_never_only_colours(page):
    for verdict in ("broken", "lossy"):
        assert re.search(rf'<li class="cause v-{verdict}".*?{verdict}, ', page, re.DOTALL)
        assert f'.v-{verdict} {{ --s: "{SYMBOLS[verdict]}" }}' in page


# --- checks for programs ------------------------------------------------------------


def test_json_objects():
    objects = jsonlib.loads(json.render(check().checks))
    assert len(objects) == 720
    assert set(objects[0]) >= {
        "scenario",
        "case",
        "driver",
        "profile",
        "verdict",
        "detail",
        "observed",
        "expected",
    }


@pytest.mark.parametrize(
    ("verdict", "child"),
    [
        ("broken", "failure"),
        ("crashed", "failure"),
        ("hung", "failure"),
        ("lossy", "failure"),
        ("differs", "system-out"),
        ("rejected", "system-out"),
        ("unsupported", "skipped"),
        ("skipped", "skipped"),
        ("invalid", "error"),
        ("exact", None),
    ],
)
def test_junit_outcomes(verdict, child):
    record = changed(
        check().checks[0], verdict=verdict, detail="why \x00\x1b", observed="\ud800"
    )
    root = ET.fromstring(junit.render([record]))
    (case,) = root.iter("testcase")
    assert [part.tag for part in case] == ([child] if child else [])
    assert root.get("failures") == ("1" if child == "failure" else "0")
    assert root.get("errors") == ("1" if child == "error" else "0")
    assert root.get("skipped") == ("1" if child == "skipped" else "0")


# --- axes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        (1.0, 1.0),
        (26_900, 86_100),
        (100, 1e9),
        (999, 1001),
        (3.1, 3.2),
        (5e8, 6e9),
        (40, 41, 90),
    ],
)
def test_axes_hold_their_values_and_can_be_read(values):
    axis = around(values)
    assert axis.low < min(values) <= max(values) < axis.high
    ticks = axis.times()
    assert 2 <= len(ticks) <= 6
    assert len({tick.label for tick in ticks}) == len(ticks)
    assert all(0 <= tick.place <= 100 for tick in ticks)


# --- the verb -----------------------------------------------------------------------


def save(run, path: Path) -> Path:
    with Writer(path) as writer:
        for record in (run.header, *run.trials, *run.checks, *run.notes, run.footer):
            writer.write(record)
    return path


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    verb.add_parser(parser.add_subparsers())
    return parser.parse_args(["report", *arguments])


def test_verb_writes_and_prints_paths(runs, tmp_path, capsys):
    files = [str(save(run, tmp_path / f"{at}.jsonl")) for at, run in enumerate(runs)]
    out = tmp_path / "made" / "here"
    args = parsed(
        *files, "--out", str(out), "--format", "html,png,markdown,text,junit,json"
    )
    assert args.run(args) == 0
    printed = capsys.readouterr().out.split()
    assert printed == [str(path) for path in map(Path, printed) if path.is_file()]
    assert {path.name for path in out.iterdir()} >= {
        "report.html",
        "report.md",
        "report.txt",
        "junit.xml",
        "checks.json",
        "overview.png",
    }


def test_reports_can_be_written_by_other_verbs(runs, tmp_path):
    path = save(runs[1], tmp_path / "run.jsonl")
    written = verb.write_reports([path], tmp_path / "out", ("text", "html"))
    assert [file.name for file in written] == ["report.txt", "report.html"]
    assert all(file.is_file() for file in written)


def test_verb_refuses_unknown_formats(capsys):
    with pytest.raises(SystemExit):
        parsed("run.jsonl", "--format", "pdf")
    assert "no format 'pdf'" in capsys.readouterr().err


@pytest.mark.parametrize(("wanted", "library"), [("html", "jinja2"), ("png", "matplotlib")])
def test_verb_without_the_extra(wanted, library, tmp_path, monkeypatch):
    for name in [module for module in sys.modules if module.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"harness.render.{wanted}", raising=False)
    monkeypatch.delattr(f"harness.render.{wanted}", raising=False)
    path = save(bench(rows=SMALL[:1], rounds=1), tmp_path / "run.jsonl")
    args = parsed(
        str(path), "--out", str(tmp_path / "out"), "--format", f"markdown,{wanted}"
    )
    with pytest.raises(MissingExtra) as caught:
        args.run(args)
    assert "pgdyno[report]" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_page_works_in_a_browser(page, tmp_path):
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no Chromium is installed here (Debian: apt-get install chromium)")
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-sync",
            f"--user-data-dir={tmp_path}/user",
            "--dump-dom",
            "--virtual-time-budget=5000",
            f"{path.as_uri()}#view=matrix",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "24 of 24 questions" in done.stdout  # only the script writes this


def test_only_links_to_the_web_are_links():
    (first, *_) = check().checks
    spoilt = [
        changed(first, driver=name, verdict="lossy", deviation=name, link=link)
        for name, link in (("a", "javascript:alert(1)"), ("b", "https://example.org/1"))
    ]
    page = html.render(view.build([replace(check(), checks=spoilt)]))
    assert "javascript:alert" not in page.partition("<script")[0]
    assert 'data-link="https://example.org/1"' in page


# --- odd runs -------------------------------------------------------------------------

SWEEP = [
    ("copy/in", "rows", {"rows": n}, "COPY in", "", "copy_in", "rows", 9, 0, 30)
    for n in (0, 1, 10, 100)
]


def verdict_of_all(verdict: str):
    return lambda trial: changed(trial, verdict=verdict)


def of_a_baseline(folder: Path) -> Run:
    path = folder / "baseline.jsonl"
    lines = map(msgspec.json.encode, fold(bench(rows=fake_runs.CELLS[:2])))
    path.write_bytes(b"\n".join(lines) + b"\n")
    return store.read(path)


ODD = {
    "one driver": lambda _: bench(rows=fake_runs.CELLS[:1], arms=[arm_facts("psycopg")]),
    "a sweep from 0": lambda _: bench(rows=SWEEP),
    "nothing timed": lambda _: bench(rows=SWEEP, override=verdict_of_all("unsupported")),
    "nothing exact": lambda _: bench(rows=SWEEP, override=verdict_of_all("differs")),
    "no arms": lambda _: replace(check(), header=replace(check().header, arms=[])),
    "nothing": lambda _: check(types=()),
    "a baseline": of_a_baseline,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_runs_have_a_report_too(name, tmp_path):
    report = view.build([ODD[name](tmp_path)])
    assert report.title in html.render(report)
    assert report.title in markdown.render(report)
    assert all(drawn.startswith(b"\x89PNG") for drawn in png.render(report).values())


def test_a_question_without_a_title_is_called_by_its_id(tmp_path):
    report = view.build([of_a_baseline(tmp_path)])
    assert [cell.facts.title for cell in report.runs[0].cells] == [
        cell.facts.id for cell in report.runs[0].cells
    ]


def test_pictures_end_before_a_png_would():
    rows = [(f"f/{n}", "c", {}, "T", "", "fetch_all", "rows", 1, 0, 30) for n in range(600)]
    arms = [arm_facts(name) for name in ("psycopg", "asyncpg")]
    report = view.build([bench(rows=rows, arms=arms, rounds=6, slices=1)])
    for drawn in (png.render(report)[name] for name in ("overview.png", "family-f.png")):
        assert int.from_bytes(drawn[20:24], "big") < 65_536
