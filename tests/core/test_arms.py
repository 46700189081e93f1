"""What a user may type for an arm, and what is said of anything else."""

from __future__ import annotations

import pytest

from harness.core.arms import Arm, Pin, driver_of, parse, pinned
from harness.core.errors import DriverError

ARMS = [
    ("asyncpg", "asyncpg", (), Pin()),
    ("asyncpg+uvloop", "asyncpg", ("uvloop",), Pin()),
    ("asyncpg==0.30.0", "asyncpg", (), Pin(version="0.30.0")),
    ("psycopg+binary==3.2.9%3.12", "psycopg", ("binary",), Pin("3.2.9", python="3.12")),
    ("psqlpy==0.12.0rc1", "psqlpy", (), Pin(version="0.12.0rc1")),
    ("asyncpg%3.13", "asyncpg", (), Pin(python="3.13")),
    ("asyncpg%3.14t", "asyncpg", (), Pin(python="3.14t")),
    ("psycopg%/usr/bin/python3", "psycopg", (), Pin(python="/usr/bin/python3")),
    ("psycopg@../checkout", "psycopg", (), Pin(path="../checkout")),
    ("psycopg@../clone#v3.2-rc", "psycopg", (), Pin(path="../clone", revision="v3.2-rc")),
    ("psycopg@a+b==c#HEAD~2%3.11", "psycopg", (), Pin("", "a+b==c", "HEAD~2", "3.11")),
]


@pytest.mark.parametrize(("text", "driver", "options", "pin"), ARMS)
def test_an_arm_is_what_was_typed(text, driver, options, pin):
    arm = parse(text)
    assert (arm.driver, arm.options, arm.pin) == (driver, options, pin)
    assert arm.id == arm.name == text
    assert bool(arm.pin) == (text != arm.unpinned)
    assert driver_of(text) == driver


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (" asyncpg == V0.30.0 ", "asyncpg==0.30.0"),
        ("psycopg@../checkout/", "psycopg@../checkout"),
        ("psycopg@./clone/.#main", "psycopg@clone#main"),
        ("asyncpg%python3.13", "asyncpg%3.13"),
        ("asyncpg%./python", "asyncpg%./python"),
        ("asyncpg%.//bin/python", "asyncpg%bin/python"),
    ],
)
def test_a_name_is_normalised(text, name):
    assert parse(text).name == name


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a name is missing"),
        ("==0.30.0", "a name is missing"),
        ("asyncpg+", "a name is missing"),
        ("asyncpg==", "'' is not a version"),
        ("asyncpg==new", "'new' is not a version"),
        ("asyncpg==0.30.0@../x", "is not a version"),
        ("asyncpg==0.30.0+uvloop", "options stand before the version"),
        ("asyncpg=0.30.0", "an arm is one version"),
        ("asyncpg>=0.30", "an arm is one version"),
        ("asyncpg@", "a folder or a revision is missing"),
        ("asyncpg@../x#", "a folder or a revision is missing"),
        ("asyncpg@#main", "a folder or a revision is missing"),
        ("asyncpg#main", "a revision needs the folder of its clone"),
        ("asyncpg@git+https://example.org/x", "clone it first"),
        ("asyncpg%", "'' is no interpreter"),
        ("asyncpg%latest", "'latest' is no interpreter"),
        ("asyncpg==0.30.0%2.7", "'2.7' is no interpreter"),
    ],
)
def test_another_form_is_one_clear_error(text, why):
    with pytest.raises(DriverError) as error:
        parse(text)
    assert why in str(error.value)
    assert f"'{text}'" in str(error.value)
    assert "NAME[+option…]" in error.value.hint


def test_copies_of_an_arm_keep_its_pin():
    pin = Pin(version="0.30.0")
    assert Arm("asyncpg", copy=1, pin=pin).id == "asyncpg==0.30.0 (A/A)"
    assert Arm("asyncpg", pin=pin) != Arm("asyncpg")


@pytest.mark.parametrize("text", ["a@b#c\nd", "a@\x1b[31m", "a@\u202eb", "a@\udcff", "\na"])
def test_an_arm_is_a_line_of_visible_text(text: str) -> None:
    with pytest.raises(DriverError, match="not visible") as error:
        parse(text)
    assert str(error.value).isprintable()


def test_no_password_of_an_address_is_repeated() -> None:
    with pytest.raises(DriverError, match="clone it first") as error:
        parse("asyncpg@https://me:secret@example.org/x")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("name", ["a==1", "a+b@c", "a@c#d", "a%3.13"])
def test_what_is_pinned(name: str) -> None:
    assert pinned(name)
    assert not pinned("a+b (A/A)")
