"""Statements in PostgreSQL's log: three formats, any size, nothing private."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.core.errors import UsageError
from harness.workload import log
from harness.workload.observed import Observed

DEBIAN = """\
2026-11-28 19:12:42.098 UTC [7785] LOG:  starting PostgreSQL 15.18 on x86_64-pc-linux-gnu
2026-11-28 19:12:43.634 UTC [7813] bob@shop LOG:  duration: 0.480 ms  parse s1: select id from users where email = $1
2026-11-28 19:12:43.634 UTC [7813] bob@shop LOG:  duration: 0.225 ms  bind s1: select id from users where email = $1
2026-11-28 19:12:43.634 UTC [7813] bob@shop DETAIL:  parameters: $1 = 'secret@example.org'
2026-11-28 19:12:43.634 UTC [7813] bob@shop LOG:  duration: 0.500 ms  execute s1: select id from users where email = $1
2026-11-28 19:12:43.634 UTC [7813] bob@shop DETAIL:  parameters: $1 = 'secret@example.org'
2026-11-28 19:12:43.640 UTC [7813] bob@shop LOG:  duration: 1.500 ms  execute <unnamed>: select id from users where email = $1
2026-11-28 19:12:43.642 UTC [7813] bob@shop LOG:  duration: 2.000 ms  statement: select *
\tfrom users
\twhere id = 5
2026-11-28 19:12:43.644 UTC [7813] bob@shop LOG:  duration: 3.000 ms  statement: select *
\tfrom users
\twhere id = 6
2026-11-28 19:12:43.649 UTC [7813] bob@shop ERROR:  relation "nowhere" does not exist at character 15
2026-11-28 19:12:43.649 UTC [7813] bob@shop STATEMENT:  select * from nowhere
2026-11-28 19:12:43.650 UTC [7814] ann@other LOG:  statement: select 1
2026-11-28 19:12:43.651 UTC [7813] bob@shop LOG:  execute fetch from c1: select 2
"""  # noqa: E501
FOUND = [
    Observed("select id from users where email = $1", 2, 2.0),
    Observed("select *\nfrom users\nwhere id = 5", 2, 5.0),
]


def messages() -> Iterator[tuple[str, str, str]]:
    """The same entries as database, kind and message."""
    entries = DEBIAN.replace("\n\t", "\x1f").splitlines()
    for entry in entries:
        head, _, message = entry.replace("\x1f", "\n").partition(":  ")
        level = head.rpartition(" ")[2]
        database = head.rpartition("@")[2].split(" ")[0] if "@" in head else ""
        yield database, level, message


def as_csv() -> str:
    return "".join(
        f'2026-11-28 19:12:43.613 UTC,"bob","{database}",7813,"[local]",6b0b27ab.1e85,1,'
        f'"SELECT",2026-11-28 19:12:43 UTC,2/0,0,{kind},00000,"{message}",,,,,,,,,"",'
        '"client backend",,0\n'
        for database, kind, message in (
            (database, kind, message.replace('"', '""'))
            for database, kind, message in messages()
        )
    )


def as_json() -> str:
    return "".join(
        json.dumps({"dbname": database, "error_severity": kind, "message": message}) + "\n"
        for database, kind, message in messages()
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pg.log"


@pytest.mark.parametrize(
    "text", [DEBIAN, as_csv(), as_json()], ids=["stderr", "csv", "json"]
)
def test_each_format_has_the_same_statements(file: Path, text: str) -> None:
    file.write_text(text)
    found = log.observations(file, "shop")
    assert found.statements == FOUND
    assert found.unseen == {"statements of other databases": 1, "it works on a cursor": 1}
    assert "secret" not in repr(found)


def test_a_log_that_names_no_database_is_of_the_one_that_is_asked(file: Path) -> None:
    file.write_text(
        "2026-11-28 19:12:42.098 UTC [1] LOG:  statement: select 7\n"
        "2026-11-28 19:12:42.098 GMT [1]: [2-1] user=bob,db=shop,app=x LOG:  statement: "
        "select 'a', 8\n"
    )
    assert [seen.text for seen in log.observations(file, "shop").statements] == [
        "select 7",
        "select 'a', 8",
    ]


@pytest.mark.parametrize(
    "prefix",
    [
        "2026-11-28 19:12:43 UTC:10.0.0.1(5432):bob@other:[7813]:",
        "2026-11-28 19:12:43.613 UTC [7813] bob@other [unknown] ",
        "[7813] user=bob,db=other,client=10.0.0.1 ",
    ],
)
def test_each_usual_prefix_says_the_database(file: Path, prefix: str) -> None:
    file.write_text(f"{prefix}LOG:  statement: select 7\n")
    with pytest.raises(UsageError, match="none of the database 'shop'"):
        log.observations(file, "shop")
    assert log.observations(file, "other").statements == [Observed("select 7", 1, 0)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\x7fELF\0\0\1", "is no text"),
        (b"127.0.0.1 - - [28/Nov/2026] \"GET / HTTP/1.1\" 200\n", "is no log that pgdyno"),
        (b"{\"a\": 1}\nnot json\n", "is no log that pgdyno"),
        (DEBIAN.splitlines()[0].encode(), "1 entries, none of which is a statement"),
        (b"x bob@other LOG:  statement: select 1\n", "none of the database 'shop'"),
    ],
)  # fmt: skip
def test_what_is_no_log_of_statements_says_so(file: Path, data: bytes, words: str) -> None:
    file.write_bytes(data)
    with pytest.raises(UsageError) as caught:
        log.observations(file, "shop")
    assert words in str(caught.value)


def test_a_file_that_is_not_there_says_so(file: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        log.observations(file, "shop")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        log.observations(file.parent, "shop")


def test_bytes_that_are_no_utf_8_lose_nothing_else(file: Path) -> None:
    file.write_bytes(
        b"x LOG:  statement: select '\xff\xfe'\nx LOG:  statement: select 1, 2\n"
    )
    assert len(log.observations(file, "shop").statements) == 2


def test_a_csvlog_with_an_open_quote_says_so(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be one field to the end of the file."""
    monkeypatch.setattr(log, "_LINE_BYTES", 100)
    limit = csv.field_size_limit()
    entry = ["t", "u", "shop", *["x"] * 8, "LOG", "x", "statement: select 1"]
    file.write_text(",".join(entry) + '\n"' + "x" * 20_000)
    with pytest.raises(UsageError, match="is no csvlog to its end: field larger"):
        log.observations(file, "shop")
    assert csv.field_size_limit() == limit


def test_what_is_kept_of_a_log_is_bounded(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.workload.observed.FORMS", 3)
    lines = [f"x LOG:  statement: select a{number} from t" for number in range(10)]
    lines.append(f"x LOG:  statement: select '{'y' * 3_000_000}'")
    lines += ["\tmore" for _ in range(3)] + lines[:1]
    file.write_text("\n".join(lines))
    found = log.observations(file, "shop")
    assert [seen.calls for seen in found.statements] == [2, 1, 1]
    assert found.unseen == {
        "beyond the first 3 different statements": 7,
        "longer than 100,000 characters": 1,
    }
