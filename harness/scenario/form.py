"""Tables → structs, by msgspec; what is wrong in the words of the file's author.

msgspec finds the slip. Its messages speak of objects, arrays and regular expressions, so
this is the only place that reads them; nobody ever sees them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from harness.core.errors import ScenarioError
from harness.scenario.slips import SHOWN_CHARS, Path, inner_of, nearest, place, shown

_T = TypeVar("_T")

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
        fields = _fields(_type_at(kind, path))
        return _misnamed(named["key"], fields, here, missing="missing" in named["kind"])
    value = _value_at(raw, path)
    return ScenarioError(
        f"{here}: {shown(value)} cannot stand here", hint=_write(kind, path, value)
    )


def _misnamed(
    key: str, fields: Mapping[str, inspect.Type], here: str, *, missing: bool
) -> ScenarioError:
    if missing:
        expected = _expected(fields[key])
        hint = (
            f"write {key} = {expected}" if key == "schema" else f"write `{key}`: {expected}"
        )
        return ScenarioError(f"{here}: `{key}` is missing", hint=hint)
    return ScenarioError(
        f"{here}: there is no key `{shown(key)[1:-1]}`",
        hint=nearest(key, fields, "known keys here"),
    )


def _wrong_key(path: Path, raw: Any, kind: type, where: str) -> ScenarioError:
    """A table whose keys are names of the author's has one that is no name."""
    found = _unwrapped(_type_at(kind, path))
    assert isinstance(found, inspect.DictType)
    names = _value_at(raw, path)
    fits = _pattern(found.key_type)
    wrong = next((name for name in names if not fits(name)), "")
    return ScenarioError(
        f"{place(path, raw, where)}: {shown(wrong)} is not a name",
        hint=_expected(found.key_type),
    )


def _pattern(name: inspect.Type) -> Any:
    inner = _unwrapped(name)
    assert isinstance(inner, inspect.StrType)
    longest = inner.max_length or SHOWN_CHARS
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
        raw = inner_of(raw, key)
    return raw


# --- what to write ----------------------------------------------------------------------


def _write(kind: type, path: Path, value: Any) -> str:
    if len(path) > 1 and path[-2] == "args" and isinstance(value, bool | int | float | str):
        name = type(value).__name__
        plain = isinstance(value, str) and len(value) < SHOWN_CHARS and value.isprintable()
        text = json.dumps(value, ensure_ascii=not plain)[:SHOWN_CHARS]
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
            _expected(member)
            for member in kind.types
            if not isinstance(member, inspect.NoneType)
        )
        return " or ".join(dict.fromkeys(told))
    if isinstance(kind, inspect.LiteralType):
        return " or ".join(
            f'"{member}"' if isinstance(member, str) else str(member)
            for member in kind.values
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
    (inspect.NoneType, ""),
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
    for member in map(
        _unwrapped, plain.types if isinstance(plain, inspect.UnionType) else (plain,)
    ):
        if isinstance(key, int) and isinstance(
            member, inspect.ListType | inspect.VarTupleType
        ):
            yield member.item_type
        elif isinstance(key, str) and isinstance(member, inspect.DictType):
            yield member.value_type
        elif isinstance(key, str) and key in (fields := _fields(member)):
            yield fields[key]


def _unwrapped(kind: inspect.Type) -> inspect.Type:
    return _unwrapped(kind.type) if isinstance(kind, inspect.Metadata) else kind


def _fields(kind: inspect.Type) -> dict[str, inspect.Type]:
    """The keys of a struct, in any of the types that it may be."""
    plain = _unwrapped(kind)
    kinds = plain.types if isinstance(plain, inspect.UnionType) else (plain,)
    return {
        field.encode_name: field.type
        for member in map(_unwrapped, kinds)
        if isinstance(member, inspect.StructType)
        for field in member.fields
    }
