"""What is read in the texts of schema 1; these texts are as they were then."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from harness.core.verdicts import Code, Judgement
from harness.results import migrations, schema_1

TEXTS = [
    (
        (
            "lossy",
            "row 2, column v: Decimal: Decimal('1.1') instead of numeric: '1.10'",
            "Decimal: Decimal('1.1')",
            "numeric: '1.10'",
        ),
        "wrong-value",
        {
            "row": 2,
            "column": "v",
            "type": "Decimal",
            "repr": "Decimal('1.1')",
            "expected_type": "numeric",
            "expected_repr": "'1.10'",
        },
    ),
    (
        ("differs", "column v: str instead of Decimal", "str: '1.10'", "numeric: '1.10'"),
        "wrong-type",
        {
            "column": "v",
            "usual_types": ["Decimal"],
            "type": "str",
            "repr": "'1.10'",
            "expected_type": "numeric",
            "expected_repr": "'1.10'",
        },
    ),
    (("lossy", "1 row instead of 2", "1 row", "2 rows"), "row-count", {}),
    (
        ("lossy", "row 1: 1 column instead of 2", "tuple[int]: (1,)", "2 columns"),
        "column-count",
        {"type": "tuple[int]", "repr": "(1,)"},
    ),
    (("lossy", "1 results for 2 statements", "", ""), "result-count", {}),
    (
        ("lossy", "the text stream is malformed: the last line has no end", "", ""),
        "malformed",
        {},
    ),
    (("broken", "reading the rows raised RuntimeError: no rows", "", ""), "unreadable", {}),
    (
        ("rejected", "RuntimeError [23505]: twice", "RuntimeError [23505]: twice", ""),
        "error",
        {"class": "RuntimeError", "sqlstate": "23505", "message": "twice"},
    ),
    (
        (
            "broken",
            "no Exception: KeyboardInterrupt: twice",
            "KeyboardInterrupt: twice",
            "",
        ),
        "panic",
        {"class": "KeyboardInterrupt", "sqlstate": "", "message": "twice"},
    ),
    (
        ("lossy", "no error came, expected SQLSTATE 23505", "no error", "SQLSTATE 23505"),
        "no-error",
        {},
    ),
    (
        (
            "rejected",
            "no SQLSTATE instead of 23505: RuntimeError: twice",
            "RuntimeError: twice",
            "SQLSTATE 23505",
        ),
        "no-sqlstate",
        {
            "class": "RuntimeError",
            "sqlstate": "",
            "message": "twice",
            "expected_sqlstate": "23505",
        },
    ),
    (
        (
            "rejected",
            "SQLSTATE 23505 instead of 42P01: RuntimeError [23505]: twice",
            "RuntimeError [23505]: twice",
            "SQLSTATE 42P01",
        ),
        "wrong-sqlstate",
        {
            "class": "RuntimeError",
            "sqlstate": "23505",
            "message": "twice",
            "expected_sqlstate": "42P01",
        },
    ),
    (
        (
            "lossy",
            "the error names constraint 't_pkey', not 'other'",
            "RuntimeError [23505]: twice",
            "constraint other",
        ),
        "wrong-field",
        {"class": "RuntimeError", "sqlstate": "23505", "message": "twice"},
    ),
    (
        (
            "differs",
            "the error names no column, not 'id'",
            "RuntimeError [23505]: twice",
            "column id",
        ),
        "not-told",
        {"class": "RuntimeError", "sqlstate": "23505", "message": "twice"},
    ),
    (
        ("exact", "list[int | str]: [1, None, 'a']", "list[int | str]: [1, None, 'a']", ""),
        "observed",
        {"type": "list[int | str]", "repr": "[1, None, 'a']", "value": [1, None, "a"]},
    ),
    (
        ("exact", "raised RuntimeError [23505]", "raised RuntimeError [23505]", ""),
        "observed",
        {"class": "RuntimeError", "sqlstate": "23505"},
    ),
    (("broken", "another query's answer came back", "'a'", "'b'"), "desync", {}),
    (
        ("lossy", "str: 'a' instead of str: 'b'", "str: 'a'", "str: 'b'"),
        "wrong-value",
        {"type": "str", "repr": "'a'", "expected_type": "str", "expected_repr": "'b'"},
    ),
    (
        ("differs", "str: '1' instead of int: 1", "str: '1'", "int: 1"),
        "wrong-type",
        {"type": "str", "repr": "'1'", "expected_type": "int", "expected_repr": "1"},
    ),
    (
        ("lossy", "str: 'a' is not like 'b%'", "str: 'a'", "like 'b%'"),
        "wrong-value",
        {"type": "str", "repr": "'a'"},
    ),
    (
        ("lossy", "port: str: '1' instead of int: 2", "str: '1'", "int: 2"),
        "wrong-value",
        {
            "entry": "port",
            "type": "str",
            "repr": "'1'",
            "expected_type": "int",
            "expected_repr": "2",
        },
    ),
    (
        ("differs", "no port, which is int: 2", "no port", "int: 2"),
        "not-told",
        {"entry": "port", "expected_type": "int", "expected_repr": "2"},
    ),
    (
        ("hung", "still waiting after 1,500 ms", "still waiting after 1,500 ms", ""),
        "waiting",
        {"waited_ms": 1500},
    ),
    (
        (
            "hung",
            "it took more than 1,500 ms",
            "it took more than 1,500 ms",
            "within 1,500 ms",
        ),
        "late",
        {},
    ),
    (
        (
            "differs",
            "memory grew by more than 2 MB",
            "memory grew by more than 2 MB",
            "at most 2 MB",
        ),
        "grows",
        {},
    ),
    (("rejected", "the task is cancelled", "the task is cancelled", ""), "cancelled", {}),
    (
        (
            "unsupported",
            "lib cannot send many statements before it reads the first result",
            "",
            "",
        ),
        "not-offered",
        {
            "message": "lib cannot send many statements before it reads the first result",
            "capability": "pipeline",
        },
    ),
    (
        ("unsupported", "lib has no `notices`: Run it", "", ""),
        "not-offered",
        {
            "message": "lib has no `notices`: Run it",
            "driver": "lib",
            "act": "notices",
            "sentence": "Run it",
        },
    ),
    (
        ("unsupported", "lib has no such pool", "", ""),
        "not-offered",
        {"message": "lib has no such pool"},
    ),
    (("crashed", "killed by SIGSEGV", "", ""), "worker-died", {}),
    (("hung", "no answer within 9 s", "", ""), "no-answer", {}),
    (
        ("rejected", "while it was timed: ValueError: no", "", ""),
        "error",
        {"when": "while it was timed", "message": "ValueError: no"},
    ),
    (
        (
            "invalid",
            "against its terms: after an op its session is active",
            "",
            "",
        ),
        "breaks-terms",
        {"message": "after an op its session is active"},
    ),
]


@pytest.mark.parametrize(("texts", "code", "facts"), TEXTS, ids=lambda one: str(one)[:40])
def test_texts_say_a_code_and_facts(
    texts: tuple[str, str, str, str], code: str, facts: dict[str, Any]
) -> None:
    raw = schema_1.judgement(*texts)
    assert (raw["code"], raw["facts"]) == (code, facts)
    read = msgspec.convert(raw, Judgement)
    assert (read.verdict, read.detail, read.observed, read.expected) == texts


def test_steps() -> None:
    traits = (
        "new: str: 'idle'; main.commit: raised a.E [25P01]; it: still waiting after 9 ms"
    )
    seen = schema_1.judgement("exact", traits, traits, traits)
    assert seen["code"] == Code.OBSERVED
    assert seen["facts"]["answers"] == [
        {"label": "new", "named": True, "type": "str", "repr": "'idle'", "value": "idle"},
        {
            "label": "main.commit", "named": False, "act": "commit",
            "class": "a.E", "sqlstate": "25P01",
        },
        {"label": "it", "named": True, "waited_ms": 9},
    ]  # fmt: skip
    wrong = schema_1.judgement("lossy", "step 3, main.info: port: int: 1 instead of int: 2")
    assert wrong["code"] == Code.WRONG_VALUE
    assert wrong["facts"].items() >= {"step": 3, "act": "info", "entry": "port"}.items()


def test_a_dict_that_was_cut_keeps_its_whole_entries() -> None:
    text = "dict: {'class': 'a.B', 'pep249': 'Error', 'message': 'much mo…"
    facts = schema_1.judgement("exact", text, text)["facts"]
    assert facts["value"] == {"class": "a.B", "pep249": "Error"}


def test_a_record_of_schema_2_is_left_alone() -> None:
    record = {"record": "trial", "judgement": {"verdict": "exact"}}
    assert migrations.update_to_2(record) == record
    note = {"record": "note", "kind": "x", "detail": "y"}
    assert migrations.update_to_2(note) == note


def test_a_record_without_its_verdict_is_still_refused() -> None:
    raw = migrations.update_to_2({"record": "trial", "cell": "c", "arm": "a", "round": 0})
    assert "judgement" not in raw
