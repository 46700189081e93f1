"""Files of claims: what they may say, and what an author is told of a slip."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from harness.claims import form, reading
from harness.core.errors import EXIT_USAGE, ClaimError

ROOT = Path(__file__).parent.parent.parent
FILE = """\
schema = 1
id = "P2"
title = "A document"
date = "2026"
about = "Something to read."
[[claim]]
id = "P2-01"
claim = "It has a thing."
[[claim.decide]]
by = "inspect"
driver = "psycopg2"
path = "psycopg2.extras:Thing.method"
expect.exists = true
[[claim.decide]]
by = "compare"
cell = "query/point#fetch-one"
arms = ["asyncpg", "psqlpy"]
ratio = { between = [1.1, 1.2] }
[[claim.decide]]
by = "program"
driver = "psycopg2"
python = "answer = await_me = 1"
expect.equals = 1
"""


def read(folder: Path, text: str) -> form.ClaimSource:
    file = folder / "p2.toml"
    file.write_text(text, "utf-8")
    return reading.load(file)


def test_a_file_is_read(tmp_path):
    (claim,) = read(tmp_path, FILE).claim
    assert [type(condition).__struct_config__.tag for condition in claim.decide] == [
        "inspect",
        "compare",
        "program",
    ]
    assert claim.decide[1].ratio.holds(1.12, 1.19) is True
    assert claim.decide[1].ratio.holds(1.12, 1.3) is None
    assert claim.decide[1].ratio.holds(1.3, 1.4) is False


@pytest.mark.parametrize(
    ("right", "wrong", "told", "hint"),
    [
        ('"inspect"', '"inspct"', "condition 1: there is no way called", "`inspect`"),
        ('by = "inspect"\n', "", "condition 1: `by` is missing", "cell, count"),
        ("ratio =", "ratoi =", "condition 2: there is no key `ratoi`", "`ratio`"),
        ("[1.1, 1.2]", "[1.2, 1.1]", "`ratio.between` has other than", "1.1, 1.15"),
        ("between = [1.1, 1.2]", "", "`ratio` must say one thing", "at_least"),
        (".exists = true", ".exist = true", "expect: there is no key `exist`", "exists"),
        ("expect.exists = true", "expect = {}", "`expect` is empty", "expect.equals"),
        ('"asyncpg", "psqlpy"', '"asyncpg"', "what is compared with what", "A ÷"),
        ('["asyncpg"', '["asyncpg=1"', "is not an arm", "==VERSION"),
        ('id = "P2-01"', 'id = "X2-01"', "does not begin with P2-", ""),
        ('id = "P2-01"', 'id = "P2-1x"', "cannot stand here", "P2-04"),
        ('id = "P2"\n', 'id = "p2"\n', "id: 'p2' cannot stand here", "capitals"),
        ("schema = 1", "schema = 2", "schema: 2 cannot stand here", "schema = 1"),
        ('claim = "It has a thing."', "claim = 3", "claim: 3 cannot stand", "text"),
        ("await_me = 1", "1 +", "`python` is no Python", "answer"),
        ("psycopg2.extras:", "psycopg2-extras:", "is no path", "module.inner:"),
    ],
)
def test_a_slip_is_told_with_file_claim_and_key(tmp_path, right, wrong, told, hint):
    assert right in FILE
    with pytest.raises(ClaimError, match=re.escape(told)) as caught:
        read(tmp_path, FILE.replace(right, wrong, 1))
    assert "p2.toml" in str(caught.value)
    assert hint in caught.value.hint
    assert caught.value.exit_code == EXIT_USAGE


def test_a_claim_says_how_it_is_decided_and_has_an_id_of_its_own(tmp_path):
    bare, _, decided = FILE.partition("[[claim.decide]]")
    with pytest.raises(ClaimError, match="`decide` is missing"):
        read(tmp_path, bare)
    claim = "[[claim]]" + bare.partition("[[claim]]")[2]
    with pytest.raises(ClaimError, match="two of this id"):
        read(tmp_path, f"{FILE}{claim}[[claim.decide]]{decided}")


def test_a_verdict_that_there_is_not(tmp_path):
    cell = '\nby = "cell"\ncell = "a/b#c"\ndriver = "psqlpy"\nverdict = "exat"\n'
    with pytest.raises(ClaimError, match="no verdict 'exat'") as caught:
        read(tmp_path, f"{FILE}[[claim.decide]]{cell}")
    assert "exact" in caught.value.hint


def test_a_pattern_of_drivers_means_each_of_them(tmp_path):
    cell = (
        '\nby = "cell"\ncell = "a/b#c"\ndriver = ["sqlspec-psycopg*", "psqlpy", "no-*"]\n'
    )
    (claim,) = read(tmp_path, f"{FILE}[[claim.decide]]{cell}").claim
    assert claim.decide[-1].driver == [
        "sqlspec-psycopg",
        "sqlspec-psycopg-async",
        "psqlpy",
        "no-*",
    ]


def test_every_key_is_in_the_document():
    page = (ROOT / "docs" / "claims.md").read_text("utf-8")
    tables = [kind for kind in vars(form).values() if isinstance(kind, type)]
    structs = [kind for kind in tables if issubclass(kind, msgspec.Struct)]
    keys = {
        field.encode_name
        for kind in structs
        if kind not in (form.ClaimCondition,) and not kind.__name__.startswith("_")
        for field in msgspec.structs.fields(kind)
    }
    assert len(keys) > 30
    assert not [key for key in keys if not re.search(rf"\b{key}\b", page)]
    assert not [way for way in reading.WAYS if f'by = "{way}"' not in page]
