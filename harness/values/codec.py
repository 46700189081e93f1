"""What a row of the value table is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Canonical = str | None


class NotCanonical(ValueError):  # noqa: N818 - a statement about a value, not a failure of ours
    """A Python object cannot be a value of the type: `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownForm(NotCanonical):
    """The table does not know the type, and the value is no text: nobody can judge it."""


@dataclass(frozen=True, slots=True)
class Habit:
    """Which Python types the field usually gives for a PostgreSQL type.

    `names` is for people, `fits` decides. `per_type` promises that all values of one
    Python type fit alike, so that a column needs one look per type. `written`, where a
    type of Python has several forms of one value, says whether one is the usual form.
    """

    names: tuple[str, ...]
    fits: Callable[[Any], bool]
    per_type: bool = True
    written: Callable[[Any], bool] | None = None

    def accepts(self, value: Any) -> bool:
        """Whether type and form are the usual ones."""
        return self.fits(value) and (self.written is None or self.written(value))


@dataclass(frozen=True, slots=True)
class Codec:
    """One row of the table: server text and Python values of one type, made comparable.

    Two values are equal exactly when their canonical texts are. `value` raises
    NotCanonical; None from `text` or `value` means SQL NULL. `quick` converts a whole
    column whose values all have the given Python type. `sequences` says that a Python
    list can be one value of this type, so a list in a list is no array dimension.
    """

    parse: Callable[[str], Any]
    value: Callable[[Any], Canonical]
    habit: Habit
    text: Callable[[str], Canonical] = str
    quick: Mapping[type, Callable[[Sequence[Any]], Iterable[str]]] = field(
        default_factory=dict
    )
    sequences: bool = False


def exactly(*types: type) -> Habit:
    """These types and no subclass: a bool is not an int, a datetime not a date."""
    allowed = frozenset(types)
    return Habit(tuple(t.__name__ for t in types), lambda value: type(value) in allowed)


def family(*types: type) -> Habit:
    """These types and their subclasses, where libraries derive faster ones (UUID)."""
    return Habit(tuple(t.__name__ for t in types), lambda value: isinstance(value, types))


def refuse(value: object, pg_name: str) -> NotCanonical:
    """The usual reason: no value of this Python type can be such a value."""
    return NotCanonical(f"{type(value).__qualname__} cannot be {pg_name}")


def as_list(value: Any) -> list[Any] | None:
    """The items of a list, tuple, array or vector object; None if it is none of these."""
    if isinstance(value, (list, tuple)):
        return list(value)
    for method in ("tolist", "to_list"):
        if callable(convert := getattr(value, method, None)):
            items = convert()
            return items if isinstance(items, list) else None
    return None
