"""What the server saw a session do last, against the terms of its driver. Pure.

An answer may be right although the driver did other work than its terms declare: it
repeated an answer, sent BEGIN and COMMIT besides, or put the parameters into the SQL.
`pg_stat_activity` tells: whether the session is in a transaction, and the text of its last
statement. What the server does not tell is nobody's fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.core import sql
from harness.core.calls import BOUND_BY_CLIENT
from harness.judge.verify import CANARY, shorten

_PLACE = "\0"  # a placeholder, whatever its number; no SQL can contain this character


@dataclass(frozen=True, slots=True)
class Activity:
    """One session as `pg_stat_activity` shows it.

    `cut` says that the server keeps no more of a statement's text than `query` has.
    """

    pid: int
    state: str
    query: str
    cut: bool = False

    @property
    def told(self) -> bool:
        """Whether the server says anything: not with `track_activities` off."""
        return self.state not in ("", "disabled")


def breach(seen: Activity, terms: Mapping[str, str], statement: str = "") -> str:
    """How a session breaks its driver's terms; empty if it does not.

    `statement` is what the last op had to send, with `$n`; empty if that cannot be said of
    one statement. Nothing is expected of a driver that declares autocommit as off.
    """
    if not seen.told or terms["autocommit"].startswith("off"):
        return ""
    if seen.state != "idle":
        return (
            f"after an op its session is {seen.state}, and the terms say"
            f" autocommit {terms['autocommit']}"
        )
    if not statement or not seen.query:
        return ""
    return _other_statement(seen, terms["wire_parameters"], statement)


def _other_statement(seen: Activity, wire_parameters: str, statement: str) -> str:
    wanted, found = _masked(statement), _masked(seen.query)
    if not _fills(wanted.split(_PLACE), found, seen.cut):
        if CANARY in seen.query:
            return "the op sent nothing to the server: it repeats an answer"
        return (
            f"the last statement that an op sent is not the cell's: {shorten(seen.query)}"
        )
    if BOUND_BY_CLIENT in wire_parameters or _bound(wanted, found, seen.cut):
        return ""
    return (
        "the client put the parameters into the SQL, and the terms say"
        f" '{wire_parameters}': {shorten(seen.query)}"
    )


def _masked(text: str) -> str:
    """SQL without its comments, its blanks as one, its placeholders without numbers.

    A driver that translates placeholders may number them anew.
    """
    marks = {"parameter": _PLACE, "comment": " "}
    pieces = (marks.get(token.kind, token.text) for token in sql.tokens(text))
    return re.sub(r"\s+", " ", "".join(pieces)).strip().rstrip("; ")


def _fills(pieces: Sequence[str], found: str, cut: bool) -> bool:
    """Whether a text is these pieces with something in between, or its beginning."""
    head, *rest = pieces
    if not found.startswith(head):
        return cut and head.startswith(found)
    if not rest:
        return found == head
    position = len(head)
    for piece in rest:
        begin = found.find(piece, position)
        if begin < 0:
            return cut
        position = begin + len(piece)
    return cut or found.endswith(rest[-1])


def _bound(wanted: str, found: str, cut: bool) -> bool:
    """Whether the placeholders were left for the server to fill."""
    if cut:
        return _PLACE in found or len(found) <= len(wanted.partition(_PLACE)[0])
    return found.count(_PLACE) == wanted.count(_PLACE)
