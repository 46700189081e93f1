"""Names that an arm gives to files and sessions: all different, whatever a user typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.arms import Arm, parse
from harness.play.process import log_name
from harness.play.seat import Seat
from harness.report.format import shorten_arm

ALIKE = (
    f"psycopg+binary@../{'a' * 80}/x#main%3.12",
    f"psycopg+binary@../{'a' * 80}/x#main%3.13",
    "psycopg@a/b",
    "psycopg@a-b",
    "psycopg@ä",
    "psycopg@å",
    "asyncpg==0.30.0",
    "asyncpg==0.31.0",
)


def test_logs_of_different_arms_are_different_files(tmp_path: Path):
    names = {log_name(parse(text)) for text in ALIKE}
    assert len(names) == len(ALIKE)
    for name in names:
        (tmp_path / name).write_text("")


def test_a_log_is_called_as_its_arm():
    assert log_name(Arm("asyncpg", ("uvloop",))) == "asyncpg+uvloop-configured.log"
    assert log_name(parse("asyncpg==0.30.0")) == "asyncpg==0.30.0-configured.log"


def test_sessions_of_different_arms_have_names_that_the_server_keeps(place, tmp_path):
    names = []
    for text in ALIKE:
        seat = Seat(parse(text), place.stage, place.control, tmp_path, [], None)
        name = seat.application_name
        place.control.run(f"set application_name = '{name}'")
        assert place.control.value("show application_name") == name
        names.append(name)
        (tmp_path / name).mkdir()
    place.control.run("reset application_name")
    assert len(set(names)) == len(ALIKE)


@pytest.mark.parametrize(
    ("name", "limit", "short"),
    [
        ("asyncpg==0.30.0", 20, "asyncpg==0.30.0"),
        ("asyncpg==0.30.0", 10, "asy…0.30.0"),
        ("psycopg+binary==3.2.9%3.12", 20, "psycop…y==3.2.9%3.12"),
        ("psycopg-async", 10, "psyc-async"),
        ("sqlalchemy-core-asyncpg", 15, "sql-cor-asyncpg"),
        ("sqlalchemy-orm-asyncpg", 15, "sql-orm-asyncpg"),
    ],
)
def test_a_short_name_keeps_what_tells_versions_apart(name, limit, short):
    assert shorten_arm(name, limit) == short
    assert len(shorten_arm(name, limit)) <= limit
