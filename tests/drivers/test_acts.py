"""Acts: the vocabulary, what drivers have of it, and the verdict on one step."""

from __future__ import annotations

import ast
import asyncio
import importlib
import importlib.util
import inspect
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from harness.core.calls import ErrorFields
from harness.core.expect import ExpectedError, StepExpect
from harness.core.steps import Step
from harness.core.verdicts import Code, Judgement, Verdict
from harness.judge import steps
from harness.judge.steps import StepOutcome
from harness.plugin import act_modules, acts
from harness.plugin import contract as drivers

SECOND = 1_000_000_000


# --- the acts of drivers --------------------------------------------------------------


def plugins() -> dict[str, Any]:
    """The installed drivers that name a module of acts."""
    found = {name: one.load() for name, one in sorted(drivers.entry_points().items())}
    return {name: one for name, one in found.items() if getattr(one, "acts", "")}


PLUGINS = plugins()


@pytest.fixture(params=sorted(PLUGINS))
def plugin(request):
    one = PLUGINS[request.param]
    try:
        act_modules.load(*act_modules.places(one.acts))
    except ImportError as error:
        pytest.skip(str(error))
    return one


def sources(module: str) -> list[Path]:
    """The files of a module, or of every module of a package."""
    spec = importlib.util.find_spec(module)
    assert spec
    assert spec.origin
    file = Path(spec.origin)
    return sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]


def imported(file: Path) -> Iterator[str]:
    """The full names of what a file imports; relative ones stay inside a package."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"), str(file))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def test_psycopg_is_among_them():
    assert {"psycopg", "psycopg-async"} <= set(PLUGINS)


def test_acts_keep_to_the_vocabulary(plugin):
    found, faults = act_modules.load(*act_modules.places(plugin.acts))
    assert not faults
    assert {"connect", "close", "execute", "fetch_val"} <= set(found)


def test_acts_are_coroutine_functions_if_the_driver_is_async(plugin):
    found, _ = act_modules.load(*act_modules.places(plugin.acts))
    other = [
        name
        for name, act in found.items()
        if inspect.iscoroutinefunction(act) is not (plugin.kind == "async")
    ]
    assert not other


def test_acts_are_code_of_the_librarys_user(plugin):
    # Acts may stand in several modules of a driver's package, and use what is beside them.
    own = tuple(".".join(place.split(".")[:3]) for place in act_modules.places(plugin.acts))
    foreign = [
        f"{file.name}: {name}"
        for place in act_modules.places(plugin.acts)
        for file in sources(place)
        for name in imported(file)
        if name.partition(".")[0] == "harness" and not name.startswith(own)
    ]
    assert not foreign


def test_acts_say_what_they_use(plugin):
    found, _ = act_modules.load(*act_modules.places(plugin.acts))
    assert not [name for name, act in found.items() if not inspect.getdoc(act)]


# --- the vocabulary -------------------------------------------------------------------


NO_VERBS = frozenset({"A", "An", "Another", "How", "It", "Its", "The", "These", "What"})


@pytest.mark.parametrize("name", acts.names())
def test_a_sentence_stands_alone(name):
    """It is read as "asyncpg has no `name`: sentence", far from all others."""
    sentence = acts.sentence(name)
    assert sentence.endswith("."), "it goes on in the next line"
    assert sentence.split()[0] not in NO_VERBS, "it does not say what somebody does"
    words = sentence.lower().replace(",", " ").replace(";", " ").rstrip(".").split()
    assert not {"it", "them", "same", "above", "so"} & set(words), (
        "it refers to another one"
    )


def test_sentences_are_different():
    sentences = [acts.sentence(name) for name in acts.names()]
    assert len(set(sentences)) == len(sentences)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Acts from text, under a name of their own."""
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"acts_of_{tmp_path.name}".replace("-", "_")

    def made(text: str) -> str:
        (tmp_path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return name

    return made


def test_load_takes_what_is_there(module):
    text = "def commit(connection):\n    pass\n\ndef _helper():\n    pass\n"
    found, faults = act_modules.load(module(text))
    assert list(found) == ["commit"]
    assert not faults


def test_a_later_module_replaces_acts_of_an_earlier_one(module, tmp_path):
    first = module(
        "def commit(connection):\n    return 1\n\ndef close(connection):\n    pass\n"
    )
    (tmp_path / "later.py").write_text("def commit(connection):\n    return 2\n")
    found, _ = act_modules.load(first, "later")
    assert found["commit"](None) == 2
    assert sorted(found) == ["close", "commit"]


def test_a_package_is_all_its_modules(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "acts_in_a_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("def commit(connection):\n    pass\n")
    (package / "two.py").write_text("def clse(connection):\n    pass\n")
    found, faults = act_modules.load("acts_in_a_package")
    assert list(found) == ["commit"]
    assert faults == ["`clse` is not an act"]


def test_load_finds_a_function_that_is_no_act(module):
    _, faults = act_modules.load(module("def comit(connection):\n    pass\n"))
    assert faults == ["`comit` is not an act"]


def test_what_acts_import_is_not_theirs(module):
    _, faults = act_modules.load(module("from shutil import copyfile\n"))
    assert not faults


@pytest.mark.parametrize(
    "text",
    [
        "def fetch(connection):\n    pass\n",
        "def fetch(connection, sql, limit):\n    pass\n",
        "def fetch(connection, query):\n    pass\n",
    ],
)
def test_load_finds_an_act_of_another_shape(module, text):
    _, faults = act_modules.load(module(text))
    assert len(faults) == 1
    assert faults[0].startswith("`fetch` does not take connection, sql: ")


def test_an_act_may_take_more_than_it_must(module):
    _, faults = act_modules.load(
        module("def fetch(connection, sql, limit=None):\n    pass\n")
    )
    assert not faults


@pytest.mark.parametrize("name", acts.names())
def test_every_act_is_described(name):
    assert acts.sentence(name)
    subjects = ("connection", "dsn", "pool", "cursor", "statement", "lob")
    assert acts.subject(name) in subjects


def test_sentence_is_the_first_line():
    assert acts.sentence("listener").startswith("Open what can listen")
    assert "\n" not in acts.sentence("listener")


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("connect", "dsn"),
        ("execute", "connection"),
        ("pool_release", "pool"),
        ("cursor_fetch", "cursor"),
        ("run_prepared", "statement"),
        ("lo_read", "lob"),
    ],
)
def test_subject(name, subject):
    assert acts.subject(name) == subject


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("fetch", {"sql": "select 1"}, ""),
        ("commit", {}, ""),
        ("begin", {"read_only": True}, ""),
        ("connect", {"autocommit": None, "sslmode": "require"}, ""),
        ("fetch", {}, "`fetch` needs the argument `sql`"),
        ("notify", {"channel": "c"}, "`notify` needs the argument `payload`"),
        ("fetch", {"sqll": "x"}, "`fetch` has no argument `sqll`; did you mean `sql`?"),
        (
            "fetch_times",
            {"sql": "x", "many": 3},
            "`fetch_times` has no argument `many`; it has: sql, times",
        ),
        (
            "fetch",
            {"sql": "x", "connection": "a"},
            "`fetch` has no argument `connection`; it has: sql",
        ),
        ("pool_release", {"connection": "a"}, ""),
    ],
)
def test_check_arguments(name, given, told):
    assert acts.check_arguments(name, given) == told


# --- the verdict on one step ----------------------------------------------------------


def judge(
    outcome: StepOutcome,
    within_ms: int = 0,
    fields: ErrorFields | None = None,
    **expect: Any,
) -> Judgement:
    """The verdict on a step that expects this."""
    step = Step("main", "fetch", within_ms=within_ms, expect=StepExpect(**expect))
    return steps.judge(step, outcome, fields)


def verdict(outcome: StepOutcome, **expect: Any) -> Verdict:
    return judge(outcome, **expect).verdict


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        (1, 1),
        (None, None),
        ("a", "a"),
        ([[1, "a"]], [(1, "a")]),
        ([], ()),
        (float("nan"), float("nan")),
        ({"a": [1]}, {"a": (1,)}),
    ],
)
def test_a_value_is_exact(wanted, value):
    assert verdict(StepOutcome(value), value=(wanted,)) is Verdict.EXACT


@pytest.mark.parametrize(
    ("wanted", "value"),
    [(1, "1"), ("1", 1), ([["1"]], [(1,)]), ({"a": 1}, {"a": Decimal(1)})],
)
def test_a_value_in_another_type_differs(wanted, value):
    assert verdict(StepOutcome(value), value=(wanted,)) is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        (1, 2),
        (1, None),
        (None, 0),
        (1, True),
        (0.0, -0.0),
        ([[1]], [(1,), (1,)]),
        ([[1], [2]], [(2,), (1,)]),
        ({"a": 1}, {"b": 1}),
    ],
)
def test_another_value_is_lossy(wanted, value):
    judged = judge(StepOutcome(value), value=(wanted,))
    assert judged.verdict is Verdict.LOSSY
    assert judged.detail == f"{judged.observed} instead of {judged.expected}"


def test_nothing_expected_is_no_error():
    assert verdict(StepOutcome("anything")) is Verdict.EXACT
    assert verdict(StepOutcome(error=ValueError("no"))) is Verdict.REJECTED


@pytest.mark.parametrize(
    ("pattern", "value", "wanted"),
    [
        ("SCRAM-SHA-256$%", "SCRAM-SHA-256$4096:x", Verdict.EXACT),
        ("%b%", "a\nb\nc", Verdict.EXACT),
        ("a.c", "abc", Verdict.LOSSY),
        ("a%", "ba", Verdict.LOSSY),
        ("1%", 12, Verdict.LOSSY),
        ("%", None, Verdict.LOSSY),
    ],
)
def test_like(pattern, value, wanted):
    assert verdict(StepOutcome(value), like=pattern) is wanted


@pytest.mark.parametrize(
    ("value", "wanted", "detail"),
    [
        ({"a": 1, "b": "x", "c": 3}, Verdict.EXACT, ""),
        ({"a": 1}, Verdict.DIFFERS, "no b, which is str: 'x'"),
        ({"a": 1, "b": None}, Verdict.DIFFERS, "no b, which is str: 'x'"),
        ({"a": "1", "b": "x"}, Verdict.DIFFERS, "a: str: '1' instead of int: 1"),
        ({"a": 1, "b": "y"}, Verdict.LOSSY, "b: str: 'y' instead of str: 'x'"),
        ({"b": "y"}, Verdict.LOSSY, "b: str: 'y' instead of str: 'x'"),
        (["a"], Verdict.LOSSY, "list[str]: ['a'] is not a dict"),
    ],
)
def test_has(value, wanted, detail):
    judged = judge(StepOutcome(value), has={"a": 1, "b": "x"})
    assert (judged.verdict, judged.detail) == (wanted, detail)


def test_the_expected_error():
    outcome = StepOutcome(error=ValueError("duplicate"))
    wanted = ExpectedError(sqlstate="23505", constraint="items_pkey")
    told = ErrorFields(sqlstate="23505", message="m", constraint="items_pkey")
    assert judge(outcome, fields=told, error=wanted).verdict is Verdict.EXACT
    less = ErrorFields(sqlstate="23505", message="m")
    assert judge(outcome, fields=less, error=wanted).verdict is Verdict.DIFFERS
    other = ErrorFields(sqlstate="23503", message="m")
    assert judge(outcome, fields=other, error=wanted).verdict is Verdict.REJECTED
    assert judge(outcome, error=wanted).verdict is Verdict.REJECTED


def test_an_error_that_does_not_come_is_lossy():
    assert verdict(StepOutcome(1), error=ExpectedError(sqlstate="23505")) is Verdict.LOSSY
    assert verdict(StepOutcome(1), rejected=True) is Verdict.LOSSY


def test_rejected_takes_any_exception_but_no_panic():
    assert verdict(StepOutcome(error=ValueError("no")), rejected=True) is Verdict.EXACT
    panic = type("PanicException", (BaseException,), {})()
    assert verdict(StepOutcome(error=panic), rejected=True) is Verdict.BROKEN


def test_a_trait_is_observed():
    judged = judge(StepOutcome([(1,)]), trait=True)
    assert (judged.verdict, judged.code) == (Verdict.EXACT, Code.OBSERVED)
    assert judged.observed == judged.detail == "list[list[int]]: [[1]]"
    assert judged.facts == {"type": "list[list[int]]", "repr": "[[1]]", "value": [[1]]}
    raised = judge(StepOutcome(error=ValueError("text that may change")), trait=True)
    assert (raised.verdict, raised.observed) == (Verdict.EXACT, "raised ValueError")


def test_still_waiting_is_hung_or_a_trait():
    outcome = StepOutcome(done=False, elapsed_ns=2 * SECOND)
    judged = judge(outcome, within_ms=2_000, value=(1,))
    assert judged.verdict is Verdict.HUNG
    assert judged.detail == "still waiting after 2,000 ms"
    assert judge(outcome, within_ms=2_000, rejected=True).verdict is Verdict.HUNG
    trait = judge(outcome, within_ms=2_000, trait=True)
    assert trait.verdict is Verdict.EXACT
    assert trait.observed == "still waiting after 2,000 ms"


def test_late_is_hung():
    late = StepOutcome(1, elapsed_ns=3 * SECOND)
    judged = judge(late, within_ms=2_000, value=(1,))
    assert judged.verdict is Verdict.HUNG
    assert judged.detail == "it took more than 2,000 ms"
    assert judge(late, value=(1,)).verdict is Verdict.EXACT
    assert judge(late, within_ms=4_000, value=(1,)).verdict is Verdict.EXACT


def test_wrong_and_late_is_wrong():
    late = StepOutcome(2, elapsed_ns=3 * SECOND)
    assert judge(late, within_ms=2_000, value=(1,)).verdict is Verdict.LOSSY


def test_a_cancelled_task():
    outcome = StepOutcome(cancelled=True)
    assert not outcome.good
    assert verdict(outcome, rejected=True) is Verdict.EXACT
    assert judge(outcome, trait=True).observed == "the task is cancelled"
    assert verdict(outcome, value=(1,)) is Verdict.REJECTED
    assert verdict(outcome) is Verdict.REJECTED


def test_memory():
    grown = StepOutcome(1, grown_bytes=30 * 2**20)
    assert verdict(grown, grows_mb=20, value=(1,)) is Verdict.BROKEN
    assert verdict(grown, grows_mb=40, value=(1,)) is Verdict.EXACT
    assert verdict(grown, value=(1,)) is Verdict.EXACT


def test_a_line_is_what_a_reproduction_prints():
    assert steps.line([(1, "a")], None) == "[[1, 'a']]"
    assert steps.line(None, ValueError("x")) == "raised ValueError"
    assert steps.line(Plain(), None).endswith("Plain object>")
    assert len(steps.line("x" * 5_000, None)) == 2_000


class Plain:
    """Shown with an address, which would differ from run to run."""


# --- what acts report -----------------------------------------------------------------


def test_what_a_listener_of_asyncpg_keeps_is_bounded():
    """asyncpg keeps no notification: neither may an act that stands between."""
    from harness.drivers.asyncpg.acts import messages

    class Connection:
        pass

    async def play() -> list[tuple[str, str]]:
        connection = Connection()
        await messages.notifications(connection, 0)
        for number in range(10_000):
            messages._received(connection, 1, "channel", str(number))
        return await messages.notifications(connection, 0.5, 200)

    kept = asyncio.run(play())
    assert 20 < len(kept) <= 100
    assert kept[-1] == ("channel", "9999")


@pytest.mark.parametrize("name", ["asyncpg", "psycopg2", "psqlpy"])
def test_who_cannot_tell_the_rows_of_each_call_does_not_claim_to(name):
    """A flat list is not wrapped to look like one list for each call."""
    found, _ = act_modules.load(f"harness.drivers.{name}.acts")
    assert "insert_many" in found
    assert "insert_returning" not in found
