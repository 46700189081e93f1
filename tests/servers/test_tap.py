"""Turns, messages and bytes that a tap counts, by hand and of real sessions."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from clients import needs_server
from hypothesis import given
from hypothesis import strategies as st

from harness.core.conditions import Condition
from harness.servers.proxy import Proxy
from harness.servers.tap import Counts, Tap
from harness.servers.tap.patience import is_asleep

STARTUP = b"\0\0\0\x09\0\x03\0\0\0"
PARSE = b"P\0\0\0\x08\0\0\0\0"
SYNC = b"S\0\0\0\x04"


def counted(*sent: bytes) -> Counts:
    counts = Counts()
    tap = Tap(counts)
    for data in sent:
        tap.from_client(data)
        tap.from_server(b"Z\0\0\0\x05I")
    return counts


def test_messages_are_counted_by_kind_wherever_a_packet_ends() -> None:
    stream = STARTUP + PARSE + SYNC + PARSE
    whole = {"Startup": 1, "Parse": 2, "Sync": 1}
    for size in range(1, len(stream)):
        pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
        assert counted(*pieces).sent == whole


def test_what_the_client_sends_before_an_answer_is_one_turn() -> None:
    counts = Counts()
    tap = Tap(counts)
    for data in (STARTUP, PARSE, SYNC):
        tap.from_client(data)
    for _ in range(3):
        tap.from_server(b"Z\0\0\0\x05I")
    assert counts.turns == 1


def test_what_is_encrypted_counts_as_turns_only() -> None:
    request = b"\0\0\0\x08\x04\xd2\x16\x2f"
    counts = Counts()
    tap = Tap(counts)
    tap.from_client(request)
    tap.from_server(b"S")
    tap.from_client(PARSE)
    tap.from_server(b"?")
    assert (counts.turns, counts.sent) == (2, {"SSLRequest": 1})


@pytest.mark.parametrize("data", [b"\0\0\0\0\0\x03\0\0", b"\xff" * 40])
def test_what_is_no_message_does_no_harm(data: bytes) -> None:
    assert counted(data, PARSE * 3).turns == 2


def test_an_unknown_message_is_passed_and_counted() -> None:
    assert counted(STARTUP + b"?\0\0\0\x04" + SYNC).sent["unknown"] == 1


# --- whole conversations, by hand --------------------------------------------------------


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + (4 + len(body)).to_bytes(4) + body


BIND, EXECUTE = message(b"B", b"\0\0\0\0\0\0"), message(b"E", b"\0\0\0\0\0")
FLUSH, CLOSE, TERMINATE = message(b"H"), message(b"C", b"S\0"), message(b"X")
ROWS, ROWS_END, ROWS_FAIL = message(b"d", b"1\n"), message(b"c"), message(b"f", b"no\0")
QUERY = message(b"Q", b"select 1\0")
READY, DONE = message(b"Z", b"I"), message(b"C", b"SELECT 1\0")
NOTICE, NOTIFIED = message(b"N", b"\0"), message(b"A", b"\0\0\0\1c\0\0")
STATUS, ERROR = message(b"S", b"a\0b\0"), message(b"E", b"SERROR\0\0")
COPY_IN, COPY_OUT, COPY_BOTH = (message(kind, b"\0\0\0") for kind in (b"G", b"H", b"W"))
BOUND, ROW = message(b"2"), message(b"D", b"\0\0")
LOGIN = [
    ("c", STARTUP), ("s", message(b"R", b"\0\0\0\x0a")),
    ("c", message(b"p", b"x")), ("s", message(b"R", b"\0\0\0\x0b")),
    ("c", message(b"p", b"y")), ("s", message(b"R", b"\0\0\0\0") + STATUS + READY),
]  # fmt: skip
STARTUP_3_2 = b"\0\0\0\x09\0\x03\0\x02\0"
SSL, GSS = b"\0\0\0\x08\x04\xd2\x16\x2f", b"\0\0\0\x08\x04\xd2\x16\x30"

CONVERSATIONS: dict[str, tuple[int, list[tuple[str, bytes]]]] = {
    "login": (3, LOGIN),
    "no TLS, no GSS": (5, [("c", GSS), ("s", b"N"), ("c", SSL), ("s", b"N"), *LOGIN]),
    "a server that knows no TLS": (4, [("c", SSL), ("s", ERROR), *LOGIN]),
    "negotiated": (
        1,
        [("c", STARTUP_3_2), ("s", message(b"v", b"\0\3\0\0\0\0\0\0") + READY)],
    ),
    "query": (4, [*LOGIN, ("c", QUERY), ("s", ROW + DONE + READY)]),
    "a result in pieces": (4, [*LOGIN, ("c", QUERY), ("s", ROW), ("s", DONE + READY)]),
    "prepared, then bound": (
        5,
        [*LOGIN, ("c", PARSE + FLUSH), ("s", message(b"1")),
         ("c", BIND + EXECUTE + SYNC), ("s", BOUND + ROW + DONE + READY)],
    ),
    "pipeline": (
        4,
        [*LOGIN, ("c", 3 * (BIND + EXECUTE + SYNC)), ("s", 3 * (BOUND + DONE + READY))],
    ),
    "a pipeline that is not waited for": (
        4,
        [*LOGIN, ("c", QUERY), ("c", QUERY), ("s", DONE + READY), ("s", DONE + READY)],
    ),
    "answers to what was said before are no answer": (
        5,
        [*LOGIN, ("c", QUERY), ("s", ROW), ("c", QUERY), ("s", ROW + DONE + READY),
         ("s", DONE + READY)],
    ),
    "a notice answers nobody": (
        4, [*LOGIN, ("c", QUERY), ("s", NOTICE), ("c", CLOSE + SYNC), ("s", READY * 2)],
    ),
    "notifications, unasked": (3, [*LOGIN, ("s", NOTIFIED), ("s", NOTIFIED + STATUS)]),
    "copy in": (
        5,
        [*LOGIN, ("c", QUERY), ("s", COPY_IN), ("c", ROWS), ("c", ROWS + ROWS_END),
         ("s", DONE + READY)],
    ),
    "copy in, extended": (
        5,
        [*LOGIN, ("c", BIND + EXECUTE + SYNC), ("s", BOUND + COPY_IN),
         ("c", ROWS + ROWS_END + SYNC), ("s", DONE + READY)],
    ),
    "copy in, given up": (
        6,
        [*LOGIN, ("c", QUERY), ("s", COPY_IN), ("c", ROWS + ROWS_FAIL),
         ("s", ERROR + READY), ("c", QUERY), ("s", DONE + READY)],
    ),
    "copy out": (
        4,
        [*LOGIN, ("c", QUERY), ("s", COPY_OUT + ROWS), ("s", ROWS + ROWS_END + READY)],
    ),
    "both ways": (
        4,
        [*LOGIN, ("c", QUERY), ("s", COPY_BOTH + ROWS), ("c", ROWS), ("s", ROWS),
         ("c", ROWS), ("s", ROWS)],
    ),
    "farewell": (3, [*LOGIN, ("c", TERMINATE)]),
    "unknown": (4, [*LOGIN, ("c", message(b"?", b"abc") + SYNC), ("s", READY)]),
}  # fmt: skip


def overheard(conversation: list[tuple[str, bytes]]) -> dict[str, Any]:
    counts = Counts()
    tap = Tap(counts)
    for who, data in conversation:
        (tap.from_client if who == "c" else tap.from_server)(data)
    return vars(counts.copy())


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_turns_of_a_conversation(name: str) -> None:
    turns, conversation = CONVERSATIONS[name]
    found = overheard(conversation)
    assert found["turns"] == turns
    said = {
        side: sum(len(data) for who, data in conversation if who == side) for side in "cs"
    }
    assert (found["sent_bytes"], found["received_bytes"]) == (said["c"], said["s"])


@given(st.sampled_from(sorted(CONVERSATIONS)), st.data())
def test_counts_do_not_depend_on_where_packets_end(name: str, data: st.DataObject) -> None:
    _, conversation = CONVERSATIONS[name]
    pieces = []
    for who, stream in conversation:
        cuts = data.draw(st.sets(st.integers(1, max(1, len(stream) - 1)), max_size=6))
        ends = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
        pieces += [(who, stream[start:end]) for start, end in pairwise(ends)]
    assert overheard(pieces) == overheard(conversation)


@given(st.lists(st.tuples(st.sampled_from("cs"), st.binary(max_size=40)), max_size=8))
def test_any_bytes_do_no_harm(conversation: list[tuple[str, bytes]]) -> None:
    found = overheard(conversation)
    assert found["sent_bytes"] == sum(len(data) for who, data in conversation if who == "c")
    assert found["turns"] <= len(conversation)


def test_messages_of_both_sides_are_counted_by_kind() -> None:
    _, conversation = CONVERSATIONS["copy in"]
    found = overheard(conversation)
    assert found["sent"] == {
        "Startup": 1, "Password": 2, "Query": 1, "CopyData": 2, "CopyDone": 1,
    }  # fmt: skip
    assert found["received"] == {
        "Authentication": 3, "ParameterStatus": 1, "ReadyForQuery": 2, "CopyInResponse": 1,
        "CommandComplete": 1,
    }  # fmt: skip


def test_a_cancellation_is_answered_by_the_end_of_its_connection() -> None:
    counts = Counts()
    tap = Tap(counts)
    tap.from_client(b"\0\0\0\x10\x04\xd2\x16\x2e" + bytes(8))
    assert (counts.turns, tap.owed) == (0, True)
    tap.ended()
    assert (counts.turns, tap.owed, counts.sent) == (1, False, {"CancelRequest": 1})


def test_tls_without_asking_is_read_as_encrypted() -> None:
    found = overheard([("c", b"\x16\x03\x01" + bytes(200)), ("s", b"\x16\x03\x03")])
    assert (found["turns"], found["sent"], found["sent_bytes"]) == (1, {}, 203)


def test_what_nobody_waits_for_is_no_turn() -> None:
    """psqlpy sends Close and Sync when a statement is dropped, and goes on."""
    counts = Counts()
    tap = Tap(counts)
    for who, data in LOGIN:
        (tap.from_client if who == "c" else tap.from_server)(data)
    tap.from_client(CLOSE + SYNC)
    tap.from_server(message(b"3") + READY, waited=False)
    assert counts.turns == 3


def test_a_process_is_asleep_when_all_of_its_threads_are() -> None:
    code = "import sys; sys.stdout.write('x'); sys.stdout.flush(); {}"
    for busy, what in ((False, "sys.stdin.read()"), (True, "\nwhile True: pass")):
        child = subprocess.Popen(
            [sys.executable, "-c", code.format(what)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        child.stdout.read(1)
        try:
            looks = [is_asleep(child.pid) for _ in range(2_000)]
            told = Path("/proc/self/task").exists()
            assert any(looks) != busy if told else not any(looks)
        finally:
            child.kill()
            child.communicate()


@needs_server
def test_a_session_of_psycopg_is_counted(place) -> None:
    with (
        Proxy(place.server.target) as proxy,
        psycopg.connect(
            host=proxy.target.host,
            port=proxy.target.port,
            user=proxy.target.user,
            password=proxy.target.password,
            dbname=proxy.target.dbname,
            autocommit=True,
        ) as connection,
    ):
        proxy.do("count")
        connection.execute("select 1")
        connection.execute("select %s", [1])
        assert proxy.do("turns") == 2
        assert proxy.do("messages") == {
            "Query": 1, "Parse": 1, "Bind": 1, "Describe": 1, "Execute": 1, "Sync": 1,
        }  # fmt: skip
        proxy.do("count")
        with connection.pipeline():
            for _ in range(3):
                connection.execute("select %s", [1])
        assert proxy.do("turns") == 1


@needs_server
@pytest.mark.parametrize("via", ["direct", "unix"])
def test_before_a_unix_socket_the_tap_is_one(place, via) -> None:
    """libpq asks for TLS over TCP only: a turn that a Unix socket does not have."""
    condition = Condition(via)
    if reason := place.stage.routes.lacks(condition):
        pytest.skip(reason)
    behind = place.stage.routes.target(condition, place.server.target)
    with Proxy(place.server.target) as proxy:
        target = proxy.before(behind)
        with psycopg.connect(
            host=target.host,
            port=target.port,
            user=target.user,
            password=target.password,
            dbname=target.dbname,
        ) as connection:
            connection.execute("select 1")
        socket = behind.host.startswith("/")
        assert proxy.counts.connections == 1
        assert proxy.counts.sent["SSLRequest"] == (not socket)
