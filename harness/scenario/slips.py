"""Words for the slips of a scenario file: where one is, what was written, what is near."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from harness.core.errors import ScenarioError

Path = tuple[str | int, ...]
SHOWN_CHARS = 60
_PATH_CHARS = 300
_ITEMS: Mapping[str, str] = {
    "args": "argument",
    "literals": "literal",
    "statements": "statement",
    "step": "step",
    "register": "registration",
    "decide": "condition",
    "because": "reason",
}
"""A list → what one of its items is called; other items are items."""
_NAMED = ("case", "value", "mix", "claim")
"""Lists of a file whose items have names of their own."""


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
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


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
        raise ScenarioError(f"{where}: {key} = {shown(value)} is not a number")
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
        raw = inner_of(raw, key)
    return ", ".join([*words, *([".".join(keys)] if keys else [])])


def _item(name: str, index: int, items: Any, *, top: bool) -> str:
    """What an item of a list is called: a case by its name, a step by its number."""
    item = inner_of(items, index)
    if top and name in _NAMED:
        label = _name(item) if isinstance(item, dict) else None
        return f"{name} {shown(label)}" if isinstance(label, str) else f"{name} {index + 1}"
    if name in _ITEMS:
        return f"{_ITEMS[name]} {index + 1}"
    return f"{name}, item {index + 1}" if name else f"item {index + 1}"


def _name(item: Mapping[str, Any]) -> Any:
    """What an item calls itself; None if it does not."""
    keys = ("name", "id", "type")
    return next((item[key] for key in keys if key in item), None)


def inner_of(raw: Any, key: str | int) -> Any:
    """What stands under a key; None if nothing does."""
    try:
        return raw[key]
    except (KeyError, IndexError, TypeError):
        return None
