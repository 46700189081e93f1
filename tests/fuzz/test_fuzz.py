"""The search: what it invents, what it finds, that it ends, and that it can be repeated."""

from __future__ import annotations

import json
import time
import tomllib
import warnings
from decimal import Decimal

import pytest
from helpers import checked
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NonInteractiveExampleWarning

from harness import scenario
from harness.cli import main
from harness.core.calls import ErrorFields
from harness.core.errors import OracleError, WorkerGone
from harness.core.tables import PgType, Table
from harness.core.verdicts import Code, Judgement, Verdict, stopped
from harness.fuzz import render as shown
from harness.fuzz import strategies
from harness.fuzz.findings import Finding, FindingKind, Searched, kind_of, simplest
from harness.fuzz.search import SearchPlan, cell, search
from harness.judge import verify
from harness.plugin import contract

LOSSY = Verdict.LOSSY


def finding(**values):
    told = {
        "type": "numeric", "driver": "psycopg2", "profile": "configured",
        "direction": "write", "literal": "Infinity", "examples": 7, "confirmed": True,
    }  # fmt: skip
    verdict = values.pop("verdict", LOSSY)
    detail = "row 1, column v: str: 'NaN' instead of text: 'Infinity'"
    texts = (values.pop("detail", detail), "str: 'NaN'", "text: 'Infinity'")
    return Finding(**told | values, judgement=Judgement(verdict, Code.WRONG_VALUE, *texts))


def hunt(place, name, pg_type, direction="read", seconds=600.0, batches=6, **plan):
    """What a search of one subject finds."""
    found: list[Finding] = []
    arm = contract.parse_arm(name)
    search(
        place,
        SearchPlan((arm,), (pg_type,), (direction,), seconds, 1, batches, **plan),
        lambda _: None,
        found.append,
    )
    return found


# --- literals -----------------------------------------------------------------------------


@pytest.mark.parametrize("pg_type", strategies.TYPES)
def test_the_server_reads_what_is_invented(place, pg_type):
    """Most of it: a day may be one too many for its month."""
    control = place.control
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonInteractiveExampleWarning)
        examples: list[str] = []

        @settings(max_examples=25, database=None, suppress_health_check=list(HealthCheck))
        @given(strategies.of(pg_type))
        def collect(text):
            examples.append(text)

        collect()
    read = 0
    for text in examples:
        try:
            control.value(f"select ($1::{pg_type})::text", [text])
            read += 1
        except OracleError:
            continue
    assert read > 0.7 * len(examples)


def test_what_python_can_say():
    assert all(map(strategies.sayable, ['"null"', "[null]", "1.1", "[1, 2.5]", "{}", "-7"]))
    assert not any(map(strategies.sayable, ["null", "1.10", "[0.30000000000000000001]"]))


def test_an_unknown_type():
    with pytest.raises(KeyError):
        strategies.of("nonsense[]")


def test_a_cell_is_that_of_a_value_table(tmp_path):
    file = tmp_path / "one.toml"
    file.write_text(
        'schema = 1\ntitle = "t"\nwhy = "w"\n[[value]]\ntype = "int4"\n'
        'literals = ["7"]\ndirections = ["write"]\n'
    )
    (written,) = scenario.load(file).cells
    made = cell("int4", "write", "7")
    assert (made.sql, made.params, made.op, made.settings, made.expect) == (
        written.sql, written.params, written.op, written.settings, written.expect,
    )  # fmt: skip


# --- kinds ---------------------------------------------------------------------------


def lossy(value, text):
    right = Table(("v",), (PgType("numeric"),), ((text,),))
    return kind_of(verify.judge_rows(right, [(value,)]))


def refused(error):
    fields = ErrorFields(message=str(error))
    return kind_of(verify.judge_error(None, False, fields, error))


def test_kinds():
    cut = lossy(Decimal("1.5"), "1.55")
    assert cut == lossy(Decimal(12), "12.000001")
    assert cut != lossy(Decimal("NaN"), "Infinity")
    assert cut != lossy(1.5, "1.55")
    gone = WorkerGone("killed by SIGSEGV; it said last: 7", verdict="crashed")
    assert kind_of(stopped(gone)) == FindingKind(Verdict.CRASHED, "")


def test_an_error_is_of_one_kind_whatever_value_it_names():
    years = [
        refused(ValueError(f"year {year} is out of range")) for year in (10_000, 12_345)
    ]
    assert years[0] == years[1]
    assert years[0] != refused(ValueError("hour must be in 0..23"))
    assert years[0] != refused(OverflowError("year 10000 is out of range"))


@given(st.text(), st.text())
def test_a_kind_of_any_text(observed, expected):
    facts = {"type": observed, "repr": expected, "message": observed}
    for code in Code:
        judged = Judgement(LOSSY, code, observed, facts=facts)
        assert kind_of(judged).verdict is LOSSY


def test_the_simplest():
    assert simplest(["1000", "é", "7", "10"]) == "7"


# --- searches ---------------------------------------------------------------------------


def test_psycopg2_writes_infinity_as_nan(place):
    found = hunt(place, "psycopg2", "numeric", "write")
    small = {find.literal for find in found if find.verdict is LOSSY}
    assert small & {"Infinity", "-Infinity"}
    assert all(find.confirmed for find in found)


def test_psqlpy_cuts_numbers(place):
    found = hunt(place, "psqlpy", "numeric", "read")
    cut = [find for find in found if find.verdict is LOSSY]
    assert cut
    assert min(len(find.literal) for find in cut) < 40


@pytest.mark.parametrize("direction", ["read", "write", "copy"])
def test_psycopg_is_right_about_int8(place, direction):
    assert not hunt(place, "psycopg", "int8", direction, batches=2)


def test_what_a_driver_does_not_offer_is_no_finding(place):
    assert not hunt(place, "psycopg2", "int8", "copy", batches=2)


def test_a_search_can_be_repeated(place, monkeypatch):
    monkeypatch.setattr("harness.fuzz.search.MOST_SHRINKING", 60)
    first, second = (hunt(place, "psycopg2", "numeric", "write", batches=3) for _ in "ab")
    assert first == second
    assert first


@pytest.mark.usefixtures("miniatures")
def test_a_crash_and_a_hang_cost_themselves(place, monkeypatch):
    monkeypatch.setattr("harness.fuzz.search.MOST_SHRINKING", 30)
    (crash,) = hunt(place, "picky", "int4", batches=2)
    assert crash.verdict is Verdict.CRASHED
    assert crash.confirmed
    assert len(crash.literal.lstrip("-")) >= 5
    (hang,) = hunt(place, "picky", "bool", batches=4)
    assert (hang.verdict, hang.literal) == (Verdict.HUNG, "true")


def test_the_deadline_is_kept(place):
    begun = time.monotonic()
    hunt(place, "psycopg", "text", seconds=1.0, batches=0)
    assert time.monotonic() - begun < 60  # it would go on for ever


# --- reports ---------------------------------------------------------------------------

ODD = "a\"b\\c\n'''\x7f\u0001é\U0001f600"


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")))
def test_any_literal_is_toml(text):
    document = tomllib.loads(shown.toml([finding(literal=text, detail=text)], [], 1))
    assert document["value"][0]["literals"] == [text]


def test_toml_names_each_value_once(tmp_path):
    found = [
        finding(),
        finding(literal=ODD),
        finding(driver="psqlpy"),
        finding(type="text[]"),
    ]
    file = tmp_path / "found.toml"
    file.write_text(shown.toml(found, [], 1))
    assert len(scenario.load(file).cells) == 3


def test_what_was_not_confirmed_is_in_no_scenario():
    text = shown.toml([finding(confirmed=False)], [], 1)
    assert tomllib.loads(text) == {}
    assert "needs what came before" in shown.text([finding(confirmed=False)], [], 1)


def test_text_says_how_to_repeat():
    searched = [Searched("numeric", "psycopg2", "write", 1234)]
    text = shown.text([finding()], searched, 7)
    assert "✗ lossy psycopg2, numeric, write: 'Infinity'" in text
    assert "1 finding in 1,234 examples: 1 type, 1 driver, seed 7" in text


# --- the verb ---------------------------------------------------------------------------


@pytest.fixture
def borrowed(dsn, monkeypatch):
    """Let the verb use the shared server by default."""
    monkeypatch.setenv("PGDYNO_DSN", dsn.removeprefix("dsn:"))


@pytest.mark.usefixtures("borrowed")
def test_toml_shows_the_findings_again(place, tmp_path, capsys):
    arguments = [
        "fuzz",
        "--type",
        "numeric",
        "--direction",
        "write",
        "--driver",
        "psycopg2",
    ]
    assert main.main([*arguments, "--seed", "1", "--batches", "4", "--format", "toml"]) == 1
    file = tmp_path / "found.toml"
    file.write_text(capsys.readouterr().out)
    cells = scenario.load(file).cells
    assert cells
    checks = checked(place, place.folder, cells, [contract.parse_arm("psycopg2")])
    assert {check.verdict for check in checks} == {"lossy"}


@pytest.mark.usefixtures("borrowed")
def test_nothing_found(capsys):
    arguments = ["fuzz", "--type", "bool", "--driver", "psycopg", "--batches", "1"]
    assert main.main([*arguments, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []


@pytest.mark.usefixtures("borrowed")
def test_an_interruption_prints_what_was_found(monkeypatch, capsys):
    def interrupted(place, plan, tell, found):
        found(finding())
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.fuzz.search.search", interrupted)
    assert main.main(["fuzz", "--type", "bool", "--driver", "psycopg"]) == 130
    assert "'Infinity'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--type", "nonsense"], "cannot invent values of the type 'nonsense'"),
        (["--driver", "nodriver"], "no driver 'nodriver'"),
    ],
)
def test_usage(capsys, arguments, words):
    assert main.main(["fuzz", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "soon"])
def test_no_time(capsys, seconds):
    with pytest.raises(SystemExit):
        main.main(["fuzz", "--seconds", seconds])
