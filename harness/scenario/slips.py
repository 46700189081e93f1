"""What is wrong with a file's form, for the person who wrote it: where, and what to write.

msgspec finds the slip. Its messages speak of objects, arrays and regular expressions, so
this is the one place that reads them; nobody ever sees one.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from harness.core.errors import ScenarioError

Path = tuple[str | int, ...]
_T = TypeVar("_T")
_SHOWN_CHARS = 60
_PATH_CHARS = 300
_ITEMS: Mapping[str, str] = {
    "args": "argument",
    "literals": "literal",
    "statements": "statement",
    "step": "step",
    "register": "registration",
}
"""A list → what one of its items is called; other items are items."""


def shown(value: Any) -> str:
    """A value of a file, short and on one line, whatever is in it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, int | float):
        text = str(value)
    else:
        text = ascii(str(value)) if not str(value).isprintable() else f"'{value}'"
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def label(file: object) -> str:
    """A file's path, on one line whatever its name is."""
    text = str(file) if str(file).isprintable() else ascii(str(file))
    return text if len(text) <= _PATH_CHARS else f"{text[:_PATH_CHARS]}…"


def nearest(name: str, known: Iterable[str], what: str = "known") -> str:
    """A hint: the nearest of the names that are known, or all of them."""
    names = list(known)
    if near := difflib.get_close_matches(name, names, 1):
        return f"did you mean `{near[0]}`?"
    return f"{what}: {', '.join(names) or 'none'}"


def whole(value: int | str | None, key: str, where: str, most: int = 2**63 - 1) -> int:
    """A number, or one that a mark left as text; 0 if there is none.

    Raises:
        ScenarioError: it is no number, or more than `most`.
    """
    text = str(0 if value is None else value)
    if not (text.isascii() and text.isdecimal()):
        raise ScenarioError(f"{where}: {key} = {shown(value)} is no number")
    if int(text[:20]) > most:
        raise ScenarioError(f"{where}: {key} = {text[:20]} is more than {most:,}")
    return int(text)


# --- where ------------------------------------------------------------------------------


def place(path: Path, raw: Any, where: str) -> str:
    """`orders.toml, case 'latest', step 2, expect.value`."""
    words: list[str] = [where]
    keys: list[str] = []
    for key in path:
        if isinstance(key, str):
            keys.append(key if key.isprintable() else ascii(key))
        else:
            words.append(_item(".".join(keys), key, raw, top=len(words) == 1))
            keys = []
        raw = _inner(raw, key)
    return ", ".join([*words, *([".".join(keys)] if keys else [])])


def _item(name: str, index: int, items: Any, *, top: bool) -> str:
    """What an item of a list is called: a case by its name, a step by its number."""
    item = _inner(items, index)
    if top and name in ("case", "value"):
        label = item.get("name", item.get("type")) if isinstance(item, dict) else None
        return f"{name} {shown(label)}" if isinstance(label, str) else f"{name} {index + 1}"
    if name in _ITEMS:
        return f"{_ITEMS[name]} {index + 1}"
    return f"{name}, item {index + 1}" if name else f"item {index + 1}"


def _inner(raw: Any, key: str | int) -> Any:
    try:
        return raw[key]
    except (KeyError, IndexError, TypeError):
        return None


# --- msgspec's messages -----------------------------------------------------------------

_AT = re.compile(r"(?P<said>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>[^`]*)`)?", re.S)
_PIECE = re.compile(r"\.(\w+)|\[(\d+)\]|\[(\.\.\.)\]")
_NAMED = re.compile(
    r"(?P<kind>missing required|contains unknown) field `(?P<key>.*)`", re.S
)
_GOT = re.compile(r"got `(\w+)`")
_KINDS: Mapping[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (float,), "bool": (bool,),
    "object": (dict,), "array": (list,),
}  # fmt: skip


def convert(raw: Any, kind: type[_T], where: str) -> _T:
    """A raw table as a struct.

    Raises:
        ScenarioError: it says file, case, key and what to write.
    """
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise _slip(str(error), raw, kind, where) from None


def _slip(message: str, raw: Any, kind: type, where: str) -> ScenarioError:
    match = _AT.fullmatch(message)
    assert match is not None  # every part but the first may be missing
    said = match["said"]
    path = _path(match["path"] or "", raw, said)
    if match["key"]:
        return _wrong_key(path, raw, kind, where)
    here = place(path, raw, where)
    if named := _NAMED.search(said):
        type_at = _type_at(kind, path)
        fields = _fields(type_at)
        if named["kind"] == "missing required":
            expected = _expected(fields[named["key"]]) if named["key"] in fields else ""
            return ScenarioError(f"{here}: `{named['key']}` is missing", hint=expected)
        return ScenarioError(
            f"{here}: there is no key `{shown(named['key'])[1:-1]}`",
            hint=nearest(named["key"], fields, "known keys here"),
        )
    value = _value_at(raw, path)
    return ScenarioError(
        f"{here}: {shown(value)} cannot stand here", hint=_write(kind, path, value)
    )


def _wrong_key(path: Path, raw: Any, kind: type, where: str) -> ScenarioError:
    """A table whose keys are names of the author's has one that is no name."""
    found = _unwrapped(_type_at(kind, path))
    assert isinstance(found, inspect.DictType)
    names = _value_at(raw, path)
    fits = _pattern(found.key_type)
    wrong = next((name for name in names if not fits(name)), "")
    return ScenarioError(
        f"{place(path, raw, where)}: {shown(wrong)} is no name",
        hint=_expected(found.key_type),
    )


def _pattern(name: inspect.Type) -> Any:
    inner = _unwrapped(name)
    assert isinstance(inner, inspect.StrType)
    longest = inner.max_length or _SHOWN_CHARS
    return lambda text: len(text) <= longest and re.search(inner.pattern or "", text)


def _path(text: str, raw: Any, said: str) -> Path:
    """msgspec's path with the keys that it leaves out: `[...]` is any of a table's."""
    pieces: list[str | int] = [
        found[1] or (int(found[2]) if found[2] else "...")
        for found in _PIECE.finditer(text)
    ]
    for number, piece in enumerate(pieces):
        if piece == "...":
            pieces[number] = _culprit(
                _value_at(raw, tuple(pieces[:number])), pieces[number + 1 :], said
            )
    return tuple(pieces)


def _culprit(table: Any, rest: list[str | int], said: str) -> str:
    """The first key below which a value of the kind stands that msgspec got."""
    got = _GOT.search(said)
    kinds = _KINDS.get(got[1], ()) if got else ()
    for key, inner in table.items():
        value = _value_at(inner, tuple(rest))
        if type(value) in kinds or (not kinds and value is not None):
            return str(key)
    return str(next(iter(table)))


def _value_at(raw: Any, path: Path) -> Any:
    for key in path:
        raw = _inner(raw, key)
    return raw


# --- what to write ----------------------------------------------------------------------


def _write(kind: type, path: Path, value: Any) -> str:
    if len(path) > 1 and path[-2] == "args" and isinstance(value, bool | int | float | str):
        name = type(value).__name__
        plain = isinstance(value, str) and len(value) < _SHOWN_CHARS and value.isprintable()
        text = json.dumps(value, ensure_ascii=not plain)[:_SHOWN_CHARS]
        return f'write {{ py = "{name}", value = {text} }}'
    if path == ("schema",):
        return "this version of pgdyno reads schema = 1"
    return f"write {_expected(_type_at(kind, path))}"


def _expected(kind: inspect.Type) -> str:
    """A type in the words of a TOML file; a description of its own is better."""
    if isinstance(kind, inspect.Metadata):
        described = (kind.extra_json_schema or {}).get("description", "")
        return str(described) or _expected(kind.type)
    if isinstance(kind, inspect.UnionType):
        told = (
            _expected(one) for one in kind.types if not isinstance(one, inspect.NoneType)
        )
        return " or ".join(dict.fromkeys(told))
    if isinstance(kind, inspect.LiteralType):
        return " or ".join(
            f'"{one}"' if isinstance(one, str) else str(one) for one in kind.values
        )
    if isinstance(kind, inspect.ListType | inspect.VarTupleType):
        return f"a list [ … ] of {_expected(kind.item_type)}"
    if isinstance(kind, inspect.IntType):
        return f"a whole number{_bounds(kind.ge, None)}"
    if isinstance(kind, inspect.FloatType):
        return f"a number{_bounds(kind.ge, kind.le)}"
    return next((text for of, text in _PLAIN if isinstance(kind, of)), "something else")


_PLAIN: tuple[tuple[type, str], ...] = (
    (inspect.StrType, "text in quotes"),
    (inspect.BoolType, "true or false"),
    (inspect.DictType, "a table { … }"),
    (inspect.StructType, "a table { … }"),
    (inspect.AnyType, "a value"),
)


def _bounds(low: float | None, high: float | None) -> str:
    if low is None:
        return ""
    return f" of {low:g} or more" if high is None else f" from {low:g} to {high:g}"


def _type_at(kind: type, path: Path) -> inspect.Type:
    """The type that the form has for a place."""
    found = _type_info(kind)
    for key in path:
        found = next(_inside(found, key), inspect.AnyType())
    return found


@cache
def _type_info(kind: type) -> inspect.Type:
    return inspect.type_info(kind)


def _inside(kind: inspect.Type, key: str | int) -> Iterator[inspect.Type]:
    """The types of what stands under a key, of those that a type may be."""
    plain = _unwrapped(kind)
    for one in map(
        _unwrapped, plain.types if isinstance(plain, inspect.UnionType) else (plain,)
    ):
        if isinstance(key, int) and isinstance(
            one, inspect.ListType | inspect.VarTupleType
        ):
            yield one.item_type
        elif isinstance(key, str) and isinstance(one, inspect.DictType):
            yield one.value_type
        elif isinstance(key, str) and key in (fields := _fields(one)):
            yield fields[key]


def _unwrapped(kind: inspect.Type) -> inspect.Type:
    return _unwrapped(kind.type) if isinstance(kind, inspect.Metadata) else kind


def _fields(kind: inspect.Type) -> dict[str, inspect.Type]:
    """The keys of a struct, in any of the types that it may be."""
    plain = _unwrapped(kind)
    kinds = plain.types if isinstance(plain, inspect.UnionType) else (plain,)
    return {
        field.encode_name: field.type
        for one in map(_unwrapped, kinds)
        if isinstance(one, inspect.StructType)
        for field in one.fields
    }
