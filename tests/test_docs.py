"""The documents against the code: every word is described, every link leads somewhere."""

from __future__ import annotations

import ast
import dataclasses
import math
import re
import subprocess
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from harness.analysis import audit
from harness.analysis.gate import ALPHA, THRESHOLD
from harness.bench import runner, schedule
from harness.cli import main
from harness.core import stats
from harness.core.calls import Op
from harness.core.capabilities import Capability
from harness.core.errors import EXIT_INTERRUPTED
from harness.core.verdicts import Change, Code, Facts, Judgement, Verdict
from harness.machine import contention, screening
from harness.plugin import contract
from harness.report import screened
from harness.results import lines, records, store
from harness.scenario import cells, tables

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted(DOCS.rglob("*.md")),
]
DRIVERS = ("psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy")

_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def structs() -> set[type[msgspec.Struct]]:
    """What a results file is made of: its lines, those of lanes too, and their parts."""
    found: set[type[msgspec.Struct]] = set()
    queue: list[object] = [*lines.kinds()]
    while queue:
        kind = queue.pop()
        queue += get_args(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if kind not in found:
                queue += [field.type for field in msgspec.structs.fields(kind)]
            found.add(kind)
    return found


def text(page: Path) -> str:
    return page.read_text("utf-8")


def code(page: Path) -> str:
    """Everything on a page that is set as code."""
    whole = text(page)
    return "\n".join([*_FENCE.findall(whole), *_SPAN.findall(_FENCE.sub("", whole))])


def missing(words: list[str], pages: list[Path]) -> list[str]:
    """The words that none of the pages sets as code."""
    found = "\n".join(code(page) for page in pages)
    return [
        word
        for word in words
        if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", found)
    ]


# --- every word is described ----------------------------------------------------------


def test_every_verb():
    assert not missing([f"pgdyno {verb}" for verb in main.VERBS], [DOCS / "glossary.md"])


def test_every_op():
    ops = [*Op]
    methods = [op for op in ops if op not in (Op.STEPS, Op.MIX)]  # made of others
    assert not missing(methods, [DOCS / "writing-a-driver.md"])
    assert not missing([*ops, "bulk_insert"], [DOCS / "scenario-format.md"])


def test_every_strategy():
    assert not missing([*cells.STRATEGIES], [DOCS / "scenario-format.md"])


def test_every_capability():
    page = DOCS / "writing-a-driver.md"
    assert not missing([*Capability], [page])
    assert not [
        one for one in Capability if one.sentence.split(" through ")[0] not in text(page)
    ]


def test_every_verdict_and_change():
    assert not missing([*Verdict], [DOCS / "glossary.md"])
    assert not missing([*Verdict], [DOCS / "results-format.md"])
    assert not missing([*Change], [DOCS / "glossary.md"])
    assert not missing([*Change], [DOCS / "methodology.md"])


def test_every_code_has_its_sentence():
    rows = sections(DOCS / "results-format.md")["Codes"]
    described = re.findall(r"^\| `([\w-]+)` \| (.+) \|$", rows, re.MULTILINE)
    assert described == [(code.value, code.sentence) for code in Code]


def test_every_field_of_a_judgement():
    section = sections(DOCS / "results-format.md")["Judgement"]
    described = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert described == [field.name for field in dataclasses.fields(Judgement)]


def test_every_fact_of_a_run():
    """Those of a file that has most of them; an expected one stands beside what came."""
    run = store.read(ROOT / "tests/results/files/schema-2.jsonl")
    given = {name for check in run.checks for name in fact_names(check.facts)}
    described = set(_SPAN.findall(sections(DOCS / "results-format.md")["Facts"]))
    assert len(given) > 25
    assert not {name for name in given if name not in described} - EXPECTED_COUNTS


EXPECTED_COUNTS = {
    f"expected_{name}" for name in ("rows", "columns", "results", "sessions")
}


def fact_names(facts: Facts) -> set[str]:
    return {*facts, *(name for one in facts.get("answers", ()) for name in one)}


def test_every_exit_code():
    rows = re.findall(r"^\| (\d+) \| ", text(DOCS / "glossary.md"), re.MULTILINE)
    assert [int(row) for row in rows] == [0, 1, 2, 3, 4, 5, EXIT_INTERRUPTED]


TABLES = [
    one
    for one in vars(tables).values()
    if isinstance(one, type) and one.__name__.endswith(("Table", "ScenarioFile"))
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_every_scenario_key(table):
    keys = [field.encode_name for field in msgspec.structs.fields(table)]
    assert keys
    assert not missing(keys, [DOCS / "scenario-format.md"])


# --- the results format, both ways ----------------------------------------------------


def sections(page: Path) -> dict[str, str]:
    """Heading, without marks, → the text up to the next heading."""
    parts = re.split(r"^#+ (.+)$", text(page), flags=re.MULTILINE)
    return {
        name.strip("` "): body for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def heading(struct: type[msgspec.Struct]) -> str:
    """A record stands under its tag, another struct under its name."""
    return str(struct.__struct_config__.tag or struct.__name__)


@pytest.mark.parametrize("struct", sorted(structs(), key=str), ids=lambda it: it.__name__)
def test_every_record_field(struct):
    section = sections(DOCS / "results-format.md")[heading(struct)]
    described = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert described == [field.encode_name for field in msgspec.structs.fields(struct)]


def test_every_record_is_tested():
    defined = {
        one
        for one in vars(records).values()
        if isinstance(one, type) and issubclass(one, msgspec.Struct)
    }
    bases = {records.Record, records.Judged, records.LaneRecord, records.Run}
    assert defined - bases <= structs()


def test_schema_number():
    assert f"schema {records.SCHEMA}." in text(DOCS / "results-format.md")


# --- the numbers of the methodology ---------------------------------------------------


@pytest.mark.parametrize("effort", schedule.PLANS)
def test_every_plan(effort):
    plan = schedule.PLANS[effort]
    row = re.search(rf"^\| `{effort}` \| (.+) \|$", text(DOCS / "methodology.md"), re.M)
    assert row, "the effort has no row"
    assert [float(cell) for cell in row[1].split(" | ")] == [
        plan.slice_ns / 1e6,
        plan.slices,
        plan.min_rounds,
        plan.max_rounds,
        pytest.approx(plan.target * 100),
        plan.budget_s,
        plan.latency_ns / 1e6,
    ]


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        ("ceil(0.2 × ops)", schedule.LEAD_IN == 0.2),
        ("**Warm-up**: 12 ops", schedule.WARM_UP_OPS == 12),
        ("but not fewer\n  than three", schedule.MIN_SLICES == 3),
        ("before them by more than 3 %: three at least", schedule.STEADY == 0.97),
        ("twelve at\n  most", schedule.WARM_UP_SLICES == (3, 12)),
        ("waited for more than 3 % of its turn", screening.WAITING_LIMIT == 0.03),
        ("quiet as are wanted: at most three\ntimes", schedule.PASSES_AT_MOST == 3),
        ("fewer than 3 count", contention.FEWEST_PASSES == 3),
        ("1 % or more, and the ranks", math.exp(screened.NOTABLE) == pytest.approx(1.01)),
        ("a factor of 1.3", math.exp(contention.SWITCHES_LIMIT) == pytest.approx(1.3)),
        ("number of clients, within 10 %", audit.LITTLE_LIMIT == 0.10),
        ("within a factor of 1.5", audit.SINGLE_LIMIT == 1.5),
        ("some rest: below 95 %", audit.BUSY == 0.95),
        ("achieves 98 % of its rate", audit.ON_TIME == 0.98),
        ("finds 99 % of its blocks", audit.CACHE_MISSES == 0.01),
        ("10.5 s\nfor each cell", schedule.GATE_S == 10.5),
        ("but at least a minute", schedule.LEAST_GATE_S == 60),
        ("slice of about 200 ms", schedule.CONCURRENT_SLICE_NS == 200_000_000),
        ("More than 10 % marks", contention.FOREIGN_LIMIT == 0.10),
        ("at most half as many times", runner.MAX_ATTEMPT_SHARE == 0.5),
        ("Below six rounds there is no interval", stats.MIN_ROUNDS == 6),
        ("beyond the threshold (3 %", THRESHOLD == 0.03),
        ("corrected p-value is at most\n5 %", ALPHA == 0.05),
    ],
)
def test_constants(words, holds):
    assert words in text(DOCS / "methodology.md")
    assert holds


# --- pages ----------------------------------------------------------------------------


def slug(title: str) -> str:
    """The anchor that GitHub makes of a heading."""
    kept = re.sub(r"[^\w\- ]", "", title.lower())
    return kept.replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_resolve(page):
    broken = []
    for link in _LINK.findall(_FENCE.sub("", text(page))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        readable = target.is_file() and target.suffix == ".md"
        anchors = map(slug, _HEADING.findall(text(target))) if readable else ()
        if not target.exists() or (anchor and anchor not in anchors):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_path_of_one_machine(page):
    assert not re.findall(r"(?:/home|/root|/Users|/work|/mnt)/\S*|/tmp/\w\S*", text(page))


def test_every_decision_has_its_parts_and_is_listed():
    folder = DOCS / "decisions"
    numbered = sorted(folder.glob("[0-9]*.md"))
    assert [one.name[:4] for one in numbered] == [
        f"{n + 1:04}" for n in range(len(numbered))
    ]
    for one in numbered:
        headings = _HEADING.findall(text(one))
        assert headings[0].startswith(f"{one.name[:4]}: ")
        assert headings[1:] == ["Context", "Decision", "Consequences"]
    assert _LINK.findall(text(folder / "README.md")) == [one.name for one in numbered]


# --- the two commands of the README ---------------------------------------------------


def readme_command(mark: str) -> str:
    """The one command in the code block after a mark."""
    block = re.search(rf"<!-- {mark} -->\n```sh\n(.*?)```", text(ROOT / "README.md"), re.S)
    assert block, f"the README has no block after <!-- {mark} -->"
    return block[1]


@pytest.mark.parametrize("mark", ["bench", "tests"])
def test_readme_has_one_command(mark):
    command = readme_command(mark)
    assert command.count("\n") == 1
    session = re.search(r"nox -s (\w+)", command)
    assert session
    tree = ast.parse(text(ROOT / "noxfile.py"))
    assert session[1] in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}


def test_ci_runs_the_command_of_the_readme():
    script = text(ROOT / ".ci" / "run")
    sed = re.search(r"\$\(sed -n '([^']+)' README\.md\)", script)
    assert sed
    done = subprocess.run(
        ["sed", "-n", sed[1], str(ROOT / "README.md")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == readme_command("tests")
    assert set(re.findall(r"<!-- (\w+) -->", script)) <= {"bench", "tests"}


def test_every_room_has_its_place():
    rooms = {file.parent.name for file in (ROOT / "harness").glob("*/__init__.py")}
    assert len(rooms) > 12
    assert not missing(sorted(rooms), [ROOT / "CONTRIBUTING.md"])


@pytest.mark.parametrize("name", DRIVERS)
def test_what_a_profile_registers_is_told(name: str) -> None:
    driver = contract.load(contract.parse_arm(name))
    told = "; ".join(driver.registrations) or "nothing"
    assert f"| {name} | {told} |" in text(DOCS / "bias.md").splitlines()
