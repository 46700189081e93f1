"""Texts as TOML writes them: for the scenario files that pgdyno writes."""

from __future__ import annotations

import json


def quoted(value: str) -> str:
    """A basic string. JSON's escapes are TOML's, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
