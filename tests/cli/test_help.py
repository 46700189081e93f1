"""Help, lists and what they load."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from commands import pgdyno

from harness.cli import main


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The whole command and each verb."""
    parser = main.build_parser()
    (verbs,) = [
        one for one in parser._actions if isinstance(one, argparse._SubParsersAction)
    ]
    return {"": parser, **verbs.choices}


@pytest.mark.parametrize("verb", ["", *main.VERBS])
def test_help_fits_and_names_every_option(verb: str) -> None:
    ended = pgdyno(*filter(None, [verb]), "--help", env=os.environ | {"COLUMNS": "80"})
    assert (ended.code, ended.err) == (0, "")
    assert max(map(len, ended.out.splitlines())) <= 80
    shown = [
        action for action in parsers()[verb]._actions if action.help != argparse.SUPPRESS
    ]  # what only says where something went is not shown
    for action in shown:
        for name in action.option_strings or [action.metavar or ""]:
            assert name in ended.out
        assert action.help != ""
    assert all(one in ended.out for one in (main.VERBS if not verb else ()))


def test_without_a_verb_the_help_is_shown() -> None:
    assert pgdyno().out == pgdyno("--help").out
    assert pgdyno("--version").out.startswith("pgdyno 0.")


LISTS = ("scenarios", "cases", "drivers")  # a server kind connects by psycopg
HEAVY = ("psycopg", "psycopg2", "asyncpg", "psqlpy", "uvloop", "matplotlib", "numpy")


def test_lists_and_help_load_neither_drivers_nor_charts() -> None:
    code = f"""
import sys
from harness.cli.main import main
for arguments in {[["list", one] for one in LISTS]}:
    assert main(arguments) == 0
try:
    main(["--help"])
except SystemExit as ended:
    assert not ended.code
print("loaded:", *(one for one in {HEAVY} if one in sys.modules))
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded:"


def test_a_list_says_what_the_profile_configured_registers() -> None:
    lines = pgdyno("list", "profiles").out.splitlines()
    assert max(map(len, lines)) <= 80
    said = " ".join(" ".join(lines).split())
    assert "`register_adapter(dict, Json)`; uuid is `uuid.UUID`: `register_uuid`" in said
    assert "psqlpy nothing" in said


@pytest.mark.parametrize("what", LISTS)
def test_lists_are_for_people_and_for_programs(what: str) -> None:
    rows = json.loads(pgdyno("list", what, "--format", "json").out)
    lines = pgdyno("list", what).out.splitlines()
    assert len(rows) == len(lines) > 3
    assert max(map(len, lines)) <= 80
    assert len({tuple(one) for one in rows}) == 1  # all rows have the same keys
    first = [next(iter(one.values())) for one in rows]
    assert len(set(first)) == len(first)
    for name, line in zip(first, lines, strict=True):
        assert line.startswith(name[:80])


def test_drivers_are_listed_with_their_libraries() -> None:
    ended = pgdyno("list", "drivers")
    lines = {line.split()[0]: line.split() for line in ended.out.splitlines()}
    version = metadata.version
    assert lines["asyncpg"] == ["asyncpg", "*", "asyncpg", version("asyncpg")]
    assert lines["psycopg-async"][1:] == ["*", "psycopg", version("psycopg")]
    assert "*" not in lines["sqlspec-asyncpg"]
    assert "when they are named: --driver NAME" in ended.err
    rows = json.loads(pgdyno("list", "drivers", "--format", "json").out)
    (row,) = (row for row in rows if row["driver"] == "sqlspec-asyncpg")
    assert row["asked"] == "when named"
    assert row["install"] == "pip install 'pgdyno[sqlspec-asyncpg]'"


def test_a_driver_without_its_library_says_what_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\nProvides-Extra: bare\n"
        "Requires-Dist: pgdyno\nRequires-Dist: psycopg2-of-nobody>=3\n"
        "Requires-Dist: pytest>=999; extra == 'bare'\n"
    )
    (info / "entry_points.txt").write_text(
        "[pgdyno.further]\nbare = nowhere:Bare\nother = nowhere:Other\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main.main(["list", "drivers"]) == 0
    told = capsys.readouterr()
    (bare,) = (line for line in told.out.splitlines() if line.startswith("bare "))
    old = metadata.version("pytest")
    assert bare.split(maxsplit=1)[1] == f"lacks pytest>=999 ({old} is installed)"
    (other,) = (line for line in told.out.splitlines() if line.startswith("other "))
    assert other.split(maxsplit=1)[1] == "lacks psycopg2-of-nobody>=3"
    assert "to install what one lacks: pip install 'mine[NAME]'" in told.err
    assert "to install what one lacks: pip install 'mine'" in told.err


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m harness list cases | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
