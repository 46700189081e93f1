"""Moments as PostgreSQL writes them, on a CPython that is strict and on others."""

from __future__ import annotations

from datetime import datetime, time

import pytest

from harness.values.iso import strict


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("2024-02-29 12:30:00", "2024-02-29 12:30:00"),
        ("2024-02-29 12:30:00+00", "2024-02-29 12:30:00+00:00"),
        ("2024-02-29 12:30:00.5-03:30", "2024-02-29 12:30:00.500000-03:30"),
        ("2024-02-29T12:30:00.000001Z", "2024-02-29T12:30:00.000001+00:00"),
        ("1890-01-01 00:00:00+00:53:28", "1890-01-01 00:00:00+00:53:28"),
    ],
)
def test_a_moment_in_strict_form_is_the_same_moment(text, full):
    assert strict(text) == full
    assert datetime.fromisoformat(full) == datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("04:05", "04:05"),
        ("04:05:06.7", "04:05:06.700000"),
        ("04:05:06+02", "04:05:06+02:00"),
        ("23:59:59.12345678", "23:59:59.123456"),
    ],
)
def test_a_time_of_day_in_strict_form_is_the_same_time(text, full):
    assert strict(text) == full
    assert time.fromisoformat(full) == time.fromisoformat(text)


@pytest.mark.parametrize("text", ["infinity", "2024-02-29", "20000-01-01 00:00:00 BC"])
def test_what_is_no_moment_stays_as_it_is(text):
    assert strict(text) == text
