"""What a command says to a person: answers on stdout, trouble on stderr, nothing hidden."""

from __future__ import annotations

import sys

from harness.core.visible import visible


def say(text: object = "") -> None:
    """A text on stdout; what servers and drivers said in it cannot command the terminal."""
    print(visible(str(text)), flush=True)


def remark(text: object) -> None:
    """The same on stderr, where stdout belongs to a document."""
    print(visible(str(text)), file=sys.stderr, flush=True)


def complain(problem: object, hint: str = "") -> None:
    """What went wrong, and what to do about it, on stderr."""
    print(f"pgdyno: {visible(str(problem))}", file=sys.stderr)
    if hint:
        print(f"  hint: {visible(hint)}", file=sys.stderr)
