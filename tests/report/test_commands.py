"""Commands for readers: quoted for a shell, broken where it goes on."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.commands import command, kept_options, one_line, path_of

WORDS = st.lists(
    st.text(st.characters(codec="ascii", categories="LNPSZ"), min_size=1), min_size=1
)


@given(WORDS, st.integers(20, 120))
def test_a_shell_reads_the_words_again(words, width):
    joined = command(*words, width=width).replace(" \\\n", " ")
    assert shlex.split(joined) == words
    assert shlex.split(one_line(*words)) == words


def test_lines_fit_and_options_keep_their_values():
    words = ["pgdyno", "bench", *(f"scenario/case#{name}" for name in "abcdef")]
    words += ["--driver", "asyncpg==0.30.0", "--driver", "asyncpg==0.31.0"]
    lines = command(*words).splitlines()
    assert len(lines) > 1
    assert all(len(line) <= 80 for line in lines)
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert not any(line.rstrip(" \\").endswith("--driver") for line in lines)


def test_what_is_invisible_commands_no_terminal():
    assert one_line("a\x1b[2Jb\nc").isprintable()
    assert command("a\x1b[2Jb\nc").isprintable()


@pytest.mark.parametrize(
    ("called", "kept"),
    [
        (["bench", "--server", "wheel:16", "--seed", "1"], ["--server", "wheel:16"]),
        (["bench", "--server=wheel:16"], ["--server=wheel:16"]),
        (["bench", "--transport", "unix", "--profile", "default"],
         ["--transport", "unix", "--profile", "default"]),
        (["bench", "copy/in", "--driver", "asyncpg"], []),
        ([], []),
    ],
)  # fmt: skip
def test_what_another_run_needs_is_kept(called, kept):
    assert kept_options(called) == kept


@pytest.mark.parametrize(
    ("cell", "given_paths", "path"),
    [
        ("mine#rows@n=1", ["there/mine.toml"], "there/mine.toml#rows@n=1"),
        ("mine#rows", ["bench", "there/mine.toml#rows"], "there/mine.toml#rows"),
        ("copy/in#rows", ["there/mine.toml"], "copy/in#rows"),
        ("copy/in#rows", [], "copy/in#rows"),
    ],
)
def test_a_scenario_of_ones_own_is_named_by_its_file(cell, given_paths, path):
    assert path_of(cell, given_paths) == path
