"""Dates, times, timestamps and intervals; what Python cannot hold stays server text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from harness.values import iso
from harness.values.codec import Codec, Habit, NotCanonical, exactly, refuse

UTC = timezone.utc  # noqa: UP017 - `is` comparison with what drivers attach
_INFINITE = ("infinity", "-infinity")
_DAY_US = 86_400_000_000
_CYCLE_YEARS = 400

_CLOCK_TEXT = r"(?P<clock>\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)"
_ZONE_TEXT = r"(?P<zone>Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?"
_CLOCK = re.compile(_CLOCK_TEXT + _ZONE_TEXT)
_MOMENT = re.compile(
    r"(?P<year>\d{4,})-(?P<month>\d\d)-(?P<day>\d\d)"
    rf"(?:[ T]{_CLOCK_TEXT}{_ZONE_TEXT})?(?P<bc> BC)?"
)


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(6, "0")
    size = timedelta(
        hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:6])
    )
    return -size if zone[0] == "-" else size


def _zone_text(offset: timedelta) -> str:
    sign = "-" if offset < timedelta() else "+"
    minutes, seconds = divmod(round(abs(offset).total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    tail = f":{minutes:02}:{seconds:02}" if seconds else f":{minutes:02}" if minutes else ""
    return f"{sign}{hours:02}{tail}"


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _in_utc(moment: datetime, offset: timedelta, years: int) -> str:
    """The server's text of an instant; `years` were added to fit Python's calendar."""
    utc = moment.replace(tzinfo=None) - offset
    year = utc.year - years
    shown = f"{year if year > 0 else 1 - year:04}{utc.isoformat(' ')[4:]}"
    return f"{_trim(shown)}+00{'' if year > 0 else ' BC'}"


def _instant_of(text: str) -> str:
    if text in _INFINITE:
        return text
    match = _MOMENT.fullmatch(text)
    if match is None or match["clock"] is None:
        raise NotCanonical(f"{text!r:.60} is not a timestamptz")
    if match["zone"] is None:
        return _naive(text)
    year = 1 - int(match["year"]) if match["bc"] else int(match["year"])
    near = year % _CYCLE_YEARS + 2000
    moment = iso.moment(f"{near}-{match['month']}-{match['day']} {match['clock']}")
    return _in_utc(moment, _offset(match["zone"]), near - year)


def _naive(text: str) -> str:
    return f"{text} (naive: no instant)"


def _instant(value: Any) -> str:
    if type(value) is datetime and value.tzinfo is UTC:
        text = value.isoformat(" ")[:-6]
        return (text.rstrip("0") if value.microsecond else text) + "+00"
    if isinstance(value, datetime):
        offset = value.utcoffset()
        if offset is None:
            return _naive(value.isoformat(" "))
        near = value.year % _CYCLE_YEARS + 2000
        return _in_utc(value.replace(year=near), offset, near - value.year)
    if isinstance(value, str):
        return _instant_of(value)
    raise refuse(value, "timestamptz")


def _instant_text(text: str) -> str:
    return text if text.endswith(("+00", "+00 BC")) else _instant_of(text)


def _parse_moment(text: str) -> datetime | str:
    try:
        return iso.moment(text)
    except ValueError:
        return text


TIMESTAMPTZ = Codec(_parse_moment, _instant, exactly(datetime), _instant_text)


def _wall(value: Any) -> str:
    if isinstance(value, datetime):
        text = value.isoformat(" ")
        if value.tzinfo is not None:
            return f"{text} (aware: another meaning)"
        return text.rstrip("0") if value.microsecond else text
    if isinstance(value, str):
        return _wall_of(value)
    if isinstance(value, date):
        return f"{value.isoformat()} 00:00:00"
    raise refuse(value, "timestamp")


def _wall_of(text: str) -> str:
    match = _MOMENT.fullmatch(text)
    if text in _INFINITE:
        return text
    if match is None or match["clock"] is None or match["zone"]:
        raise NotCanonical(f"{text!r:.60} is not a timestamp")
    return f"{text[: match.end('day')]} {_full_clock(match['clock'])}{match['bc'] or ''}"


def _full_clock(clock: str) -> str:
    return _trim(clock if clock.count(":") == 2 else f"{clock}:00")


TIMESTAMP = Codec(_parse_moment, _wall, exactly(datetime))


def _date(value: Any) -> str:
    if type(value) is date:
        return value.isoformat()
    if isinstance(value, datetime):
        if value.tzinfo is None and value.time() == time():
            return value.date().isoformat()
        raise NotCanonical("a datetime with a time of day or a zone cannot be a date")
    if isinstance(value, date):
        return date.isoformat(value)
    if isinstance(value, str) and (value in _INFINITE or _is_date(value)):
        return value
    raise refuse(value, "date")


def _is_date(text: str) -> bool:
    match = _MOMENT.fullmatch(text)
    return match is not None and match["clock"] is None


def _parse_date(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


DATE = Codec(_parse_date, _date, exactly(date))


def _clock(value: Any) -> str:
    if isinstance(value, time):
        if value.tzinfo is not None:
            return f"{value.isoformat()} (aware: another meaning)"
        return _trim(value.isoformat())
    if isinstance(value, str):
        match = _CLOCK.fullmatch(value)
        if match and not match["zone"]:
            return _full_clock(match["clock"])
    raise refuse(value, "time")


def _parse_time(text: str) -> time | str:
    try:
        # Newer Pythons read 24:00 as midnight, which for PostgreSQL is another value.
        return text if text.startswith("24") else iso.clock(text)
    except ValueError:
        return text


TIME = Codec(_parse_time, _clock, exactly(time))


def _zoned_clock(value: Any) -> str:
    if isinstance(value, time):
        offset = value.utcoffset()
        clock = _trim(value.replace(tzinfo=None).isoformat())
        return _naive(clock) if offset is None else clock + _zone_text(offset)
    if isinstance(value, str) and (match := _CLOCK.fullmatch(value)):
        clock = _full_clock(match["clock"])
        return (
            clock + _zone_text(_offset(match["zone"])) if match["zone"] else _naive(clock)
        )
    raise refuse(value, "timetz")


TIMETZ = Codec(_parse_time, _zoned_clock, exactly(time))

_ISO = re.compile(
    r"P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)W)?(?:(-?\d+)D)?"
    r"(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?[\d.]+)S)?)?"
)
_POSTGRES = re.compile(
    r"(?:([+-]?\d+) years? ?)?(?:([+-]?\d+) mons? ?)?(?:([+-]?\d+) days? ?)?"
    r"(?:([+-]?)(\d+):(\d\d):(\d\d(?:\.\d+)?))?"
)


def _number(text: str | None) -> int:
    return int(text) if text else 0


def _seconds_us(text: str | None) -> int:
    return int(Decimal(text) * 1_000_000) if text else 0


def _iso_span(match: re.Match[str]) -> tuple[int, int]:
    years, months, weeks, days, hours, minutes, seconds = match.groups()
    total = (_number(weeks) * 7 + _number(days)) * _DAY_US + _seconds_us(seconds)
    total += (_number(hours) * 60 + _number(minutes)) * 60_000_000
    return _number(years) * 12 + _number(months), total


def _postgres_span(match: re.Match[str]) -> tuple[int, int]:
    years, months, days, sign, hours, minutes, seconds = match.groups()
    clock = (_number(hours) * 60 + _number(minutes)) * 60_000_000 + _seconds_us(seconds)
    total = _number(days) * _DAY_US + (-clock if sign == "-" else clock)
    return _number(years) * 12 + _number(months), total


def _span_of(text: str) -> tuple[int, int]:
    if match := _ISO.fullmatch(text):
        return _iso_span(match)
    if text and (match := _POSTGRES.fullmatch(text)):
        return _postgres_span(match)
    raise NotCanonical(f"{text!r:.60} is not an interval")


def _span_text(months: int, total_us: int) -> str:
    # A timedelta cannot keep 1 day and 24 hours apart, nor does PostgreSQL's `=`;
    # months and 30 days, which PostgreSQL's `=` confuses, are kept apart.
    return f"{months} mon {total_us} us"


_UNITS_MONTHS: dict[str, int | Decimal] = {
    "millennia": 12_000, "centuries": 1_200, "decades": 120, "years": 12, "months": 1,
}  # fmt: skip
_UNITS_US: dict[str, int | Decimal] = {
    "weeks": 7 * _DAY_US,
    "days": _DAY_US,
    "hours": 3_600_000_000,
    "minutes": 60_000_000,
    "seconds": 1_000_000,
    "microseconds": 1,
    "nanoseconds": Decimal("0.001"),
}


def _span_of_parts(value: Any) -> str:
    """An object with months and days, and perhaps other units; None is none of them."""
    months = _total(value, _UNITS_MONTHS)
    total = _total(value, _UNITS_US)
    if total != int(total):
        raise NotCanonical(f"{total} µs: an interval has no parts of a microsecond")
    return _span_text(int(months), int(total))


def _total(value: Any, units: Mapping[str, int | Decimal]) -> Decimal:
    """The sum of an object's attributes, each times the size of its unit."""
    counts = {unit: getattr(value, unit, None) or 0 for unit in units}
    return sum(
        (Decimal(str(count)) * units[unit] for unit, count in counts.items()), Decimal()
    )


def _interval(value: Any) -> str:
    if isinstance(value, timedelta):
        return _span_text(0, value // timedelta(microseconds=1))
    if isinstance(value, str):
        return value if value in _INFINITE else _span_text(*_span_of(value))
    if hasattr(value, "months") and hasattr(value, "days"):
        return _span_of_parts(value)
    raise refuse(value, "interval")


def _parse_interval(text: str) -> timedelta | str:
    if text in _INFINITE:
        return text
    months, total_us = _span_of(text)
    try:
        return text if months else timedelta(microseconds=total_us)
    except OverflowError:
        return text


def _interval_fits(value: Any) -> bool:
    return type(value) is timedelta or (hasattr(value, "months") and hasattr(value, "days"))


# Only a library's own class can hold months, so every such class is the habit.
INTERVAL = Codec(
    _parse_interval, _interval, Habit(("timedelta", "Interval"), _interval_fits), _interval
)
