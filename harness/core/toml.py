"""Texts as TOML writes them: for the scenario files that pgdyno writes."""

from __future__ import annotations

import json


def quoted(value: str) -> str:
    """A basic string. JSON's escapes are TOML's, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def text(value: str) -> str:
    """The string that is best to read: as it stands where it has several lines, or signs
    that would have to be escaped, if TOML can have it so."""
    if '"' not in value and "\\" not in value and value.isprintable():
        return f'"{value}"'
    shown = value.replace("\n", "").replace("\t", "")
    if "'''" not in value and not value.endswith("'") and shown.isprintable():
        return f"'''\n{value}'''"
    return quoted(value)
