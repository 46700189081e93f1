"""`check`: its verdicts, exit codes and forms, on each version of the server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import SMALL, check, pgdyno

from harness.results import store


@pytest.mark.usefixtures("borrowed", "miniatures")
@pytest.mark.parametrize(
    ("driver", "options", "more", "code"),
    [
        ("psycopg2", [], "", 0),
        ("one-short", [], "", 1),
        ("one-short", ["--fail-on", "broken"], "", 0),
        ("wrong-type", [], "", 0),
        ("wrong-type", ["--fail-on", "differs"], "", 1),
        ("segfaults", [], "", 1),
        ("psycopg2", [], 'needs = ["version>=99"]', 4),
        ("psycopg2", [], 'requires = ["pipeline"]', 0),
        ("missing-library", [], "", 4),
    ],
)
def test_the_exit_code_of_a_check(
    driver: str, options: list[str], more: str, code: int, file: Callable[..., Path]
) -> None:
    wanted = ("--driver", driver, "--profile", "default")
    ended = pgdyno("check", file(SMALL + more), *wanted, *options)
    assert ended.code == code, ended.said
    assert ended.out.endswith("\n")
    commands = [line for line in ended.out.splitlines() if "pgdyno " in line]
    assert max(len(line) for line in ended.out.splitlines() if line not in commands) <= 80
    assert f"exit {code}: " in ended.out.splitlines()[-1]
    if code == 4:
        assert "pgdyno: all skipped: " in ended.err


@pytest.mark.usefixtures("borrowed", "miniatures")
@pytest.mark.parametrize("form", ["text", "markdown", "junit"])
def test_every_form_tells_what_is_wrong(form: str, file: Callable[..., Path]) -> None:
    ended = pgdyno(
        "check", file(SMALL), "--driver", "one-short", "--format", form,
        "--profile", "default", *["--details"] * (form == "text"),
    )  # fmt: skip
    assert ended.code == 1
    assert "lossy" in ended.out
    assert "outside" in ended.out
    assert ended.out.endswith("\n")
    assert form == "markdown" or "4 rows instead of 5" in ended.out


# --- other versions of the server ---------------------------------------------------------


@pytest.mark.parametrize("server", ["wheel:16", "wheel:18"])
def test_the_everyday_families_on_each_version(server: str, tmp_path: Path) -> None:
    checks = check(
        "errors", "query", "transactions/commit", "fetch/rows#all@shape=wide,rows=1000",
        "--driver", "psycopg2", "--driver", "asyncpg", "--profile", "configured",
        "--server", server, "--out", tmp_path / "run.jsonl",
    )  # fmt: skip
    newer = {"query/grammar#json-table", "query/grammar#returning-old-new"}
    assert not [one for one in checks if one["verdict"] == "invalid"]
    skipped = {one["cell"] for one in checks if one["verdict"] == "skipped"}
    assert skipped == (newer if server == "wheel:16" else set())
    families = {one["scenario"].partition("/")[0] for one in checks}
    assert families == {"errors", "query", "transactions", "fetch"}
    run = store.read(tmp_path / "run.jsonl")
    assert run.header.server.version.startswith(server.removeprefix("wheel:"))
    assert len(run.checks) == len(checks)
