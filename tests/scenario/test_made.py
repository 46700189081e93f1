"""Values that only constructors make: what they are, and code that makes them again."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import ScenarioError
from harness.scenario.made import check_made
from harness.values.constructors import CONSTRUCTORS, check_spec, construct
from harness.values.source import literal

MADE = {
    "int64": ({"py": "numpy", "type": "int64", "value": 2**53 + 1}, np.int64(2**53 + 1)),
    "float32": ({"py": "numpy", "type": "float32", "value": 0.1}, np.float32(0.1)),
    "nan": ({"py": "numpy", "type": "float64", "value": "nan"}, np.float64("nan")),
    "bool": ({"py": "numpy", "type": "bool_", "value": False}, np.bool_(False)),
    "str": ({"py": "numpy", "type": "str_", "value": "ü"}, np.str_("ü")),
    "datetime64": (
        {"py": "numpy", "type": "datetime64", "value": "2024-02-29T12:00:00.5"},
        np.datetime64("2024-02-29T12:00:00.5", "us"),
    ),
    "timedelta64": (
        {"py": "numpy", "type": "timedelta64", "value": -5},
        np.timedelta64(-5, "us"),
    ),
    "time": (
        {"py": "aware_time", "value": "23:30:00.5+05:45"},
        datetime.time(
            23, 30, 0, 500_000, datetime.timezone(datetime.timedelta(hours=5, minutes=45))
        ),
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_a_value_and_its_source_code(name):
    spec, wanted = MADE[name]
    check_made(spec, "here")
    imports: set[str] = set()
    names: dict[str, object] = {}
    text = literal(construct(spec), imports)
    exec("\n".join(imports), names)
    for value in (construct(spec), eval(text, names)):
        assert type(value) is type(wanted)
        assert repr(value) == repr(wanted)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (
            {"py": "numpy", "type": "int63", "value": 1},
            "unknown type 'int63'; did you mean",
        ),
        ({"py": "numpy", "type": {}, "value": 1}, "unknown type '{}'"),
        ({"py": "numpy", "value": 1}, "the key 'type' is missing"),
        ({"py": "aware_time", "value": "12:00"}, "has no offset"),
        ({"py": {}, "value": "12:00"}, "unknown constructor '{}'"),
        ({"py": "list", "items": 5}, "list: TypeError"),
        ({"py": "str", "value": "x", "times": []}, "times = a list is not a number"),
        ({"py": "bytes", "hex": "00" * 4, "times": 2**30}, "more than 1,024 MB"),
        ({"py": "a\nb\x1b"}, "unknown constructor"),
    ],
)
def test_what_cannot_be_made(spec, told):
    with pytest.raises(ScenarioError) as caught:
        check_made(spec, "here")
    assert str(caught.value).startswith("here: ")
    assert told in str(caught.value)
    assert str(caught.value).isprintable()


def test_every_constructor_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "scenario-format.md").read_text("utf-8")
    rows = page.partition("### `args`")[2].partition("## `[[value]]`")[0]
    assert [name for name in CONSTRUCTORS if f"`{name}`" not in rows] == []


def test_checking_imports_nothing():
    check_spec({"py": "numpy", "type": "float64", "value": "no number at all"})
