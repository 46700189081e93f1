"""Nothing that comes from outside moves a cursor or hides."""

from __future__ import annotations

import json
import unicodedata
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.visible import safe_json, visible, visible_line


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain, naïve, 数, ✗", "plain, naïve, 数, ✗"),
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("a\x9b31mb\x7f\x00", "a\\x9b31mb\\x7f\\x00"),
        ("user\u202egnp.exe\u2066", "user\\u202egnp.exe\\u2066"),
        ("zero\u200bwidth\ufeff\u2060\u00ad", "zero\\u200bwidth\\ufeff\\u2060\\xad"),
        ("lines\u2028\u2029\x85", "lines\\u2028\\u2029\\x85"),
        ("half \ud800 \uffff \U000e0001", "half \\ud800 \\uffff \\U000e0001"),
        ("over\rwritten\x0b\x0c", "over\\rwritten\\x0b\\x0c"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("no\u00a0break", "no\u00a0break"),
    ],
)
def test_what_would_act_or_hide_is_shown(said: str, shown: str) -> None:
    assert visible(said) == shown


def test_a_line_is_one_line() -> None:
    assert visible_line("two\nlines\tand\r\n") == "two\\nlines\\tand\\r\\n"


@given(st.text(st.characters(codec=None)))
def test_whatever_was_said(said: str) -> None:
    shown = visible(said)
    assert {unicodedata.category(char)[0] for char in shown if char not in "\n\t"} <= set(
        "LMNPSZ"
    )
    assert visible(shown) == shown
    shown.encode()  # no lone surrogate is left
    element = ET.Element("case", message=shown)
    assert ET.fromstring(ET.tostring(element)).get("message") == shown


@pytest.mark.parametrize(
    "said", ["a\u202eb", "\x9b31m", "\u2028", "\U000e0041", "é€😀", "\x7f"]
)
def test_json_reads_the_same_and_hides_nothing(said: str) -> None:
    text = safe_json(json.dumps({"said": said}, ensure_ascii=False, indent=2))
    assert json.loads(text) == {"said": said}
    assert visible(text) == text
    assert ("é" in text) == ("é" in said)
