"""A check says which versions it was of, and whoever reads it later says the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fake_runs
import msgspec
import pytest

from harness.check.checker import Checker
from harness.cli import main
from harness.core.arms import Arm
from harness.results import store
from harness.venue.venue import Venue

READ = "types/bytea#bytea-read@value=empty"


def test_a_check_records_versions_and_terms(dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    arms = ["--driver", "psycopg2", "--driver", "asyncpg"]
    asked = ["check", READ, *arms, "--profile", "configured", "--server", dsn]
    main.main([*asked, "--out", str(file)])
    header = store.read(file).header
    assert [(arm.id, arm.kind) for arm in header.arms] == [
        ("psycopg2", "sync"), ("asyncpg", "async"),
    ]  # fmt: skip
    for arm in header.arms:
        assert arm.terms["library"] == arm.driver
        assert arm.terms["version"]
        assert arm.problem == ""
    assert [arm.terms["binds"] for arm in header.arms] == ["client", "server"]


def test_a_driver_that_cannot_be_used_says_why(place: Venue, tmp_path: Path) -> None:
    arms = [Arm("psycopg2"), Arm("nodriver")]
    checker = Checker(place.stage, arms, tmp_path, lambda check: None)
    hellos: list[Any] = []
    checker.run([], hellos.extend)
    (_, known), (_, lost) = hellos
    assert known["terms"]["library"] == "psycopg2"
    assert "nodriver" in lost["problem"]
    assert checker.terms("psycopg2", "configured") == known["terms"]


@pytest.mark.parametrize("terms", [True, False])
def test_a_guide_says_what_the_run_says_whatever_is_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], terms: bool
) -> None:
    file = tmp_path / "checks.jsonl"
    run = fake_runs.check(drivers=("psycopg2", "asyncpg"))
    own = {"library": "x", "version": "0.0.1", "placeholders": "%s"}
    arms = [
        msgspec.structs.replace(arm, terms=own if terms else {}) for arm in run.header.arms
    ]
    header = msgspec.structs.replace(run.header, arms=arms)
    records = [header, *run.checks, run.footer]
    file.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in records))
    assert main.main(["diff", "psycopg2", "asyncpg", "--from", str(file)]) == 0
    told = capsys.readouterr()
    title = told.out.partition("\n")[0]
    if terms:
        assert title == "# From psycopg2 0.0.1 to asyncpg 0.0.1"
        assert told.err == ""
    else:
        assert title == "# From psycopg2 to asyncpg"
        assert "does not say which version of asyncpg it was" in told.err
