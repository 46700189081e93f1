"""The migration report: which group a cell is in, what is merged, what is escaped."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import fake_runs
import msgspec
import pytest

from harness import scenario
from harness.cli import main
from harness.core.calls import Op, Terms
from harness.core.capabilities import Capability
from harness.core.errors import DriverError
from harness.core.verdicts import Code, Judgement, Verdict
from harness.moving import CellPair, DriverSide, Group, build, classify, facts, fixes
from harness.plugin.acts import OWN, Acts
from harness.plugin.contract import usual
from harness.render import migration
from harness.results.records import CellFacts, Check, Run

A, B = "psycopg2", "asyncpg"


def check(
    driver,
    cell="types/numbers#numeric-read@value=1",
    verdict="exact",
    profile="configured",
    **told,
):
    said = {"detail": "", "observed": "", "expected": ""} | told
    name, _, case = cell.partition("#")
    return Check(
        scenario=name, case=case, cell=cell, driver=driver, profile=profile,
        judgement=fake_runs.judged(verdict, **said),
    )  # fmt: skip


def pair(before, after, cell="types/numbers#numeric-read@value=1", **known):
    sides = []
    for driver, side in ((A, before), (B, after)):
        verdict, _, rest = side.partition("|")
        detail, _, observed = rest.partition("|")
        sides.append(check(driver, cell, verdict, detail=detail, observed=observed))
    return CellPair(cell, "select 1", *sides, **known)


def step(cell, title="What is asked"):
    """A case of steps, as a run describes it."""
    scenario_name, _, case = cell.partition("#")
    return CellFacts(
        id=cell,
        scenario=scenario_name,
        case=case,
        point={},
        title=title,
        why="",
        op="steps",
    )


def guide(*checks, b=None, book=None, cells=()):
    empty = fake_runs.check(drivers=(A, B), types=())
    header = msgspec.structs.replace(empty.header, cells=list(cells))
    run = Run(path="", header=header, trials=[], checks=list(checks), notes=[], footer=None)
    return build(run, DriverSide(A), b or DriverSide(B), "configured", book or fixes.Book())


def both(cell, after, before=None):
    return [
        check(A, cell, **(before or {"verdict": "exact"})),
        check(B, cell, **after),
    ]


# --- groups -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "group"),
    [
        ("exact", "exact", None),
        ("exact", "lossy", Group.SILENT),
        ("rejected", "lossy", Group.SILENT),
        ("lossy||1", "lossy||2", Group.SILENT),
        ("lossy||1", "lossy||1", None),
        ("exact", "broken", Group.FATAL),
        ("exact", "crashed", Group.FATAL),
        ("rejected", "hung", Group.FATAL),
        ("hung", "crashed", None),
        ("exact", "rejected", Group.ERROR),
        ("lossy", "rejected", Group.ERROR),
        ("unsupported", "rejected", None),
        ("rejected|a.ValueError: x", "rejected|b.ValueError: y", None),
        ("rejected|ValueError: x", "rejected|TypeError: x", Group.OTHER_ERROR),
        ("exact", "differs", Group.TYPES),
        ("differs", "exact", Group.TYPES),
        ("differs||str: 'a'", "differs||bytes: b'a'", Group.TYPES),
        ("differs||str: 'a'", "differs||str: 'a'", None),
        ("exact", "unsupported", Group.UNSUPPORTED),
        ("rejected", "unsupported", None),
        ("lossy", "exact", Group.BETTER),
        ("rejected", "exact", Group.BETTER),
        ("unsupported", "exact", Group.BETTER),
        ("exact||int: 1", "exact||int: 2", Group.SILENT),
        ("exact||int: 1", "exact||str: '1'", Group.TYPES),
        ("exact||int: 1", "exact||raised E", Group.ERROR),
        ("exact||raised E", "exact||int: 1", Group.BETTER),
        ("exact||raised a.E [1]", "exact||raised b.E [1]", None),
        ("exact||raised E", "exact||raised F", Group.OTHER_ERROR),
    ],
)
def test_groups(before, after, group):
    assert classify(pair(before, after)) is group


@pytest.mark.parametrize(
    ("before", "after", "group"),
    [
        ("exact||state: str: 'idle'", "exact||state: str: 'in error'", Group.BEHAVIOUR),
        ("exact||a: raised a.E", "exact||a: still waiting after 9 ms", Group.BEHAVIOUR),
        ("exact||use: raised a.E", "exact||use: int: 1", Group.BEHAVIOUR),
        ("exact||use: int: 1", "exact||use: raised a.E", Group.ERROR),
        ("exact||a: int: 1; b: int: 1", "exact||a: int: 2; b: raised a.E", Group.BEHAVIOUR),
        ("exact||a: raised x.E [1]", "exact||a: raised y.E [1]", None),
        ("exact||a: raised x.E [1]", "exact||a: raised y.F [1]", Group.OTHER_ERROR),
        ("exact", "rejected|step 2, a.b: no SQLSTATE instead of 1: E", Group.OTHER_ERROR),
        ("exact", "differs|step 3, a.diagnose: no sqlstate|no sqlstate", Group.OTHER_ERROR),
        ("exact", "lossy|step 1, main.diagnose: x: 'b'|str: 'b'", Group.OTHER_ERROR),
        ("exact", "differs|step 3, a.b: no x, which is y|no x", Group.UNSUPPORTED),
        ("differs|step 3, a.b: no x, which is y|no x", "exact", Group.BETTER),
        ("exact", "differs|step 1, a.b: memory grew by more|", Group.BEHAVIOUR),
        ("unsupported|no x", "lossy|step 1, a.b: c", None),
        ("unsupported|no x", "exact||a: int: 1", Group.BETTER),
        ("rejected|step 1, a.b: x.E: m", "rejected|step 2, a.c: y.E: m", None),
    ],
)  # fmt: skip
def test_groups_of_steps(before, after, group):
    assert classify(pair(before, after, "pool/state#x", steps=True)) is group


def test_facts_are_told_one_by_one():
    before = "new: str: 'idle'; after a SELECT: str: 'in transaction'; a.commit: int: 1"
    after = "new: str: 'idle'; after a SELECT: str: 'idle'; a.commit: raised x.E [25P01]"
    sides = (check(A, observed=before), check(B, observed=after))
    told = [
        (change.label, change.before.words, change.after.words)
        for change in facts.changes(*sides)
    ]
    assert told == [
        ("after a SELECT", "in transaction", "idle"),
        ("", "1", "raises E [25P01]"),
    ]


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ("NoneType: None", "no error"),
        ("bool: False", "no"),
        ("list[str]: ['a', 'b']", "['a', 'b']"),
        ("raised asyncpg.exceptions._base.InterfaceError", "raises InterfaceError"),
        ("still waiting after 300 ms", "waits, 300 ms and more"),
        (
            "dict: {'class': 'a.b.Unique', 'pep249': 'DataError', 's': 1}",
            "Unique (DataError)",
        ),
    ],
)
def test_facts_are_in_words(seen, words):
    (answer,) = facts.answers(check(A, observed=seen)).values()
    assert answer.words == words


def test_random_names_are_no_difference():
    observed = "it: str: 'pgdyno_51d5fc4d6d0c1592'"
    other = observed.replace("51d5", "77aa")
    assert not facts.changes(check(A, observed=observed), check(B, observed=other))
    assert facts.changes(check(A, observed=observed), check(B, observed="it: str: 'x'"))


def test_a_label_is_a_label_whatever_stands_in_it():
    """What a reader of texts would have taken apart."""
    odd = "a: str: 'x'; b"
    answers = {"label": odd, "named": True, "type": "str", "repr": "'; c: int: 1'"}
    told = f"{odd}: str: '; c: int: 1'"
    judged = Judgement(
        Verdict.EXACT, Code.OBSERVED, told, told, told, {"answers": [answers]}
    )
    before = msgspec.structs.replace(check(A), judgement=judged)
    after = {**answers, "repr": "'d'"}
    changed = msgspec.structs.replace(
        check(B), judgement=replace(judged, facts={"answers": [after]})
    )
    (found,) = facts.changes(before, changed)
    assert (found.label, found.before.words, found.after.words) == (
        odd,
        "'; c: int: 1'",
        "'d'",
    )


@pytest.mark.parametrize(
    ("fix", "covers"),
    [
        ({"code": ("no-sqlstate",)}, True),
        ({"code": ("error", "no-sqlstate")}, True),
        ({"code": ("error",)}, False),
        ({"code_before": ("not-offered",)}, True),
        ({"code_before": ("no-sqlstate",)}, False),
        ({"lacks_before": ("pipeline",)}, True),
        ({"lacks_before": ("copy-rows",)}, False),
        ({"detail": "^x.E: no SQLSTATE here$"}, True),
        ({"detail": "instead of"}, False),  # pgdyno's words, not the library's
        ({"detail_before": "many statements"}, True),
    ],
)
def test_a_fix_names_causes_or_the_words_of_the_library(fix, covers):
    lacking = "a cannot send many statements before it reads the first result"
    before = check(A, verdict="unsupported", detail=lacking)
    error = "x.E: no SQLSTATE here"
    told = {"detail": f"no SQLSTATE instead of 23505: {error}", "observed": error}
    after = check(B, verdict="rejected", expected="SQLSTATE 23505", **told)
    known = fixes.Fix(title="t", what="w", **fix)
    assert known.covers("error", before, after, A, B) is covers


def test_cells_of_one_profile_are_compared_in_it():
    steps = [check(driver, "pool/a#x", profile="default") for driver in (A, B)]
    uneven = [check(A, "types/a#y"), check(B, "types/a#y", profile="default")]
    found = guide(*both("types/a#x", {"verdict": "exact"}), *steps, *uneven)
    assert found.compared == 2


def test_behaviour_says_what_was_asked_and_both_answers():
    cell = "transactions/autocommit#close"
    checks = both(
        cell,
        {"verdict": "exact", "observed": "rows kept: str: '1'"},
        {"verdict": "exact", "observed": "rows kept: str: '0'"},
    )
    found = guide(*checks, cells=[step(cell, "An INSERT and a close")])
    (part,) = found.parts
    assert part.group is Group.BEHAVIOUR
    shown = migration.markdown(found)
    assert "| **An INSERT and a close** | 0 | 1 | 1 |" in shown
    book = fixes.Book((fixes.Fix(title="Commit", what="No commit.", do="commit()"),))
    shown = migration.markdown(
        guide(*checks, cells=[step(cell, "An INSERT and a close")], book=book)
    )
    assert "| An INSERT and a close → rows kept | 0 | 1 |" in shown
    assert "```python\ncommit()\n```" in shown


def test_answers_that_are_alike_are_one_line():
    cells = [step(f"pool/closing#{n}", f"question {n}") for n in range(3)]
    told = {"verdict": "lossy", "detail": "step 1, a.b: no error came",
            "observed": "no error", "expected": "a clear error"}  # fmt: skip
    found = guide(*(side for cell in cells for side in both(cell.id, told)), cells=cells)
    assert "| question 0 (and 2 more like it) |" in migration.markdown(found)


def test_a_long_group_folds():
    book = fixes.Book(
        tuple(
            fixes.Fix(title=f"title <{n}>", what="w", do="d", cells=(f"x#{n}",))
            for n in range(8)
        )
    )
    told = {"verdict": "rejected", "detail": "E: m"}
    found = guide(*(side for n in range(8) for side in both(f"x#{n}", told)), book=book)
    shown = migration.markdown(found)
    assert shown.count("\n### ") == 6
    assert shown.count("<details>") == shown.count("</details>") == 2
    assert "title &lt;7&gt;" in shown
    assert migration.html(found).count('<details class="entry fold">') == 2


def test_a_long_table_is_cut_and_says_so():
    told = {"verdict": "rejected", "detail": "E: m"}
    found = guide(*(side for n in range(15) for side in both(f"x/{n}#a", told)))
    assert "*And 3 more, 3 checks; `--format html` and `json` have all.*" in (
        migration.markdown(found)
    )


def test_a_remedy_is_for_the_new_driver_only():
    fix = fixes.Fix(title="t", what={"any": "all"}, do={"psycopg": "p()", "asyncpg": "a()"})
    assert fix.said("do", "psycopg-async") == "p()"
    assert fix.said("do", "asyncpg+uvloop") == "a()"
    assert fix.said("do", "psqlpy") == ""
    assert fix.said("what", "psqlpy") == "all"


def test_what_nobody_could_be_asked_is_counted_only():
    found = guide(*both("x#a", {"verdict": "skipped"}), *both("x#b", {"verdict": "exact"}))
    assert (found.compared, found.alike, found.not_comparable) == (1, 1, 1)
    assert not found.parts


def test_worst_group_first():
    found = guide(
        *both("x#a", {"verdict": "unsupported"}),
        *both("x#b", {"verdict": "lossy"}),
        *both("x#c", {"verdict": "rejected"}),
        *both("x#d", {"verdict": "broken"}),
    )
    assert [part.group for part in found.parts] == [
        Group.SILENT, Group.FATAL, Group.ERROR, Group.UNSUPPORTED,
    ]  # fmt: skip


# --- merging ----------------------------------------------------------------------------


def test_one_type_is_one_entry():
    cells = [f"types/numbers#numeric-{way}@value={n}" for n in range(20)
             for way in ("read", "write", "array-read")]  # fmt: skip
    found = guide(*(side for cell in cells for side in both(cell, {"verdict": "lossy"})))
    (part,) = found.parts
    (entry,) = part.entries
    assert len(entry.cells) == 60
    assert entry.title == "numeric: another value, and no error"
    assert "read, written and read in an array" in entry.what


def test_unsupported_for_one_reason_is_one_entry():
    told = {"verdict": "unsupported", "detail": "no COPY here"}
    found = guide(*both("copy/in#a", told), *both("copy/out#b", told))
    assert [entry.title for entry in found.parts[0].entries] == ["no COPY here"]


def test_a_fix_merges_over_types_and_is_told_once():
    book = fixes.Book(
        (fixes.Fix(title="28 digits", what="Cut.", do="cast", cells=("n/*",)),)
    )
    found = guide(
        *both("n/a#x", {"verdict": "lossy"}),
        *both("n/b#y", {"verdict": "lossy"}),
        *both("n/b#z", {"verdict": "rejected"}),
        book=book,
    )
    silent, error = found.parts
    assert [len(entry.cells) for entry in silent.entries] == [2]
    assert [entry.again for entry in (*silent.entries, *error.entries)] == [False, True]
    shown = migration.markdown(found)
    assert shown.count("```python\ncast\n```") == 1
    assert "As above." in shown


def test_an_example_says_what_each_gave():
    told = {"verdict": "lossy", "observed": "str: 'NaN'", "expected": "text: 'Infinity'"}
    found = guide(*both("types/numbers#numeric-write@value=Infinity", told))
    example = found.parts[0].entries[0].example
    assert (example.before, example.after) == ("'Infinity': right", "'NaN': wrong")
    assert example.value == "'Infinity'"


# --- fixes.toml -------------------------------------------------------------------------

DRIVERS = usual()
MOVES = [(a, b) for a in DRIVERS for b in DRIVERS if a != b]
BOOKS = {move: fixes.load(*move) for move in MOVES}


@pytest.fixture(params=MOVES, ids="-".join)
def move(request):
    return request.param


def test_fixes_speak_of_what_there_is(move):
    book, groups = BOOKS[move], {group.name.lower() for group in Group}
    for entry in (*book.fixes, *book.facts):
        assert set(entry.before) | set(entry.after) <= set(DRIVERS)
    assert {snippet.driver for snippet in book.snippets} == set(move)
    assert {group for fix in book.fixes for group in fix.group} <= groups
    assert {fact.term for fact in book.facts} <= {*Terms.__dataclass_fields__, "kind"}


def test_codes_of_fixes_exist(move):
    known, book = {*Code}, BOOKS[move]
    assert {code for fix in book.fixes for code in (*fix.code, *fix.code_before)} <= known
    names = {name for fix in book.fixes for name in fix.lacks_before}
    assert names <= {*vars(Acts), *Capability, *Op, *OWN}


def test_fixes_name_cells_that_exist():
    ids = [cell.id for chosen in scenario.select([]) for cell in chosen.cells]
    for book in BOOKS.values():
        for fix in book.fixes:
            lost = [
                glob for glob in fix.cells if not any(fixes._fits(glob, i) for i in ids)
            ]
            assert not lost or len(lost) < len(fix.cells), (fix.title, lost)


def test_texts_by_driver_name_drivers(move):
    for fix in BOOKS[move].fixes:
        for part in ("what", "do", "link"):
            text = getattr(fix, part)
            assert isinstance(text, str) or set(text) <= {*DRIVERS, "any"}, fix.title


def test_every_fix_says_what_happens(move):
    for fix in BOOKS[move].fixes:
        assert (fix.after and move[1] not in fix.after) or fix.said("what", move[1])


def test_every_driver_shows_the_same_tasks():
    tasks = {}
    for book in BOOKS.values():
        for snippet in book.snippets:
            tasks.setdefault(snippet.driver, dict.fromkeys([])).setdefault(snippet.task)
    assert set(tasks) == set(DRIVERS)
    assert len({tuple(each) for each in tasks.values()}) == 1


def snippets():
    found = {snippet: None for book in BOOKS.values() for snippet in book.snippets}
    return [
        pytest.param(snippet, id=f"{snippet.driver}: {snippet.task}") for snippet in found
    ]


@pytest.mark.parametrize("snippet", snippets())
def test_snippets_are_python(snippet):
    code = snippet.code
    if code.startswith("except"):
        code = f"try:\n    pass\n{code}"
    compile(code, snippet.driver, "exec", flags=0x2000)  # await outside of a function


def remedies():
    for (_, after), book in BOOKS.items():
        for fix in book.fixes:
            texts = {"any": fix.do} if isinstance(fix.do, str) else fix.do
            for code in texts.values():
                if code and migration.language_of(code) == "python":
                    yield code, f"{fix.title}, {after}"


@pytest.mark.parametrize(
    "code", [pytest.param(code, id=title) for code, title in dict(remedies()).items()]
)
def test_remedies_are_python(code):
    whole = re.sub(r"^except .*(\n    .*)*", "", code, flags=re.MULTILINE)
    try:
        compile(code, "fix", "exec", flags=0x2000)
    except SyntaxError:  # an `except` by itself
        assert whole != code
        compile(whole, "fix", "exec", flags=0x2000)


def test_a_plugin_from_outside_brings_its_own_remedies(outside):
    text = """
[[fix]]
title = "Known outside"
what = "w"
[fix.do]
both = "b()"
any = "a()"
[[code]]
driver = "both"
task = "Connect"
code = "connect_both()"
[[code]]
driver = "out"
task = "Connect"
code = "connect_out()"
"""
    (outside / "out_package" / "fixes.toml").write_text(text)
    book = fixes.load("psycopg", "both")
    assert [fix.title for fix in book.fixes] == ["Known outside"]
    assert book.fixes[0].said("do", "both") == "b()"
    assert book.fixes[0].said("do", "out") == "a()"
    own = [snippet for snippet in book.snippets if snippet.driver == "both"]
    assert [snippet.code for snippet in own] == ["connect_both()"]
    assert fixes.load("out", "single").fixes == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[fix]]\ntitle = 'x'", "fix 1: `what` is missing"),
        ("[[fix]]\ntitle = 'x'\nwhat = 'y'\nwhy = 'z'", "fix 1: unknown key `why`"),
        ("[[fix]]\ntitle = 'x'\nwhat = 'y'\ndetail = '('", "fix 1"),
        ("[[fixes]]", "`fixes` does not belong here"),
        ("[[fix]]\ntitle = 1\nwhat = 'y'", "fix 1: `title` must be a text"),
        ("[[fix]]\ntitle = 'x'\nwhat = 'y'\ncells = 'z'", "`cells` must be a list"),
        ("no toml", "cannot be read"),
    ],
)
def test_a_wrong_file_is_told(tmp_path, text, words):
    file = tmp_path / "fixes.toml"
    file.write_text(text)
    with pytest.raises(DriverError, match=re.escape(words)):
        fixes.read(file)


def test_facts_come_from_both_terms():
    def fact(term, a, b, was, becomes):
        book = BOOKS.get((a, b)) or fixes.load(a, b.partition("+")[0])
        return book.fact(term, a, b, was, becomes)

    assert "`$1`" in fact("placeholders", "psycopg2", "asyncpg", "%s", "$n")
    assert "fetch(sql, [a, b])" in fact("placeholders", "asyncpg", "psqlpy", "$n", "$n")
    assert not fact("placeholders", "asyncpg", "asyncpg+uvloop", "$n", "$n")
    assert "await" in fact("kind", "psycopg2", "asyncpg", "sync", "async")
    assert not fact("kind", "psycopg2", "asyncpg", "", "async")


# --- rendering --------------------------------------------------------------------------

EVIL = "<script>alert(1)</script>|`x`"


def test_names_are_escaped():
    told = guide(
        *both(f"types/x#{EVIL}", {"verdict": "lossy", "observed": f"str: {EVIL}"}),
        *both(f"y/{EVIL}#z", {"verdict": "rejected", "detail": EVIL}),
        b=DriverSide(B, "async", {"version": EVIL, "loop": EVIL}),
    )
    page = migration.html(told)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    outside_code = re.sub(r"(`+).*?\1", "", migration.markdown(told))
    assert "<script" not in outside_code


def test_html_stands_alone():
    page = migration.html(guide(*both("x#a", {"verdict": "lossy"})))
    assert not re.findall(r'(?:src|href)="https?://', page)
    assert "default-src 'none'" in page
    for anchor in re.findall(r'href="#([\w-]+)"', page):
        assert f'id="{anchor}"' in page


def test_json_has_every_cell():
    document = json.loads(migration.json(guide(*both("x#a", {"verdict": "lossy"}))))
    assert document["counts"]["silent"] == 1
    assert document["parts"][0]["entries"][0]["cells"] == ["x#a"]


def test_nothing_changes():
    shown = migration.markdown(guide(*both("x#a", {"verdict": "exact"})))
    assert "No answer changes: 1 of 1 checks come out alike." in shown


# --- the verb ---------------------------------------------------------------------------


@pytest.fixture
def run_file(tmp_path):
    file = tmp_path / "checks.jsonl"
    run = fake_runs.check(drivers=("psycopg2", "asyncpg", "psqlpy"))
    records = [run.header, *run.checks, run.footer]
    file.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records))
    return file


@pytest.mark.parametrize("form", ["markdown", "html", "json"])
def test_from_a_run(run_file, tmp_path, capsys, form):
    out = tmp_path / "new" / "guide"
    arguments = ["diff", A, B, "--from", str(run_file), "--format", form, "--out", str(out)]
    assert main.main(arguments) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert "psycopg2" in out.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["psycopg2", "psycopg2"], 2, "nothing to move"),
        (["psycopg2", "nodriver"], 2, "no driver 'nodriver'"),
        (["psycopg2", "psycopg", "--from", "RUN"], 4, "no check of psycopg (configured)"),
        (["psycopg2", "asyncpg", "types", "--from", "RUN"], 2, "leave one of them out"),
    ],
)
def test_what_cannot_be_compared(run_file, capsys, arguments, code, words):
    filled = [str(run_file) if argument == "RUN" else argument for argument in arguments]
    assert main.main(["diff", *filled]) == code
    assert words in capsys.readouterr().err


def test_a_live_guide(capsys, dsn, monkeypatch):
    monkeypatch.setenv("PGDYNO_DSN", dsn.removeprefix("dsn:"))
    assert main.main(["diff", "psycopg2", "asyncpg", "types/bytea", "types/numbers"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("# From psycopg2 ")
    assert "bytea is bytes instead of memoryview" in shown
    assert "Decimal infinities are kept" in shown
    assert "`%s` becomes `$1`" in shown
