"""The names of sessions: by them the server tells whose they are."""

from __future__ import annotations

import hashlib

from harness.core.arms import Arm

_NAME_BYTES = 63
"""The longest name that the server keeps of a session."""


def session_name(run: str, arm: Arm, number: int, *, pooled: bool) -> str:
    """By which the sessions of a seat are told apart, and from those that a pooler keeps:
    they have the name of who had them last."""
    run = f"{run}.{number}" if number else run
    head = "pooled pgdyno" if pooled else "pgdyno"
    name = f"{head} {run} {arm.id} {arm.profile}"
    if name.isascii() and len(name) <= _NAME_BYTES and "/" not in name:
        return name
    # What the server would cut or replace could make two arms one; files have it, too.
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{head} {run} {digest[:16]}"
