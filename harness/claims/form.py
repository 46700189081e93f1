"""A claims file as it stands: a source, its claims, and how each of them is decided.

The docstrings of `[[claim.decide]]` tables are one sentence each; docs/claims.md has all
keys. Everything is text, numbers and lists: nothing here runs anything.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from harness.core.arms import Profile

Words = str | list[str]
"""One, or several of which any will do."""

SourceId = Annotated[
    str,
    msgspec.Meta(pattern=r"^[A-Z][A-Z0-9]{0,7}$", description='capitals and digits, "P2"'),
]
ClaimId = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Z][A-Z0-9]{0,7}-\d{2,3}$",
        description='the source and a number, "P2-04"',
    ),
]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a claims file; it has no key that nobody knows."""


class Limits(_Table, frozen=True, kw_only=True):
    """Which numbers a claim allows; exactly one of the keys."""

    equals: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    between: list[float] | None = None

    @property
    def low(self) -> float | None:
        """The least number; None where there is no limit."""
        return self.between[0] if self.between else _first(self.at_least, self.equals)

    @property
    def high(self) -> float | None:
        """The greatest number; None where there is no limit."""
        return self.between[1] if self.between else _first(self.at_most, self.equals)

    def holds(self, low: float, high: float) -> bool | None:
        """Whether all of an interval is allowed; None where a part of it is."""
        least = float("-inf") if self.low is None else self.low
        most = float("inf") if self.high is None else self.high
        if least <= low and high <= most:
            return True
        return False if high < least or most < low else None


def _first(*numbers: float | None) -> float | None:
    return next((number for number in numbers if number is not None), None)


class LibraryAnswer(_Table, frozen=True, kw_only=True):
    """What an inspection or a program must give: each key that is written must be true."""

    exists: bool | None = None
    equals: Any = msgspec.UNSET
    like: Words = ""
    type: Words = ""
    is_a: Words = ""
    raises: Words = ""
    parameters: list[str] = msgspec.field(default_factory=list)
    lacks: list[str] = msgspec.field(default_factory=list)
    defaults: dict[str, Any] = msgspec.field(default_factory=dict)


class ClaimCondition(_Table, frozen=True, kw_only=True, tag_field="by"):
    """One way to decide a claim; all of a claim's must hold. `part` names what of the
    claim it decides, for claims that hold in part."""

    part: str = ""


class CellCondition(ClaimCondition, frozen=True, kw_only=True, tag="cell"):
    """A cell of the catalogue has a verdict, a code, a fact or shows a trait."""

    cell: Words
    driver: Words
    profile: Profile = "configured"
    verdict: Words = ""
    code: Words = ""
    detail: Words = ""
    observed: Words = ""
    facts: dict[str, Any] = msgspec.field(default_factory=dict)


class CountCondition(ClaimCondition, frozen=True, kw_only=True, tag="count"):
    """A whole number that a cell wrote down lies where the claim says."""

    cell: Words
    driver: Words
    is_: Limits = msgspec.field(name="is")
    profile: Profile = "configured"
    answer: str = ""


class CompareCondition(ClaimCondition, frozen=True, kw_only=True, tag="compare"):
    """The first takes so many times as long (or as much memory) as the second."""

    ratio: Limits
    cell: str = ""
    arms: list[str] = msgspec.field(default_factory=list)
    cells: list[str] = msgspec.field(default_factory=list)
    driver: str = ""
    per: Literal["op", "unit"] = "unit"
    because: list[Because] = msgspec.field(default_factory=list)


class TimeCondition(ClaimCondition, frozen=True, kw_only=True, tag="time"):
    """A cell takes so long, or does so much in a second."""

    cell: str
    driver: str
    ms: Limits | None = None
    per_second: Limits | None = None


class MemoryCondition(ClaimCondition, frozen=True, kw_only=True, tag="memory"):
    """A driver holds so much memory for each connection, or so many times another's."""

    cell: str
    driver: str
    kib: Limits | None = None
    against: str = ""
    ratio: Limits | None = None


class TurnsCondition(ClaimCondition, frozen=True, kw_only=True, tag="turns"):
    """How often a request waits for the server, or that nothing else decides a rate."""

    cell: str
    driver: str
    is_: Limits | None = msgspec.field(name="is", default=None)
    at: str = ""
    published: float | None = None
    clients: int = 0
    rtt_ms: float = 0.0
    within: float = 0.15


class InspectCondition(ClaimCondition, frozen=True, kw_only=True, tag="inspect"):
    """The installed library has something: asked in a process of its own."""

    driver: str
    path: str
    expect: LibraryAnswer
    args: list[Any] | None = None
    kwargs: dict[str, Any] | None = None


class ProgramCondition(ClaimCondition, frozen=True, kw_only=True, tag="program"):
    """A few lines as the source has them, in a process of their own, leave `answer`."""

    driver: str
    python: str
    expect: LibraryAnswer
    needs: list[str] = msgspec.field(default_factory=list)
    seconds: float = 20.0


class UndecidableCondition(ClaimCondition, frozen=True, kw_only=True, tag="undecidable"):
    """Nothing that runs decides it; the reason is told."""

    reason: str


class Because(_Table, frozen=True, kw_only=True):
    """A reason that nobody named: where its cell is as it says, the claim holds, too,
    because of that."""

    says: str
    cell: str
    driver: str
    profile: Profile = "configured"
    verdict: Words = ""
    observed: Words = ""
    answer: str = ""
    is_: Limits | None = msgspec.field(name="is", default=None)

    @property
    def condition(self) -> CellCondition | CountCondition:
        """The same as a condition of a claim."""
        if self.is_ is None:
            return CellCondition(
                cell=self.cell,
                driver=self.driver,
                profile=self.profile,
                verdict=self.verdict,
                observed=self.observed,
            )
        return CountCondition(
            cell=self.cell,
            driver=self.driver,
            profile=self.profile,
            is_=self.is_,
            answer=self.answer,
        )


AnyCondition = (
    CellCondition
    | CountCondition
    | CompareCondition
    | TimeCondition
    | MemoryCondition
    | TurnsCondition
    | InspectCondition
    | ProgramCondition
    | UndecidableCondition
)


class Claim(_Table, frozen=True, kw_only=True):
    """A sentence of the source in our own words, and how it is decided."""

    id: ClaimId
    claim: str
    decide: list[AnyCondition]
    versions: str = ""
    note: str = ""


class ClaimSource(_Table, frozen=True, kw_only=True):
    """A document with claims: what it is, and when."""

    schema: Literal[1]
    id: SourceId
    title: str
    date: str
    about: str
    claim: list[Claim]
    link: str = ""


def listed(words: Words) -> list[str]:
    """One word or several, as a list; an empty word is none."""
    return [words] if isinstance(words, str) and words else list(words)


def replace(source: ClaimSource, *, claim: list[Claim]) -> ClaimSource:
    """The same source with other claims."""
    return msgspec.structs.replace(source, claim=claim)


def to_builtins(answer: LibraryAnswer) -> dict[str, Any]:
    """What an answer must be, without the keys that nobody wrote."""
    found = {name: getattr(answer, name) for name in answer.__struct_fields__}
    return {name: value for name, value in found.items() if _written(name, value)}


def _written(name: str, value: Any) -> bool:
    if name == "equals":
        return value is not msgspec.UNSET
    return value is not None and value not in ("", [], {})
