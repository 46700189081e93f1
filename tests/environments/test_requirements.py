"""What an arm needs stands in the metadata of its plug-in's distribution."""

from __future__ import annotations

from importlib import metadata

import pytest

from harness.core.arms import parse
from harness.environments.interpreters import Interpreter
from harness.environments.requirements import needs_of
from harness.plugin import contract

PYTHON = Interpreter("python", "CPython", "3.12.1", "", False, "python")


def first(text: str, folder: str = "") -> tuple[str, ...]:
    """What is tried first for an arm."""
    needs = needs_of(parse(text), PYTHON, folder)
    return next(iter(needs.attempts(source=bool(folder)))).requirements


@pytest.mark.parametrize(
    ("arm", "library"),
    [
        ("asyncpg==0.30.0", "asyncpg==0.30.0"),
        ("psycopg+binary==3.2.9", "psycopg[binary,pool]==3.2.9"),
        ("psycopg-async==3.1.20", "psycopg[binary,pool]==3.1.20"),
        ("psycopg2==2.9.9", "psycopg2-binary==2.9.9"),
        ("psqlpy%3.12", "psqlpy>=0.11"),
    ],
)
def test_the_library_is_that_of_the_drivers_extra(arm, library):
    assert first(arm)[0] == library


@pytest.mark.parametrize(
    ("arm", "library"),
    [
        ("sqlspec-asyncpg==0.69.0", "sqlspec==0.69.0"),
        ("sqlspec-psycopg-async==0.69.0", "sqlspec==0.69.0"),
        ("sqlalchemy-core-asyncpg==2.0.40", "sqlalchemy[asyncio]==2.0.40"),
        ("django-psycopg==5.2", "django==5.2"),
        ("django-psycopg2==5.2", "django==5.2"),
        ("aiopg==1.4.0", "aiopg==1.4.0"),
        ("adbc==1.5.0", "adbc-driver-postgresql==1.5.0"),
        ("pyro-async==0.3.1", "pyro-postgres==0.3.1"),
    ],
)
def test_the_library_of_a_layer_is_the_layer_not_what_it_stands_on(
    arm, library, monkeypatch
):
    ours = metadata.distribution("pgdyno")
    monkeypatch.setattr(contract, "distribution", lambda _: ours)
    assert first(arm)[0] == library


def test_what_a_layer_stands_on_comes_along():
    assert any(text.startswith("asyncpg") for text in first("sqlspec-asyncpg==0.69.0"))


def test_what_all_drivers_use_comes_along():
    names = {text.partition(">")[0] for text in first("asyncpg==0.30.0")[1:]}
    assert names == {"numpy", "pgpq", "pgvector", "pyarrow"}


def test_an_option_brings_its_extra():
    assert "uvloop>=0.21" in first("asyncpg+uvloop==0.30.0")
    assert "uvloop>=0.21" not in first("asyncpg==0.30.0")


def test_what_is_beside_may_be_left_out():
    with_all, alone = needs_of(parse("asyncpg==0.30.0"), PYTHON).attempts(source=False)
    assert alone.requirements == ("asyncpg==0.30.0",)
    assert set(alone.lacking) == set(with_all.requirements) - set(alone.requirements)


def test_a_source_is_tried_with_fewer_and_fewer_extras():
    needs = needs_of(parse("psycopg@../clone"), PYTHON, "./source")
    tried = [attempt.requirements[0] for attempt in needs.attempts(source=True)]
    assert tried == [
        "./source[binary,pool]", "./source[binary,pool]", "./source[binary]",
        "./source[pool]", "./source",
    ]  # fmt: skip


def test_a_plugin_from_outside_needs_what_its_distribution_requires(plugin):
    assert first("tiny==1.0") == ("tiny-library[binary]==1.0",)
