"""Inputs that were once answered wrongly: each file of `cases/` has its right outcome here.

A file is played whole, by every driver that the table names, on real connections. To add
one: put `NAME.toml` into `cases/`, and either what is right into `RIGHT`, or what is said
when it is loaded into `REFUSED`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers import checked

from harness import scenario, servers
from harness.check.checker import Checker
from harness.cli import main
from harness.core.arms import PROFILES, Arm
from harness.core.errors import EXIT_INCONCLUSIVE, EXIT_PASS, ScenarioError
from harness.results.records import Check
from harness.venue import venue

CASES = Path(__file__).parent / "cases"

Key = tuple[str, str, str]
"""A case of a file, a driver, and a profile."""

Checks = dict[tuple[str, Key], Check]
"""What was found, by file and key."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is right: a verdict, words of its detail, and what was observed."""

    verdict: str
    words: str = ""
    observed: str | None = None


def everywhere(case: str, verdict: str, words: str, drivers: str) -> dict[Key, Outcome]:
    """The same of several drivers, in the profile in which steps are played."""
    return {
        (case, driver, "default"): Outcome(verdict, words) for driver in drivers.split()
    }


def both(case: str, driver: str, verdict: str, words: str = "") -> dict[Key, Outcome]:
    """The same in both profiles of a driver."""
    return {(case, driver, one): Outcome(verdict, words) for one in PROFILES}


def a_connection(driver: str, kind: str, text: str) -> dict[Key, Outcome]:
    """A trait that is a connection: its class, and nothing of where it leads."""
    shown = f"a connection: {kind}: <{text} object>"
    return {("obj", driver, "default"): Outcome("exact", shown, shown)}


ALL = "psycopg psycopg-async psycopg2 asyncpg psqlpy"
GROWS = "step 6, main.fetch_val: memory grew by 6"
WRITTEN = "the same value, written otherwise than"
BYTES = "step 4, a.fetch_val: bytes: b'abc' instead of str: 'abc'"
NOT_FOUND = "vector is not in the search path"
NOT_A_TUPLE = "column p: str instead of tuple"
NO_ARRAY_OF_DOMAIN = "column v: str instead of list"
TWICE = "a timed op runs more than once between two resets"

RIGHT: dict[str, dict[Key, Outcome]] = {
    "sql-ascii": {
        **everywhere("ascii", "differs", BYTES, "psycopg psycopg-async"),
        **everywhere("ascii", "exact", "", "psycopg2 asyncpg psqlpy"),
    },
    "sql-ascii-client": {
        **both("text", "psycopg", "differs", "column v: bytes instead of str"),
        **both("text", "psycopg-async", "differs", "column v: bytes instead of str"),
        **both("text", "psycopg2", "exact"),
    },
    "notify-backlog": {
        **everywhere("memory", "broken", GROWS, "psycopg psycopg-async psycopg2"),
        **everywhere("memory", "exact", "", "asyncpg"),
        **everywhere("memory", "unsupported", "cannot listen", "psqlpy"),
    },
    "memory-of-a-join": everywhere(
        "join", "broken", "join rows: memory grew by", "psycopg psycopg2 asyncpg"
    ),
    "composite-altered": {
        **both("add-attribute", "psycopg", "differs", NOT_A_TUPLE),
        **both("add-attribute", "psycopg-async", "differs", NOT_A_TUPLE),
        **both("add-attribute", "psycopg2", "differs", NOT_A_TUPLE),
        **both("add-attribute", "asyncpg", "rejected", "OutdatedSchemaCacheError"),
        **both("add-attribute", "psqlpy", "rejected", "invalid field count: 3 vs 2"),
    },
    "within": everywhere(
        "sleeper", "hung", "step 2, the sleeper: still running after 1,000 ms", ALL
    ),
    "trait-object": {
        **a_connection("psycopg", "Connection", "psycopg.Connection"),
        **a_connection("psycopg-async", "AsyncConnection", "psycopg.AsyncConnection"),
        **a_connection("psycopg2", "connection", "psycopg2.extensions.connection"),
        **a_connection("asyncpg", "Connection", "asyncpg.connection.Connection"),
        **a_connection("psqlpy", "Connection", "builtins.Connection"),
    },
    "vector-schema": {
        ("read", "psycopg", "default"): Outcome("differs", "str instead of list"),
        ("read", "psycopg", "configured"): Outcome("skipped", NOT_FOUND),
        ("read", "psycopg-async", "configured"): Outcome("skipped", NOT_FOUND),
        ("read", "psycopg2", "configured"): Outcome("skipped", NOT_FOUND),
        ("read", "asyncpg", "configured"): Outcome("exact"),
        ("read", "psqlpy", "configured"): Outcome("exact"),
    },
    "numeric-form": {
        **both("read@value=10000", "asyncpg", "differs", WRITTEN),
        **both("array-read@value=10000", "asyncpg", "differs", WRITTEN),
        **both("read@value=1.10", "asyncpg", "exact"),
        **both("write@value=10000", "asyncpg", "exact"),
        **both("read@value=10000", "psycopg", "exact"),
        **both("read@value=10000", "psycopg2", "exact"),
        **both("read@value=10000", "psqlpy", "exact"),
        **both("array-read@value=10000", "psycopg", "exact"),
    },
    "domain-over-array": {
        **both("prices-array-null@value=v1", "asyncpg", "exact"),
        **both("positive-array-null@value=7", "asyncpg", "exact"),
        **both("prices-array-null@value=v1", "psycopg", "differs", NO_ARRAY_OF_DOMAIN),
        **both("positive-array-null@value=7", "psycopg", "differs", NO_ARRAY_OF_DOMAIN),
        **both("positive-array-null@value=7", "psycopg2", "differs", NO_ARRAY_OF_DOMAIN),
        **both("positive-copy@value=7", "asyncpg", "exact"),
        **both("prices-read@value=v1", "psycopg", "exact"),
    },
    "float32": {
        ("array", "psycopg", "default"): Outcome("rejected", "cannot adapt"),
        ("array", "psycopg", "configured"): Outcome("exact"),
        ("array", "psycopg2", "default"): Outcome("rejected", "can't adapt"),
        ("array", "psycopg2", "configured"): Outcome("rejected", "malformed array"),
    },
    "returning": everywhere(
        "skip-first", "unsupported", "has no `insert_returning`", "asyncpg psycopg2"
    ),
    "key": everywhere("insert", "invalid", TWICE, ALL),
    "names-setting": everywhere(
        "setting", "invalid", "the server has no setting `timezon`", ALL
    ),
}
"""File → what is right of its cells."""

REFUSED: dict[str, str] = {
    "args-and-state": "the server cannot be given args",
    "names": "case 'session', step 2: nothing is called 'mian'",
    "names-parent": "case 'parent', step 1: nothing is called 'contrl'",
    "names-pool": "case 'pool', step 2: nothing is called 'poool'",
}
"""File → words of the error when it is loaded."""

SHOWN: dict[Key, int] = {
    ("sql-ascii", "psycopg", "default"): EXIT_PASS,
    ("notify-backlog", "psycopg2", "default"): EXIT_PASS,
    ("within", "psycopg2", "default"): EXIT_PASS,
    ("within", "asyncpg", "default"): EXIT_PASS,
    ("composite-altered", "psycopg", "default"): EXIT_PASS,
    ("vector-schema", "asyncpg", "configured"): EXIT_PASS,
    ("vector-schema", "psycopg", "configured"): EXIT_INCONCLUSIVE,  # skipped: no script
    ("float32", "psycopg", "configured"): EXIT_PASS,
    ("float32", "psycopg2", "configured"): EXIT_PASS,
}
"""File, driver, profile → how `pgdyno show --run` ends: a script shows what a check saw."""

OWN_SERVER = {"sql-ascii", "vector-schema"}
"""What these do to a server (a database, an extension that moves) others must not meet."""


BY_ITSELF = {"memory-of-a-join", "notify-backlog", "within"}
"""Here it matters what a worker has done before, or it is ended in the middle."""


def arms(names: Iterable[str]) -> list[Arm]:
    """The drivers of the tables of some files, in every profile that they name.

    A case that is played once is played in the profile that comes first.
    """
    wanted = {(driver, profile) for name in names for _, driver, profile in RIGHT[name]}
    return [
        Arm(driver, profile=profile)
        for profile in PROFILES
        for driver in ALL.split()
        if (driver, profile) in wanted
    ]


@contextlib.contextmanager
def server_of(name: str, shared: venue.Venue) -> Iterator[venue.Venue]:
    """The server on which a file is played."""
    if name not in OWN_SERVER:
        yield shared
        return
    with venue.opened(servers.parse("wheel", max_connections=50)) as own:
        yield own


def played(names: Sequence[str], place: venue.Venue, folder: Path) -> Checks:
    """What some files, played whole, brought: each check by file and key."""
    found: Checks = {}

    def keep(check: Check) -> None:
        found[check.scenario, (check.case, check.driver, check.profile)] = check

    cells = [cell for name in names for cell in scenario.load(CASES / f"{name}.toml").cells]
    Checker(place.stage, arms(names), folder, keep).run(cells)
    return found


@pytest.fixture(scope="module")
def together(place: venue.Venue, tmp_path_factory: pytest.TempPathFactory) -> Checks:
    """Most files, by the same workers: to start them takes longer than all the cells."""
    names = sorted(RIGHT.keys() - OWN_SERVER - BY_ITSELF)
    return played(names, place, tmp_path_factory.mktemp("together"))


def is_right(check: Check, right: Outcome) -> bool:
    """Whether a check is what the table says."""
    seen = right.observed is None or check.observed == right.observed
    return check.verdict == right.verdict and right.words in check.detail and seen


@pytest.mark.parametrize("name", RIGHT)
def test_an_input_is_answered_rightly(
    name: str, place: venue.Venue, tmp_path: Path, together: Checks
) -> None:
    found = together
    if name in OWN_SERVER | BY_ITSELF:
        with server_of(name, place) as its_own:
            found = played([name], its_own, tmp_path)
    wrong = {
        key: (check.verdict, check.detail, check.observed)
        for key, right in RIGHT[name].items()
        if not is_right(check := found[name, key], right)
    }
    assert not wrong


@pytest.mark.parametrize("shown", SHOWN, ids="-".join)
def test_a_reproduction_shows_it(shown: Key, dsn: str) -> None:
    name, driver, profile = shown
    cell = str(CASES / f"{name}.toml")
    server = "wheel" if name in OWN_SERVER else dsn
    asked = ["show", cell, "--driver", driver, "--profile", profile, "--server", server]
    assert main.main([*asked, "--run"]) == SHOWN[shown]


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_is_refused_with_a_reason(name: str) -> None:
    with pytest.raises(ScenarioError, match=REFUSED[name]):
        scenario.load(CASES / f"{name}.toml")


@pytest.mark.parametrize("driver", ["psycopg", "psycopg-async", "psycopg2", "asyncpg"])
def test_vectors_are_not_configured_without_their_package(
    driver: str, place: venue.Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile that lacks a registration is skipped where that matters, only there."""
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['pgvector'] = None")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    file = tmp_path / "vectors.toml"
    file.write_text(VECTORS)
    arm = [Arm(driver, profile="configured")]
    found = checked(place, tmp_path, scenario.load(file).cells, arm)
    verdicts = {check.case: (check.verdict, check.detail) for check in found}
    missing = ("skipped", "the Python package pgvector is not installed")
    assert verdicts["vector"] == verdicts["array"] == verdicts["sent"] == missing
    assert verdicts["number"] == ("exact", "")


VECTORS = """
schema = 1
[[case]]
name = "vector"
op = "fetch_val"
sql = "select '[1,2]'::vector as v"
[[case]]
name = "array"
op = "fetch_val"
sql = "select array['[1,2]'::vector] as v"
[[case]]
name = "sent"
op = "execute"
sql = "select $1::text"
params = "select '[1,2]'::vector"
expect.trait = true
[[case]]
name = "number"
op = "fetch_val"
sql = "select 1 as v"
"""


def test_every_file_has_a_right_outcome() -> None:
    files = {path.stem for path in CASES.glob("*.toml")}
    assert files == RIGHT.keys() | REFUSED.keys()
    assert files >= OWN_SERVER
