"""Python values that SQL cannot make, by a closed list, and the forms of a parameter."""

from __future__ import annotations

import inspect
import ipaddress
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from harness.core.limits import DIGITS
from harness.core.tables import PgType
from harness.values import iso
from harness.values.table import parse

FORMS = ("", "dict", "text", "wrapper")


def construct(spec: Mapping[str, Any]) -> Any:
    """A value by its constructor: `{ py = "memoryview", hex = "00ff" }`.

    An unknown constructor or key is a ValueError that names the nearest known one.
    """
    make, keys = _checked(spec)
    return make(**keys)


def check_spec(spec: Mapping[str, Any]) -> None:
    """Raises ValueError if no value can be made; imports no library to find out."""
    try:
        _try(spec)
    except ImportError:
        return
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"{spec['py']}: {type(error).__name__}: {error}") from error


def _try(spec: Mapping[str, Any]) -> None:
    make, keys = _checked(spec)
    if make is _numpy:
        _check_numpy(str(keys["type"]))
        return
    if make is _float32_array:
        list(map(float, keys["values"]))
        return
    if make in (_tuple, _list, _set):
        nested = [
            item for item in keys["items"] if isinstance(item, Mapping) and "py" in item
        ]
        for item in nested:
            check_spec(item)
        if nested:
            return
    if "times" in keys:  # a large value costs time, and one of it shows as much
        keys["times"] = min(1, int(keys["times"]))
    make(**keys)


def _checked(spec: Mapping[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    """A spec's constructor and its arguments; all of them known, and none missing."""
    name = str(spec.get("py", ""))
    make = CONSTRUCTORS.get(name)
    if make is None:
        raise ValueError(_unknown("constructor", name[:40], CONSTRUCTORS))
    keys = {key: value for key, value in spec.items() if key != "py"}
    known = inspect.signature(make).parameters
    for key in keys:
        if key not in known:
            raise ValueError(f"{spec['py']}: {_unknown('key', key, known)}")
    missing = [n for n, p in known.items() if p.default is p.empty and n not in keys]
    if missing:
        raise ValueError(f"{spec['py']}: the key {missing[0]!r} is missing")
    return make, keys


def form(pg_type: PgType, text: str | None, as_: str = "") -> Any:
    """A parameter that SQL made, in the Python form a scenario asks for.

    `text` is the server's text as it is; every other form is the native object, and
    wrapping it is left to the session.
    """
    if as_ not in FORMS:
        raise ValueError(_unknown("form", as_, dict.fromkeys(FORMS)))
    return text if text is None or as_ == "text" else parse(pg_type, text)


def _unknown(what: str, name: str, known: Mapping[str, Any]) -> str:
    import difflib  # a worker hardly ever needs it

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return f"unknown {what} {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _item(value: Any) -> Any:
    return construct(value) if isinstance(value, Mapping) and "py" in value else value


def _tuple(items: list[Any]) -> tuple[Any, ...]:
    return tuple(map(_item, items))


def _list(items: list[Any], times: int = 1) -> list[Any]:
    return list(map(_item, items)) * int(times)


def _set(items: list[Any]) -> set[Any]:
    return set(map(_item, items))


def _dict(items: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _item(value) for key, value in items.items()}


def _str(value: Any, times: int = 1) -> str:
    return str(value) * int(times)  # an axis comes as text


def _nul_str(value: str = "a\0b") -> str:
    return value


def _lone_surrogate(before: str = "", after: str = "") -> str:
    return f"{before}\ud800{after}"


def _enum(value: Any, name: str = "MEMBER") -> Any:
    return _member(Enum("Sample", {name: value}))


def _str_enum(value: str, name: str = "MEMBER") -> Any:
    return _member(Enum("StrSample", {name: value}, type=str))


def _member(members: Any) -> Any:
    return next(iter(members))


def _float32_array(values: list[float]) -> Any:
    import numpy as np  # a validation library of one constructor, not of the workers

    return np.array(values, dtype=np.float32)


def _numpy(type: str, value: Any) -> Any:
    """A scalar as it comes out of an array or a data frame."""
    _check_numpy(type)
    import numpy as np

    units = ("us",) if type in ("datetime64", "timedelta64") else ()
    return getattr(np, type)(value, *units)


def _check_numpy(type: str) -> None:
    if type not in _NUMPY:
        raise ValueError(f"numpy: {_unknown('type', str(type)[:40], _NUMPY)}")


_NUMPY: Mapping[Any, str] = dict.fromkeys(
    ("bool_", "int16", "int32", "int64", "uint64", "float16", "float32", "float64", "str_",
     "datetime64", "timedelta64"), "",
)  # fmt: skip


def _aware_time(value: str) -> time:
    moment = iso.clock(value)
    if moment.tzinfo is None:
        raise ValueError(f"aware_time: {value!r} has no offset")
    return moment


def _aware_datetime(value: str, zone: str = "", fold: int = 0) -> datetime:
    moment = iso.moment(value).replace(fold=fold)
    if zone:
        from zoneinfo import ZoneInfo  # looks for its files: nothing for every worker

        moment = moment.replace(tzinfo=ZoneInfo(zone))
    if moment.tzinfo is None:
        raise ValueError(f"aware_datetime: {value!r} has no offset and no zone")
    return moment


def _naive_datetime(value: str) -> datetime:
    moment = iso.moment(value)
    if moment.tzinfo is not None:
        raise ValueError(f"naive_datetime: {value!r} has an offset")
    return moment


def _timedelta(days: int = 0, seconds: int = 0, microseconds: int = 0) -> timedelta:
    return timedelta(days, seconds, microseconds)


def _bool(value: bool) -> bool:
    return value is True


def _typed(convert: Callable[[Any], Any]) -> Callable[..., Any]:
    def make(value: Any) -> Any:
        return convert(value)

    return make


def _from_hex(convert: Callable[[bytes], Any]) -> Callable[..., Any]:
    def make(hex: str = "", times: int = 1) -> Any:
        return convert(bytes.fromhex(hex) * int(times))

    return make


def _int(value: Any) -> int:
    if len(str(value)) > DIGITS:
        raise ValueError(f"int: the whole number has more than {DIGITS:,} digits")
    return int(value)


CONSTRUCTORS: dict[str, Callable[..., Any]] = {
    "none": lambda: None,
    "bool": _bool,
    "int": _int,
    "float": _typed(float),
    "str": _str,
    "decimal": _typed(Decimal),
    "bytes": _from_hex(bytes),
    "bytearray": _from_hex(bytearray),
    "memoryview": _from_hex(memoryview),
    "tuple": _tuple,
    "list": _list,
    "set": _set,
    "dict": _dict,
    "nul_str": _nul_str,
    "lone_surrogate": _lone_surrogate,
    "enum": _enum,
    "str_enum": _str_enum,
    "float32_array": _float32_array,
    "numpy": _numpy,
    "aware_time": _aware_time,
    "naive_datetime": _naive_datetime,
    "aware_datetime": _aware_datetime,
    "date": _typed(date.fromisoformat),
    "time": _typed(iso.clock),
    "timedelta": _timedelta,
    "uuid": _typed(UUID),
    "ip_address": _typed(ipaddress.ip_address),
    "ip_interface": _typed(ipaddress.ip_interface),
    "ip_network": _typed(ipaddress.ip_network),
}
