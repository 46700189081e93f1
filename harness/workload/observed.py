"""Statements as a source has seen them: their texts, how often, for how long."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from pglast.parser import ParseError, normalize

FORMS = 20_000
"""So many different statements are told apart; a source may have any number."""
TEXT_CHARS = 100_000
"""A statement that is longer is counted, and not read."""
_KNOWN_TEXTS = 20_000


@dataclass(slots=True)
class Observed:
    """A statement with its number of calls and the time that the server took for them;
    0 where the source does not tell. The text may hold private values."""

    text: str
    calls: float = 0
    total_ms: float = 0


@dataclass(slots=True)
class Observations:
    """All that a source has: statements, and calls that it could not show, by reason."""

    source: str
    statements: list[Observed] = field(default_factory=list)
    unseen: dict[str, float] = field(default_factory=dict)

    def miss(self, reason: str, calls: float = 1) -> None:
        """Count calls whose statement is not known."""
        self.unseen[reason] = self.unseen.get(reason, 0) + calls


class StatementTally:
    """Counts statements as they come: texts that differ in their literals are one form.

    A log may have any size, so what is kept of it is bounded: forms, and the texts whose
    form is known already.
    """

    def __init__(self, into: Observations) -> None:
        self._into = into
        self._forms: dict[str, Observed] = {}
        self._known: dict[str, Observed] = {}

    def add(self, text: str, calls: float = 1, total_ms: float = 0) -> None:
        """Count a statement."""
        if len(text) > TEXT_CHARS:
            self._into.miss(f"longer than {TEXT_CHARS:,} characters", calls)
            return
        found = self._known.get(text) or self._form(text)
        if found is None:
            self._into.miss(f"beyond the first {FORMS:,} different statements", calls)
            return
        found.calls += calls
        found.total_ms += total_ms

    def _form(self, text: str) -> Observed | None:
        form = general(text)
        if form not in self._forms:
            if len(self._forms) >= FORMS:
                return None
            self._forms[form] = Observed(text)
            self._into.statements.append(self._forms[form])
        if len(self._known) < _KNOWN_TEXTS:
            self._known[text] = self._forms[form]
        return self._forms[form]


def general(text: str) -> str:
    """A statement with placeholders in place of its literals, on one line."""
    with contextlib.suppress(ParseError, ValueError):
        text = normalize(text)
    return " ".join(text.split())
