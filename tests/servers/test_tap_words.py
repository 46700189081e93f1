"""What people are told of messages, and what they never are."""

from __future__ import annotations

import pytest

from harness.servers.tap.framing import Message
from harness.servers.tap.tap import Direction
from harness.servers.tap.words import Teller, without_values

BIND = b"\0s1\0\0\1\0\0\0\2\0\0\0\3abc\xff\xff\xff\xff\0\0"
ERROR = b"SERROR\0VERROR\0C23505\0Mduplicate: (id)=(42)\0\0"


def told(who: Direction, name: str, body: bytes, **rest: object) -> str:
    return Teller(**rest).told(who, name, Message(b"?", 5 + len(body), body))  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [False, True])
def test_passwords_and_keys_are_never_told(values: bool) -> None:
    for who, name in (("client", "Password"), ("server", "BackendKeyData")):
        assert told(who, name, b"secret\0", values=values) == f"{name} (never shown)"  # type: ignore[arg-type]
    assert "n,,n=" not in told(
        "server", "Authentication", b"\0\0\0\x0bn,,n=x", values=values
    )
    text = "alter role r password 'secret' valid until '2030-01-01'"
    assert "secret" not in Teller(values=values).sql(text)


def test_values_are_told_on_demand_only() -> None:
    assert told("client", "Bind", BIND) == 'Bind "s1" (2 values)'
    assert told("client", "Bind", BIND, values=True) == "Bind \"s1\" ('abc', NULL)"
    assert told("server", "ErrorResponse", ERROR) == "ErrorResponse ERROR 23505"
    assert "(42)" in told("server", "ErrorResponse", ERROR, values=True)
    assert told("client", "Startup", b"\0\3\0\0user\0me\0\0") == "Startup 3.0 (user)"
    assert told("client", "Query", b"select 'me'\0") == "Query select '…'"


@pytest.mark.parametrize("body", [b"", b"\0", b"\xff" * 9, b"s1\0\0\7"])
@pytest.mark.parametrize("name", ["Bind", "Parse", "Describe", "Execute", "Query"])
def test_what_is_no_message_of_its_kind_does_no_harm(name: str, body: bytes) -> None:
    assert told("client", name, body).startswith(name)


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("select a1 from t where b = 12.5e3", "select a1 from t where b = …"),
        ("select -7, .5, 1_000", "select -…, .…, …"),
        ("select 'it''s', E'a\\'b', $$x$$, B'101'", "select '…', '…', '…', B'…'"),
        ('select "col 1" from "t"', 'select "col 1" from "t"'),
        ("select $1::int /* user 42 */ -- id 7", "select $1::int"),
        ("insert into t values (true, NULL, 5)", "insert into t values (…, …, …)"),
        ("select 'open", "select '…'"),
        ("select 'a\\' , 'secret', 5", "select '…' …"),
    ],
)  # fmt: skip
def test_no_literal_of_sql_is_told(sql: str, shown: str) -> None:
    assert " ".join(without_values(sql).split()) == shown


def test_what_a_file_says_is_told_as_it_is() -> None:
    sql = "select 'fixed', 1"
    assert Teller(known=[sql]).sql(sql) == sql
