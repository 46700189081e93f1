"""ISO 8601 as PostgreSQL writes it, read alike on every CPython that a worker may run on.

3.10 reads only three or six digits of a fraction, and only offsets with minutes.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime, time

_CLOCK_END = re.compile(
    r"(?P<clock>\d\d:\d\d(?::\d\d)?)(?:\.(?P<fraction>\d{1,6})\d*)?"
    r"(?P<zone>Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?$"
)


def strict(text: str) -> str:
    """The same moment in the form that CPython 3.10 reads."""
    return _CLOCK_END.sub(_full, text)


def _full(found: re.Match[str]) -> str:
    fraction = f".{found['fraction']:0<6}" if found["fraction"] else ""
    return f"{found['clock']}{fraction}{_offset(found['zone'] or '')}"


def _offset(zone: str) -> str:
    if zone in ("", "Z"):
        return zone.replace("Z", "+00:00")
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return zone[0] + ":".join(
        digits[start : start + 2] for start in range(0, len(digits), 2)
    )


if sys.version_info >= (3, 11):  # noqa: UP036 - a worker may be older than pgdyno itself
    moment = datetime.fromisoformat
    clock = time.fromisoformat
else:

    def moment(text: str) -> datetime:
        """A timestamp, with or without an offset."""
        return datetime.fromisoformat(strict(text))

    def clock(text: str) -> time:
        """A time of day, with or without an offset."""
        return time.fromisoformat(strict(text))
