"""Text from outside on its way to a person: nothing in it moves a cursor or hides.

Servers, drivers and results files may say anything. What a terminal, a merge request or an
XML reader would obey or not show at all is shown as Python writes it: `\\x1b`, `\\u202e`.
"""

from __future__ import annotations

import re
import unicodedata

_LINES = "\n\t"
_UNUSUAL = re.compile(r"[^\n\t -~]")
_NOT_PLAIN = re.compile(r"[^ -~]")


def visible(text: str, *, keep: str = _LINES) -> str:
    """The text with everything invisible escaped, but for blanks and what is to be kept.

    Escaped are control characters (C0, C1), formatting such as bidirectional overrides and
    zero-width characters, lone surrogates, unassigned and private characters, and
    separators of lines and paragraphs: Unicode's categories C, Zl and Zp.
    """
    if text.isascii() and text.isprintable():
        return text
    return _NOT_PLAIN.sub(lambda found: _shown(found[0], keep), text)


def _shown(char: str, keep: str) -> str:
    return repr(char)[1:-1] if _hidden(char) and char not in keep else char


def visible_line(text: str) -> str:
    """The same for a text that has one line: breaks and tabs are escaped, too."""
    return visible(text, keep="")


def safe_json(text: str) -> str:
    """JSON that reads the same, with nothing invisible in it but its own line ends."""
    return _UNUSUAL.sub(lambda found: _escaped(found[0]), text)


def _escaped(char: str) -> str:
    if not _hidden(char):
        return char
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _hidden(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] == "C" or category in ("Zl", "Zp")
