"""What is recorded of a value is the same in every run, whatever a library shows."""

from __future__ import annotations

from collections import namedtuple
from decimal import Decimal

import pytest

from harness.core.verdicts import Code, Judgement, Verdict
from harness.judge.recorded import bare, renamed_in, settled, text_of
from harness.judge.verify import is_token, show


class Shown:
    """An object that shows what it is told to show."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


NAMELESS = f"<{__name__}.Shown object>"
Pair = namedtuple("Pair", "left right")


@pytest.mark.parametrize(
    "text",
    [
        "<lib.Connection object at 0x7f3bd87b1650>",
        "<lib.Connection [IDLE] (host=127.0.0.1 port=40873 database=x) at 0x7f3bd87b1650>",
        "<Transaction transaction=Default id=0x7f11e8f04fc0>",
        "<connection; dsn: 'user=x password=xxx', closed: 0>",
        "Address(host='::1', port=5432)",
    ],
)
def test_an_object_that_says_where_it_is_is_recorded_by_its_class(text: str) -> None:
    assert text_of(Shown(text)) == NAMELESS
    assert text_of([(1, Shown(text))]) == f"[[1, {NAMELESS}]]"
    assert text_of({"a": Shown(text)}) == f"{{'a': {NAMELESS}}}"
    assert show(Shown(text)) == f"Shown: {NAMELESS}"
    assert show([Shown(text)]) == f"list[Shown]: [{NAMELESS}]"


@pytest.mark.parametrize(
    "value",
    ["host=db port=5432", b"dsn=x", 1.5, None, Decimal("1.10"), (1, [2]), {"a": {1}},
     Pair(1, 2), Shown("<Range [1, 10)>"), Shown("<BitString 101>")],
)  # fmt: skip
def test_a_value_with_a_text_of_its_own_stays(value: object) -> None:
    assert bare(value) == value


@pytest.mark.parametrize(
    ("made", "recorded"),
    [
        ('relation "pgdyno_b0c44b6_12.docs"', 'relation "@{schema}.docs"'),
        ("name 'pgdyno b0c44b6 psycopg default'", "name '@{app}'"),
        ("host=127.0.0.1 port=40873 dbname=x", "host=127.0.0.1 port=@{port} dbname=x"),
        ('at "127.0.0.1", port 40873 failed', 'at "127.0.0.1", port @{port} failed'),
        ("{'port': '40873'}", "{'port': '@{port}'}"),
        ("postgresql://u:x@localhost:40873/x", "postgresql://u:x@localhost:@{port}/x"),
        ("<lib.Pool object at 0x7f3bd87b1650>", "<lib.Pool object>"),
        ("name __asyncpg_stmt_1f__", "name __asyncpg_stmt__"),
        ("port 1 of 2, report 40873", "port 1 of 2, report 40873"),
    ],
)
def test_what_a_run_makes_up_is_recorded_as_a_word(made: str, recorded: str) -> None:
    assert settled(made) == recorded


def test_names_are_replaced_as_wholes_the_longest_first() -> None:
    names = {"40873": "@{port}", "a_b": "@{x}", "a_b_c": "@{y}"}
    judged = Judgement(
        Verdict.EXACT,
        Code.OBSERVED,
        "int: 40873",
        "408731 a_b_c",
        "a_b",
        {"seen": ["40873"]},
    )
    assert renamed_in(judged, names) == Judgement(
        Verdict.EXACT,
        Code.OBSERVED,
        "int: @{port}",
        "408731 @{y}",
        "@{x}",
        {"seen": ["@{port}"]},
    )


@pytest.mark.parametrize("kind", [str, str.encode, lambda t: memoryview(t.encode())])
def test_a_token_comes_back_in_whatever_type(kind: object) -> None:
    assert callable(kind)
    assert is_token(kind("canary-1"), "canary-1")
    assert not is_token(kind("canary-2"), "canary-1")


@pytest.mark.parametrize("answer", [None, 1, ["canary-1"], ("canary-1",)])
def test_a_token_in_something_else_is_no_token(answer: object) -> None:
    assert not is_token(answer, "canary-1")
