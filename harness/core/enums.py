"""`StrEnum` for every CPython that a worker may run on; 3.10 has none of its own."""

from __future__ import annotations

import sys
from enum import Enum

if sys.version_info >= (3, 11):  # noqa: UP036 - a worker may be older than pgdyno itself
    from enum import StrEnum
else:

    class StrEnum(str, Enum):  # noqa: UP042
        """Words of a closed list, each of them a string."""

        __str__ = str.__str__
        __format__ = str.__format__


__all__ = ["StrEnum"]
