"""A slip on the command line is one sentence and a hint."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import pgdyno

USAGE = {
    "scenario": (["check", "query/poitn"], "'query/poitn' is not a scen", "query/point"),
    "family": (["bench", "qeury"], "'qeury' is not a scenario, a", "did you mean query"),
    "far from any": (["check", "§§§"], "'§§§' is not a scenario", "pgdyno list scenarios"),
    "empty": (["check", ""], "'' is not a scenario", "pgdyno list scenarios"),
    "case": (["bench", "query/point#nope"], "no case is called query/point#nope", "list"),
    "file": (["check", "no/such.toml"], "no/such.toml: there is no such file", ""),
    "driver": (["check", "--driver", "asyncgp"], "no driver 'asyncgp'", "asyncpg"),
    "driver of bench": (["bench", "--driver", ""], "'' is not an arm", "the form is NAME"),
    "option": (
        ["check", "query", "--driver", "psycopg2+turbo"],
        "driver 'psycopg2' has no option 'turbo'",
        "it has:",
    ),
    "a reference": (
        ["check", "--driver", "pgbench"],
        "'pgbench' is a reference, not a driver",
        "pgdyno bench adds it by itself",
    ),
    "option of bench": (
        ["bench", "query", "--driver", "asyncpg+turbo"],
        "driver 'asyncpg' has no option 'turbo'",
        "uvloop",
    ),
    "server": (["check", "--server", "oracle:19"], "no server kind 'oracle'", "wheel"),
    "nothing to time": (["bench", "errors"], "nothing in errors can be", "case.bench"),
}  # fmt: skip


@pytest.mark.parametrize("name", USAGE)
def test_a_slip_is_one_sentence_and_a_hint(name: str, tmp_path: Path) -> None:
    arguments, words, hint = USAGE[name]
    ended = pgdyno(*arguments, cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err
    assert hint in ended.err
    assert ("hint: " in ended.err) == bool(hint)
    assert len(ended.err.splitlines()) <= 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        (["bench", "--effort", "heroic"], "invalid choice: 'heroic'"),
        (["bench", "--seed", "x"], "invalid int value: 'x'"),
        (["check", "--format", "xml"], "invalid choice: 'xml'"),
        (["check", "--fail-on", "exact"], "invalid choice: 'exact'"),
        (["check", "--transport", "pigeon"], "invalid choice: 'pigeon'"),
        (["compare", "a", "b", "--threshold", "300%"], "must lie between 0 and 100 %"),
        (["report"], "required: RUN"),
        (["report", "x", "--format", "pdf"], "no format 'pdf'"),
        (["list", "wishes"], "invalid choice: 'wishes'"),
        (["check", "--no-such-option"], "unrecognized arguments"),
    ],
)
def test_argparse_says_the_rest(arguments: list[str], words: str) -> None:
    ended = pgdyno(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err
    assert ended.err.startswith("usage: pgdyno")


def test_a_version_that_the_wheel_does_not_hold() -> None:
    ended = pgdyno("check", "query/point", "--server", "wheel:9")
    assert ended.code == 5
    assert "the wheel holds no PostgreSQL '9'" in ended.err
    assert "wheel:18" in ended.err
