"""What is wrong with an answer, in words for somebody who never saw a scenario."""

from __future__ import annotations

import fake_runs
import pytest
from msgspec.structs import replace

from harness.core.verdicts import Code, Judgement, Verdict
from harness.report import wording

STEP = {"step": 7, "label": "join of_a", "named": False, "act": ""}


def found(code: Code, detail: str = "", expected: str = "", **facts):
    (check, *_) = fake_runs.check(types=("int4",)).checks
    judgement = Judgement(Verdict.LOSSY, code, detail, "", expected, facts)
    return replace(check, judgement=judgement, deviation="", drift="")


@pytest.mark.parametrize(
    ("code", "facts", "words"),
    [
        (
            Code.WRONG_VALUE,
            {"type": "list[int]", "repr": "[44]", "expected_type": "list[int]",
             "expected_repr": "[42]", **STEP},
            "answers [44] instead of [42]",
        ),
        (
            Code.WRONG_VALUE,
            {"type": "NoneType", "repr": "None", "expected_type": "text",
             "expected_repr": "'1'", "row": 3, "column": "body"},
            "answers NoneType None instead of text '1'",
        ),
        (
            Code.WRONG_TYPE,
            {"type": "list[str]", "usual_types": ["list[tuple | Point]", "Line"]},
            "comes as a list of str instead of a list of tuple or Point or Line",
        ),
        (
            Code.WRONG_TYPE,
            {"type": "str", "usual_types": ["list[list[Range] | Multirange]"]},
            "comes as str instead of a list of a list of Range or Multirange",
        ),
        (
            Code.ERROR,
            {"class": "x.DataError", "sqlstate": "22000", "message": "no\nline 2"},
            "raises x.DataError [22000]: no",
        ),
        (
            Code.NOT_TOLD,
            {"act": "info", "entry": "backend_pid"},
            "the connection does not tell its backend’s process id",
        ),
        (Code.ROW_COUNT, {"rows": 1, "expected_rows": 24}, "1 row instead of 24"),
        (Code.LATE, {"took_ms": 1895, "within_ms": 1000},
         "takes 1,895 ms, where 1,000 ms are the most"),
        (Code.NO_ERROR, {"repr": "1"}, "no error where one is due, but 1"),
        (Code.WRONG_SQLSTATE, {"sqlstate": "08003", "expected_sqlstate": "57P01"},
         "SQLSTATE 08003 instead of 57P01"),
    ],
)  # fmt: skip
def test_a_code_and_its_facts_become_words(code, facts, words):
    check = found(code, "step 7, join of_a: machine text", **facts)
    assert wording.reason([check]) == words
    assert wording.said(check).startswith(words)


def test_where_it_happened_is_said_of_an_answer_and_not_of_a_cause():
    facts = {"type": "int", "repr": "1", "expected_type": "int", "expected_repr": "2"}
    stepped = found(Code.WRONG_VALUE, **facts, **STEP)
    assert wording.said(stepped) == "answers 1 instead of 2, in step 7 (waiting for of_a)"
    placed = found(Code.WRONG_VALUE, **facts, row=3, column="body")
    assert wording.said(placed) == "answers 1 instead of 2, in column body of row 3"
    assert wording.reason([placed]) == "answers 1 instead of 2"


def test_a_judgement_without_facts_keeps_its_own_words():
    plain = found(Code.GROWS, "by 64 MB")
    assert wording.said(plain) == wording.reason([plain]) == "by 64 MB"
    stepped = found(Code.GROWS, "step 7, join of_a: by 64 MB", **STEP)
    assert wording.reason([stepped]) == "by 64 MB"


def test_checks_of_one_cause_tell_only_what_they_share():
    texts = [found(Code.WRONG_TYPE, type="str", usual_types=["UUID"], repr=text)
             for text in ("'a'", "'b'")]  # fmt: skip
    assert wording.reason(texts) == "comes as str instead of UUID"
    counts = [found(Code.ROW_COUNT, rows=n, expected_rows=9) for n in (1, 2)]
    assert wording.reason(counts) == "another number of rows than the server’s"


def test_what_differs_only_in_type_is_due_as_the_type_that_is_usual():
    check = found(Code.WRONG_TYPE, "", "jsonb: '7'", type="str", repr="'7'",
                  usual_types=["decoded JSON"], expected_repr="'7'")  # fmt: skip
    assert wording.due(check) == "decoded JSON: '7'"
    assert wording.due(found(Code.WRONG_VALUE, "", "jsonb: '7'")) == "jsonb: '7'"
