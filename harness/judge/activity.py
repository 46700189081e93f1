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
from harness.core.verdicts import EXACT, Code, Judgement, Verdict
from harness.judge.shown import shorten
from harness.judge.verify import CANARY

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


def breach(seen: Activity, terms: Mapping[str, str], statement: str = "") -> Judgement:
    """How a session breaks its driver's terms; `exact` if it does not.

    `statement` is what the last op had to send, with `$n`; empty if that cannot be said of
    one statement. Nothing is expected of a driver that leaves the commit to its user.
    """
    if not seen.told or terms.get("commits") == "user":
        return EXACT
    if seen.state != "idle":
        reason = (
            f"after an op its session is {seen.state}, and the terms say"
            f" autocommit {terms['autocommit']}"
        )
        return _breach("autocommit", reason, state=seen.state)
    if not statement or not seen.query:
        return EXACT
    return _other_statement(seen, terms, statement)


def _other_statement(seen: Activity, terms: Mapping[str, str], statement: str) -> Judgement:
    wanted, found = _masked(statement), _masked(seen.query)
    if not _fills(wanted.split(_PLACE), found, seen.cut):
        if CANARY in seen.query:
            reason = "the op sent nothing to the server: it repeats an answer"
            return _breach("work", reason)
        if terms.get("rewrites"):
            return EXACT
        reason = "the last statement that an op sent is not the cell's"
        return _breach("work", f"{reason}: {shorten(seen.query)}")
    if terms.get("binds") == "client" or _bound(wanted, found, seen.cut):
        return EXACT
    reason = (
        "the client put the parameters into the SQL, and the terms say"
        f" '{terms['wire_parameters']}': {shorten(seen.query)}"
    )
    return _breach("wire_parameters", reason)


def _breach(term: str, reason: str, **facts: str) -> Judgement:
    detail = f"against its terms: {reason}"
    facts = {"term": term, "message": reason, **facts}
    return Judgement(Verdict.INVALID, Code.BREAKS_TERMS, detail, facts=facts)


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
