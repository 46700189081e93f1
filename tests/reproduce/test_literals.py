"""Values as literals: what a reproduction is given is what the check gave."""

from __future__ import annotations

import datetime
import ipaddress
import math
import uuid
from decimal import Decimal
from enum import Enum
from zoneinfo import ZoneInfo

import numpy
import pytest

from harness.values.source import NoLiteral, literal

Sample = Enum("Sample", {"MEMBER": "value"})
StrSample = Enum("StrSample", {"MEMBER": "value"}, type=str)


@pytest.mark.parametrize(
    "value",
    [
        None, True, -(2**70), 1.5, -0.0, math.inf, -math.inf, math.nan,
        "é\0'\"\\\n", "\ud800", "ab" * 5000, b"\x00\xff" * 300, b"",
        bytearray(b"a"), memoryview(b"\x00"), (), (1,), [1, [None, "x"]], {"a": {1: (2,)}},
        set(), {1}, Decimal("1.10"), Decimal("-0"), Decimal("NaN"), uuid.UUID(int=7),
        datetime.date(1, 1, 1), datetime.time(1, tzinfo=datetime.UTC),
        datetime.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Amsterdam")),
        datetime.timedelta(days=-1, microseconds=1),
        ipaddress.ip_address("::1"), ipaddress.ip_interface("10.0.0.1/8"),
        ipaddress.ip_network("10.0.0.0/8"), numpy.array([0.1, 2], dtype=numpy.float32),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_literal_makes_the_same_value(value):
    imports: set[str] = set()
    code = literal(value, imports)
    space: dict[str, object] = {}
    exec("\n".join(imports), space)
    made = eval(code, space)
    assert type(made) is type(value)
    same = bytes(made) == bytes(value) if isinstance(value, memoryview) else None
    assert same or repr(made) == repr(value)
    assert len(code) < 1000


@pytest.mark.parametrize("value", [Sample.MEMBER, StrSample.MEMBER])
def test_a_literal_makes_an_enum_like_it(value):
    imports: set[str] = set()
    code = literal(value, imports)
    made = eval(code, {"Enum": Enum})
    assert repr(made) == repr(value)
    assert isinstance(made, str) is isinstance(value, str)


def test_no_literal_is_an_error_not_an_approximation():
    with pytest.raises(NoLiteral, match="a object has no literal"):
        literal([object()], set())
