"""Statements of a script: weights, psql's commands and variables, and what is no script."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import UsageError
from harness.workload import script


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "own.sql"


def found(file: Path, text: str) -> list[tuple[str, float]]:
    file.write_text(text)
    seen = script.observations(file).statements
    return [(" ".join(statement.text.split()), statement.calls) for statement in seen]


BROKEN = "selekt 0;\n"


@pytest.mark.parametrize("before", ["", BROKEN], ids=["sound", "with a slip"])
def test_a_weight_stands_above_in_or_behind_its_statement(file: Path, before: str) -> None:
    text = before + (
        "-- weight: 3\nselect a from t;\n"
        "select b -- weight: 2.5\nfrom t;\n"
        "select c from t; -- weight: 4\n"
        "select d from t; select ';', \"e;\" from t\n;; -- the end"
    )
    weights = [weight for _, weight in found(file, text)]
    assert weights == [1.0] * bool(before) + [3, 2.5, 4, 1, 1]


def test_texts_that_differ_in_literals_are_one_statement(file: Path) -> None:
    text = "select a from t where b = 1;\n-- weight: 2\nselect a from t where b = 2;"
    assert found(file, text) == [("select a from t where b = 1", 3)]


def test_commands_of_psql_are_told_and_left_out(file: Path) -> None:
    file.write_text("\\set n 5\nselect 1 \\gset\n select '\\d', E'\\\\';\\d t\n")
    seen = script.observations(file)
    assert [statement.text.strip() for statement in seen.statements] == [
        "select 1",
        "select '\\d', E'\\\\'",
    ]
    assert list(seen.unseen) == [
        f"{name} is a command of psql, which the server does not know"
        for name in ("\\set", "\\gset", "\\d")
    ]


def test_variables_are_parameters(file: Path) -> None:
    text = "select a[1:2], b::text from t where a = :aid and b = :'x' and c = :aid + $1"
    general = "select a[1:2], b::text from t where a = $2 and b = $3 and c = $2 + $1"
    assert found(file, text) == [(general, 1)]


def test_a_body_with_semicolons_is_one_statement(file: Path) -> None:
    text = "create function f() returns int begin atomic select 1; select 2; end; select 3;"
    assert len(found(file, text)) == 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "has no statement"),
        (b"-- weight: 3\n;\n", "has no statement"),
        (b"select 1;\0", "is no text"),
        (b"-- weight: many\nselect 1;", "'weight: many' is no number above 0"),
        (b"-- weight: -1\nselect 1;", "'weight: -1' is no number above 0"),
        (b"-- weight: inf\nselect 1;", "'weight: inf' is no number above 0"),
        (b"\\N\n" * 1_001, "more than 1,000 commands of psql"),
        (b" " * 5_000_001, "has more than 5,000,000 bytes"),
    ],
)
def test_what_is_no_script_says_so(file: Path, data: bytes, words: str) -> None:
    file.write_bytes(data)
    with pytest.raises(UsageError) as caught:
        script.observations(file)
    assert words in str(caught.value)


def test_a_byte_order_mark_and_other_encodings_are_read(file: Path) -> None:
    file.write_bytes("\ufeffselect 'ü'".encode() + b", '\xff'")
    assert len(script.observations(file).statements) == 1
