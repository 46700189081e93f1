"""`show` takes what `check` printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import ONE, SMALL, pgdyno

TWO = ONE + '[[case]]\nname = "two"\nop = "fetch_val"\nsql = "select 2"\n'


@pytest.mark.usefixtures("borrowed", "miniatures")
def test_show_takes_the_id_and_the_command_that_check_printed(
    file: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    file(SMALL, "deep/er/mine.toml")
    ended = pgdyno("check", "deep/er/mine.toml", "--driver", "one-short", cwd=tmp_path)
    assert "mine#rows: " in ended.out
    (command,) = [line.split() for line in ended.out.splitlines() if "pgdyno show" in line]
    assert command[2:] == ["deep/er/mine.toml#rows", "--driver", "one-short", "--run"]
    for cell in (command[2], "mine#rows", "mine"):
        shown = pgdyno("show", cell, "--driver", "one-short", cwd=tmp_path)
        assert shown.code == 0, shown.said
        assert "mine#rows" in shown.out


def test_show_names_a_form_that_works(file: Callable[..., Path], tmp_path: Path) -> None:
    file(TWO, "mine.toml")
    ended = pgdyno("show", "mine", "--driver", "psycopg", cwd=tmp_path)
    assert ended.code == 2
    assert "mine names 2 cells" in ended.err
    assert "name one: mine.toml#one, mine.toml#two" in ended.err
    ended = pgdyno("show", "yours#one", "--driver", "psycopg", cwd=tmp_path)
    assert "a file of your own is named by its path: pgdyno show PATH/yours.toml#one" in (
        ended.err
    )
    (tmp_path / "other").mkdir()
    file(TWO, "other/mine.toml")
    ended = pgdyno("show", "mine#one", "--driver", "psycopg", cwd=tmp_path)
    assert ended.code == 2
    assert "several files are called mine.toml: mine.toml, other/mine.toml" in ended.err


STEPS = """
schema = 1
title = "T"
why = "W"

[[case]]
name = "unread"
[[case.step]]
op = "fetch_val"
sql = "selec"
expect.trait = true

[[case]]
name = "silent"
op = "fetch_val"
sql = "select 41 + 1"
expect.rejected = true
"""


@pytest.mark.usefixtures("borrowed")
def test_show_tells_the_message_of_an_exception_that_is_a_trait(
    file: Callable[..., Path],
) -> None:
    shown = pgdyno("show", f"{file(STEPS)}#unread", "--driver", "psycopg2")
    assert shown.code == 0, shown.said
    assert "step 1     raised psycopg2.errors.SyntaxError" in shown.out
    assert 'syntax error at or near "selec"' in shown.out


@pytest.mark.usefixtures("borrowed")
def test_no_error_tells_the_value_that_came(file: Callable[..., Path]) -> None:
    ended = pgdyno("check", f"{file(STEPS)}#silent", "--driver", "psycopg2")
    assert ended.code == 1
    assert "42" in ended.out
    assert "no error where one is due, but 42" in " ".join(ended.out.split())


MIXED = """
schema = 1
title = "T"
[[case]]
name = "document"
op = "fetch_val"
sql = "select jsonb_build_object('a', 1) as document"
[[case]]
name = "number"
op = "fetch_val"
sql = "select 1 as number"
[[mix]]
name = "both"
weights = { document = 1, number = 3 }
turns = 4
"""


@pytest.mark.usefixtures("borrowed")
def test_show_says_what_became_of_each_task_of_a_mix(
    file: Callable[..., Path], tmp_path: Path
) -> None:
    file(MIXED, "mine.toml")
    ended = pgdyno("show", "mine.toml#both", "--driver", "asyncpg", cwd=tmp_path)
    assert ended.code == 0, ended.said
    assert "document: differs, weight 1, 1 of 4 turns" in ended.out
    assert "number: exact, weight 3, 3 of 4 turns" in ended.out
    assert "document: column document: str instead of decoded JSON" in ended.out
    assert "pgdyno show 'mine#number' --driver asyncpg" in ended.out
