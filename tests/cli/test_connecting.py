"""Servers that cannot be reached, or lack something; passwords are never shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import ONE, pgdyno

from harness.servers.cluster import free_port
from harness.venue.venue import Venue


@pytest.mark.parametrize("verb", ["check", "bench", "doctor"])
@pytest.mark.parametrize("by", ["option", "variable"])
def test_a_wrong_password_is_said_and_not_shown(
    dsn: str, place: Venue, tmp_path: Path, verb: str, by: str
) -> None:
    wrong = dsn.replace(place.server.target.password, "hunter2")
    paths = [] if verb == "doctor" else ["query/point", "--out", "run.jsonl"]
    server = f"dsn:{wrong}" if by == "option" else "dsn"
    environment = os.environ | ({"PGDYNO_DSN": wrong} if by == "variable" else {})
    ended = pgdyno(verb, *paths, "--server", server, cwd=tmp_path, env=environment)
    assert ended.code == 5
    assert "password authentication failed" in ended.said
    assert "the user or the password is wrong" in ended.said
    assert "hunter2" not in ended.said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("dsn:postgresql://me:hunter2@127.0.0.1:{port}/db", "port {port} failed"),
        ("postgresql://me:hunter2@127.0.0.1:{port}/db", "port {port} failed"),
        ("dsn:host=127.0.0.1 port={port} user=me password = hunter2", "port {port} failed"),
        (
            "dsn:postgresql://me:hunter2@127.0.0.1:{port}/db?sslmode=verify-full",
            "'sslmode'",
        ),
        ("dsn:postgresql://me:hun%zzter2@127.0.0.1/db", "neither a URI nor key=value"),
        ("dsn", "there is no DSN"),
    ],
)
def test_a_server_that_is_not_there(server: str, words: str, tmp_path: Path) -> None:
    port = free_port()
    environment = {key: value for key, value in os.environ.items() if key != "PGDYNO_DSN"}
    ended = pgdyno(
        "check", "query/point", "--server", server.format(port=port),
        cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert ended.code == 5
    assert words.format(port=port) in ended.err
    assert "hint: " in ended.err
    assert "hunter2" not in ended.said


@pytest.mark.usefixtures("borrowed")
def test_an_extension_that_is_missing_is_skipped_with_its_reason(
    file: Callable[..., Path], place: Venue
) -> None:
    if "hstore" in place.facts.extensions:
        pytest.skip("the server has hstore")
    ended = pgdyno("check", file(ONE + 'needs = ["extension:hstore"]'))
    assert ended.code == 4
    assert "skipped" in ended.out
    assert "the extension hstore is not there" in ended.err
