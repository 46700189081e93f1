"""Turns and messages that a proxy counts, by hand and of real sessions."""

from __future__ import annotations

import psycopg
import pytest
from clients import needs_server

from harness.servers.proxy import Proxy
from harness.servers.tap import Counts, Tap

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
