"""Arrays, composites, ranges, multiranges: built from the codecs of their parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.values.codec import Canonical, Codec, Habit, NotCanonical, as_list, refuse

_PLAIN = re.compile(r'[^\s{}",\\()\[\]]+')
_SPECIAL = re.compile(r'(["\\])')
_QUOTED = r'"[^"\\]*(?:(?:\\.|"")[^"\\]*)*"'
_ARRAY_TOKEN = re.compile(rf"({_QUOTED})|([{{}}])|([^{{}},\"]+)|,", re.DOTALL)
_BOUNDS = re.compile(r"((?:\[-?\d+:-?\d+\])+)=")
_FIELD = re.compile(rf'((?:{_QUOTED}|[^",()\\]|\\.)*)([,)])', re.DOTALL)
_BOUND = rf'((?:{_QUOTED}|[^",()\[\]\\])*)'
_RANGE = re.compile(rf"([\[(]){_BOUND},{_BOUND}([\])])", re.DOTALL)
_ESCAPE = re.compile(r'\\(.)|""', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Range:
    """A range as `parse` gives it; libraries' own classes have the same attributes."""

    lower: Any = None
    upper: Any = None
    lower_inc: bool = True
    upper_inc: bool = False
    isempty: bool = False

    @property
    def bounds(self) -> str:
        """`[)`, as PostgreSQL and most libraries write it."""
        return f"{'[' if self.lower_inc else '('}{']' if self.upper_inc else ')'}"


def _quote(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.upper() != "NULL":
        return text
    return '"' + _SPECIAL.sub(r"\\\1", text) + '"'


def _unquote(text: str) -> str:
    if not text.startswith('"'):
        return text
    return _ESCAPE.sub(lambda match: match[1] or '"', text[1:-1])


# -- arrays --------------------------------------------------------------------------


def read_array(text: str) -> tuple[str, list[Any]]:
    """The lower bounds (empty if all are 1) and the nested lists of element texts."""
    match = _BOUNDS.match(text)
    start = match.end() if match else 0
    body = text[start:]
    if not body.startswith("{") or not body.endswith("}"):
        raise NotCanonical(f"no array: {text!r:.60}")
    if '"' not in body and body.count("{") == 1:
        items = body[1:-1].split(",") if len(body) > 2 else []
        return match[1] if match else "", [None if i == "NULL" else i for i in items]
    return match[1] if match else "", _array_tree(body)


def _array_tree(body: str) -> list[Any]:
    stack: list[list[Any]] = [[]]
    for match in _ARRAY_TOKEN.finditer(body):
        quoted, brace, bare = match.groups()
        if brace == "{":
            stack.append([])
        elif brace == "}" and len(stack) > 1:
            inner = stack.pop()
            stack[-1].append(inner)
        elif quoted is not None:
            stack[-1].append(_unquote(quoted))
        elif bare is not None:
            stack[-1].append(None if bare.upper() == "NULL" else bare)
    if len(stack) != 1 or len(stack[0]) != 1 or not isinstance(stack[0][0], list):
        raise NotCanonical(f"no array: {body!r:.60}")
    return stack[0][0]


def _write_array(items: list[Any], convert: Callable[[Any], Canonical], nest: bool) -> str:
    """Nested lists as an array literal; `nest` says that a list is a dimension."""
    inner = [_is_dimension(item) for item in items] if nest else []
    if any(inner):
        if not all(inner) or len({len(item) for item in items}) > 1:
            raise NotCanonical("a ragged list cannot be an array")
        return "{" + ",".join(_write_array(list(i), convert, nest) for i in items) + "}"
    shown = (None if item is None else convert(item) for item in items)
    return "{" + ",".join("NULL" if s is None else _quote(s) for s in shown) + "}"


def _is_dimension(item: Any) -> bool:
    """A plain list or tuple; a class of its own, such as Arrow's interval, is a value."""
    return type(item) in (list, tuple)


def _map_tree(tree: list[Any], convert: Callable[[str], Any]) -> list[Any]:
    return [
        _map_tree(item, convert)
        if type(item) is list
        else None
        if item is None
        else convert(item)
        for item in tree
    ]


def _leaves(value: Any, nest: bool) -> Iterator[Any]:
    for item in value:
        if nest and _is_dimension(item):
            yield from _leaves(item, nest)
        elif item is not None:
            yield item


def array(element: Codec) -> Codec:
    """An array; where an element itself may be a list, only one dimension is known."""
    nest = not element.sequences

    def text(text: str) -> str:
        bounds, tree = read_array(text)
        # Lower bounds other than 1 are part of the value, and no list keeps them.
        return f"{bounds}=" * bool(bounds) + _write_array(tree, element.text, nest=True)

    def value(value: Any) -> str:
        if isinstance(value, str):
            bounds, tree = read_array(value)
            return f"{bounds}=" * bool(bounds) + _write_array(
                tree, element.value, nest=True
            )
        items = as_list(value)
        if items is None:
            raise refuse(value, "an array")
        return _write_array(items, element.value, nest)

    def parse(text: str) -> Any:
        bounds, tree = read_array(text)
        return text if bounds else _map_tree(tree, element.parse)

    def fits(value: Any) -> bool:
        return type(value) is list and all(map(element.habit.accepts, _leaves(value, nest)))

    names = (f"list[{' | '.join(element.habit.names)}]",)
    return Codec(parse, value, Habit(names, fits, per_type=False), text, sequences=True)


# -- composites ----------------------------------------------------------------------


def read_composite(text: str, width: int | None = None) -> list[str | None]:
    """The texts of the fields; `()` is no field, or one NULL, by `width`."""
    if not text.startswith("(") or not text.endswith(")"):
        raise NotCanonical(f"no composite: {text!r:.60}")
    if text == "()" and width in (0, None):
        return []
    fields = [_read_field(match[1]) for match in _FIELD.finditer(text, 1)]
    if width not in (None, len(fields)):
        raise NotCanonical(f"{len(fields)} fields instead of {width}")
    return fields


def _read_field(raw: str) -> str | None:
    return _unquote(raw) if raw else None


def _write_composite(fields: Iterable[Canonical]) -> str:
    return "(" + ",".join("" if f is None else _quote(f) for f in fields) + ")"


def _field_values(value: Any, names: tuple[str, ...]) -> list[Any]:
    """The fields of a tuple, dict, record or object with the attributes."""
    if isinstance(value, Mapping):
        if names and set(value) != set(names):
            raise NotCanonical(f"fields {list(value)} instead of {list(names)}")
        return [value[name] for name in names] if names else list(value.values())
    if isinstance(value, (tuple, list)):
        return list(value)
    # Before the attributes: a record has methods that a field may be named like.
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return list(value)
    if names and all(hasattr(value, name) for name in names):
        return [getattr(value, name) for name in names]
    raise refuse(value, "a composite")


def composite(names: tuple[str, ...], parts: tuple[Codec, ...]) -> Codec:
    """A composite with known fields."""

    def write(found: list[Any], converts: list[Callable[[Any], Canonical]]) -> str:
        if len(found) != len(parts):
            raise NotCanonical(f"{len(found)} fields instead of {len(parts)}")
        pairs = zip(converts, found, strict=True)
        return _write_composite(None if item is None else f(item) for f, item in pairs)

    def text(text: str) -> str:
        return write(list(read_composite(text, len(parts))), [part.text for part in parts])

    def value(value: Any) -> str:
        is_text = isinstance(value, str)
        found = (
            read_composite(value, len(parts)) if is_text else _field_values(value, names)
        )
        return write(list(found), [part.value for part in parts])

    def parse(text: str) -> tuple[Any, ...]:
        pairs = zip(parts, read_composite(text, len(parts)), strict=True)
        return tuple(None if field is None else part.parse(field) for part, field in pairs)

    def fits(value: Any) -> bool:
        if isinstance(value, (str, bytes, list)):
            return False
        pairs = zip(parts, _field_values(value, names), strict=True)
        return all(item is None or part.habit.accepts(item) for part, item in pairs)

    habit = Habit(("tuple", "dict", "Record"), fits, per_type=False)
    return Codec(parse, value, habit, text, sequences=True)


def record(guess: Callable[[Any], Canonical]) -> Codec:
    """An anonymous record: the fields' types are unknown, so values show what they are."""

    def text(text: str) -> str:
        return _write_composite(read_composite(text))

    def value(value: Any) -> str:
        if isinstance(value, str):
            return text(value)
        found = _field_values(value, ())
        return _write_composite(None if item is None else guess(item) for item in found)

    def fits(value: Any) -> bool:
        return not isinstance(value, (str, bytes, list))

    habit = Habit(("tuple", "dict", "Record"), fits)
    return Codec(lambda t: tuple(read_composite(t)), value, habit, text, sequences=True)


# -- ranges --------------------------------------------------------------------------


def read_range(text: str) -> Range:
    """A range of bound texts."""
    if text == "empty":
        return Range(isempty=True)
    match = _RANGE.fullmatch(text)
    if match is None:
        raise NotCanonical(f"no range: {text!r:.60}")
    lower, upper = _read_field(match[2]), _read_field(match[3])
    return Range(lower, upper, match[1] == "[", match[4] == "]")


def _write_range(found: Range, convert: Callable[[Any], Canonical]) -> str:
    if found.isempty:
        return "empty"
    lower, upper = (_bound_text(bound, convert) for bound in (found.lower, found.upper))
    # An infinite bound includes nothing, whatever a library's flag says.
    opening = "[" if found.lower_inc and lower else "("
    return f"{opening}{lower},{upper}{']' if found.upper_inc and upper else ')'}"


def _bound_text(bound: Any, convert: Callable[[Any], Canonical]) -> str:
    shown = None if bound is None else convert(bound)
    return "" if shown is None else _quote(shown)


def _as_range(value: Any) -> Range | None:
    """A library's range as ours, by one of the two sets of attributes that there are."""
    if all(hasattr(value, name) for name in ("lower", "upper", "isempty", "lower_inc")):
        return Range(
            value.lower, value.upper, value.lower_inc, value.upper_inc, value.isempty
        )
    if all(hasattr(value, name) for name in ("lower", "upper", "is_empty", "bounds")):
        opening, closing = value.bounds
        return Range(
            value.lower, value.upper, opening == "[", closing == "]", value.is_empty
        )
    return None


def range_of(part: Codec) -> Codec:
    """A range; the habit is any class with lower, upper, and either isempty, lower_inc and
    upper_inc, or is_empty and bounds (`[)`)."""

    def value(value: Any) -> str:
        found = read_range(value) if isinstance(value, str) else _as_range(value)
        if found is None:
            raise refuse(value, "a range")
        return _write_range(found, part.value)

    def parse(text: str) -> Range:
        found = read_range(text)
        lower, upper = (
            None if b is None else part.parse(b) for b in (found.lower, found.upper)
        )
        return Range(lower, upper, found.lower_inc, found.upper_inc, found.isempty)

    def fits(value: Any) -> bool:
        found = _as_range(value)
        if found is None:
            return False
        return all(b is None or part.habit.accepts(b) for b in (found.lower, found.upper))

    def text(text: str) -> str:
        return _write_range(read_range(text), part.text)

    return Codec(parse, value, Habit(("Range",), fits, per_type=False), text)


def _read_multirange(text: str) -> list[str]:
    if not text.startswith("{") or not text.endswith("}"):
        raise NotCanonical(f"no multirange: {text!r:.60}")
    return [match[0] for match in _RANGE.finditer(text, 1)]


def multirange_of(part: Codec) -> Codec:
    """A multirange: `part` is the codec of its ranges."""

    def write(shown: Iterable[Canonical]) -> str:
        return "{" + ",".join(text or "" for text in shown) + "}"

    def value(value: Any) -> str:
        if isinstance(value, str):
            return write(map(part.value, _read_multirange(value)))
        if not isinstance(value, Iterable):
            raise refuse(value, "a multirange")
        return write(map(part.value, value))

    def fits(value: Any) -> bool:
        return not isinstance(value, (str, tuple)) and all(map(part.habit.accepts, value))

    return Codec(
        lambda text: [part.parse(found) for found in _read_multirange(text)],
        value,
        Habit(("list[Range]", "Multirange"), fits, per_type=False),
        lambda text: write(map(part.text, _read_multirange(text))),
        sequences=True,
    )
