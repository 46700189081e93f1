"""File names of pages: plain ones stay, others are safe, and no two are alike."""

from __future__ import annotations

import itertools
import re

import pytest

from harness.site import names

SAFE = re.compile(r"[a-z0-9][a-z0-9._+!~-]*")
NASTY = (
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "",
    "A",
    "a",
    "Ａ",
    "con",
    "nul.txt",
    "a b",
    "a-b",
    "a/b",
    "a\\b",
    "a?b#c",
    "a%2fb",
    "<img src=x onerror=alert(1)>",
    "\x00\x1b[31m",
    "\u202egnp.exe",
    "\ud800",
    "n" * 3000,
    "n" * 3001,
    "x~0123456789abcdef",
)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (names.scenario("query/point"), "query-point"),
        (names.scenario("execute_many/in_rows"), "execute_many-in_rows"),
        (names.driver("asyncpg+uvloop"), "asyncpg+uvloop"),
        (names.version("psycopg-async", "3.3.9"), "psycopg-async-3.3.9"),
        (names.version("asyncpg", "0.33.0.dev0"), "asyncpg-0.33.0.dev0"),
        (names.run("029b4dd42c88cb61"), "029b4dd42c88cb61"),
    ],
)
def test_a_plain_name_is_kept(made, expected):
    assert made == expected


@pytest.mark.parametrize("of", [names.scenario, names.driver, names.run, names.cell])
def test_any_name_is_safe_and_unique(of):
    made = [of(name) for name in NASTY]
    assert len(set(map(str.lower, made))) == len(NASTY)
    assert all(SAFE.fullmatch(name) and len(name) <= 64 for name in made)


def test_versions_are_told_apart_wherever_the_hyphen_is():
    pairs = list(itertools.product((*NASTY, "a-1"), (*NASTY, "1", "1-1", "2.0")))
    made = [names.version(*pair) for pair in pairs]
    assert len(set(made)) == len(pairs)
    assert all(SAFE.fullmatch(name) for name in made)


def test_no_plain_name_can_be_that_of_another():
    """A digest stands behind a sign that no plain name has."""
    spelled = names.driver("Ａ")
    assert "~" in spelled
    assert names.driver(spelled) != spelled


@pytest.mark.parametrize("name", ["con", "nul", "com1", "aux.txt", "prn-1"])
def test_what_windows_takes_for_a_device_is_no_name(name):
    assert "~" in names.run(name)
