"""What a layer takes over from the driver below it: its ways, and what its errors tell.

Standard library only, because workers import this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from harness.core.arms import Arm
from harness.core.calls import ErrorFields
from harness.plugin.contract import Driver, load

INSIDE = ("orig", "__cause__", "__context__")
"""Where libraries keep the exception that theirs was made of, the most explicit first."""


def beneath(name: str) -> Driver:
    """The driver that a wrapper stands on, without options: its terms, wrappers, errors.

    Raises:
        DriverError: it cannot be loaded.
    """
    return load(Arm(name))


def described(
    error: BaseException,
    describe: Callable[[BaseException], ErrorFields],
    inside: Sequence[str] = INSIDE,
) -> ErrorFields:
    """The fields of an exception, or those of the first one inside it that has a SQLSTATE.

    `describe` reads one exception, and knows nothing of others. Where none has a SQLSTATE,
    the outermost one's fields are all that is told.
    """
    own = describe(error)
    for place, found in _chain(error, inside):
        fields = describe(found)
        if fields.sqlstate:
            return replace(fields, message=own.message or fields.message, on=place)
    return own


def _chain(
    error: BaseException, inside: Sequence[str]
) -> Iterator[tuple[str, BaseException]]:
    """An exception and those inside it, each with the attributes that lead there."""
    place: list[str] = []
    met: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in met:
        yield ".".join(place), current
        met.append(current)
        current = _next(current, inside, place)


def _next(
    error: BaseException, inside: Sequence[str], place: list[str]
) -> BaseException | None:
    for name in inside:
        found = getattr(error, name, None)
        if isinstance(found, BaseException):
            place.append(name)
            return found
    return None
