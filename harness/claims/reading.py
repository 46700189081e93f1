"""Files of claims → sources, checked: an error names the file, the claim and the key.

The files are `claims/*.toml`, shipped like the scenarios are. What this accepts can be
decided: spans have ends, programs are Python, words are words of pgdyno.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.claims import form
from harness.claims.form import Claim, ClaimSource
from harness.core import arms
from harness.core.conditions import parted
from harness.core.errors import ClaimError, DriverError, ScenarioError
from harness.core.patterns import matches
from harness.core.verdicts import Code, Verdict
from harness.plugin import contract
from harness.scenario import form as tables
from harness.scenario.cells import NEEDS
from harness.scenario.reading import parse, read
from harness.scenario.slips import label, nearest, shown

WAYS = (
    "cell",
    "count",
    "compare",
    "time",
    "memory",
    "turns",
    "inspect",
    "program",
    "undecidable",
)
"""The ways to decide a claim: what stands in `by`."""


def library() -> Path:
    """The folder of the claims that come with pgdyno, installed or in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "_claims"
    return installed if installed.is_dir() else package.parent / "claims"


def load(file: Path) -> ClaimSource:
    """Read one file of claims; raises `ClaimError`."""
    where = label(file)
    try:
        raw = parse(read(file), where)
        _check_ways(raw, where)
        source = tables.convert(raw, ClaimSource, where)
    except ScenarioError as error:
        raise ClaimError(str(error), hint=error.hint) from None
    _check(source, where)
    return _expanded(source)


def load_all(folder: Path | None = None) -> list[ClaimSource]:
    """All sources of a folder, of the library if none is named.

    Raises:
        ClaimError: a file is wrong, two sources have one id, or there is none.
    """
    folder = folder or library()
    files = {file: load(file) for file in sorted(folder.glob("*.toml"))}
    if not files:
        raise ClaimError(f"{label(folder)} has no file of claims")
    for (first, a), (second, b) in itertools.combinations(files.items(), 2):
        if a.id == b.id:
            raise ClaimError(
                f"{label(second)}: the source {b.id} is that of {label(first)}",
                hint="give one of them another id",
            )
    return list(files.values())


def select(wanted: Sequence[str]) -> list[ClaimSource]:
    """Sources by id (`P2`), claims by id or pattern (`P2-0*`), or files; all when empty.

    A source of which only claims are wanted has these and no others. Those of files come
    first, in the order in which they were named.

    Raises:
        ClaimError: nothing is called so, or a file is wrong.
    """
    own = [load(Path(word)) for word in wanted if word.endswith(".toml")]
    words = [word for word in wanted if not word.endswith(".toml")]
    if own and not words:
        return own
    known = load_all()
    for word in words:
        if not any(_means(word, source.id, claim) for source, claim in _claims(known)):
            names = [source.id for source in known] + [c.id for _, c in _claims(known)]
            raise ClaimError(
                f"{shown(word)} is neither a source nor a claim nor a TOML file",
                hint=nearest(word, names, "sources").replace("`", ""),
            )
    return own + [chosen for source in known if (chosen := _chosen(source, words)).claim]


def _claims(sources: Sequence[ClaimSource]) -> Iterator[tuple[ClaimSource, Claim]]:
    return ((source, claim) for source in sources for claim in source.claim)


def _means(word: str, source: str, claim: Claim) -> bool:
    return matches(word, source) or matches(word, claim.id)


def _chosen(source: ClaimSource, words: Sequence[str]) -> ClaimSource:
    kept = [
        claim
        for claim in source.claim
        if not words or any(_means(word, source.id, claim) for word in words)
    ]
    return form.replace(source, claim=kept)


# --- patterns of drivers ------------------------------------------------------------------


def _expanded(source: ClaimSource) -> ClaimSource:
    """The source with names in place of patterns of drivers."""
    return form.replace(source, claim=[_expanded_claim(claim) for claim in source.claim])


def _expanded_claim(claim: Claim) -> Claim:
    decide = [
        msgspec.structs.replace(condition, driver=list(_meant(condition.driver)))
        if isinstance(condition, form.CellCondition | form.CountCondition)
        else condition
        for condition in claim.decide
    ]
    return msgspec.structs.replace(claim, decide=decide)


def _meant(words: form.Words) -> Iterator[str]:
    """The drivers; a pattern that means none stays what it is, and is told as unknown."""
    known = sorted(contract.entry_points())
    for word in form.listed(words):
        yield from [name for name in known if matches(word, name)] or [word]


# --- what the types cannot say ------------------------------------------------------------


def _check_ways(raw: dict[str, Any], where: str) -> None:
    """`by` decides which other keys there are, so it must be right first."""
    for claim in _tables(raw.get("claim")):
        for number, condition in enumerate(_tables(claim.get("decide")), 1):
            here = f"{where}, claim {shown(claim.get('id', ''))}, condition {number}"
            way = condition.get("by")
            if way is None:
                raise ClaimError(f"{here}: `by` is missing", hint=f"one of {_listed(WAYS)}")
            if way not in WAYS:
                hint = nearest(str(way), WAYS)
                raise ClaimError(f"{here}: there is no way called {shown(way)}", hint=hint)


def _tables(found: Any) -> list[dict[str, Any]]:
    return [item for item in found if isinstance(item, dict)] if found else []


def _check(source: ClaimSource, where: str) -> None:
    if source.link and not source.link.startswith(("https://", "http://")):
        hint = "it becomes a link of a page: https://…"
        raise ClaimError(f"{where}: `link` is no address of the web", hint=hint)
    seen: set[str] = set()
    for claim in source.claim:
        here = f"{where}, claim '{claim.id}'"
        if claim.id in seen:
            raise ClaimError(f"{here}: there are two of this id")
        seen.add(claim.id)
        if not claim.id.startswith(f"{source.id}-"):
            raise ClaimError(f"{here}: its id does not begin with {source.id}-")
        if not claim.decide:
            hint = 'write [[claim.decide]], if need be by = "undecidable" with a reason'
            raise ClaimError(f"{here}: nothing says how it is decided", hint=hint)
        for number, condition in enumerate(claim.decide, 1):
            for fault, hint in _faults(condition):
                raise ClaimError(f"{here}, condition {number}: {fault}", hint=hint)


Fault = tuple[str, str]
"""What is wrong, and what to write."""


SECONDS = 600
"""A program may take so long."""


def _faults(condition: form.AnyCondition) -> Iterator[Fault]:
    yield from _empty_faults(condition)
    for name in drivers(condition):
        yield from _arm_faults(name)
    for key, limits in _limits(condition):
        yield from _limits_faults(key, limits)
    if isinstance(condition, form.CellCondition):
        yield from _word_faults("verdict", condition.verdict, list(Verdict))
        yield from _word_faults("code", condition.code, list(Code))
    elif isinstance(condition, form.CompareCondition):
        yield from _compare_faults(condition)
        for because in condition.because:
            yield from _word_faults("verdict", because.verdict, list(Verdict))
    elif isinstance(condition, form.TimeCondition):
        if (condition.ms is None) == (condition.per_second is None):
            yield "it says neither or both of `ms` and `per_second`", "write one of them"
    elif isinstance(condition, form.MemoryCondition):
        yield from _memory_faults(condition)
    elif isinstance(condition, form.TurnsCondition):
        yield from _turns_faults(condition)
    elif isinstance(condition, form.InspectCondition | form.ProgramCondition):
        yield from _library_faults(condition)


def _empty_faults(condition: form.AnyCondition) -> Iterator[Fault]:
    asked = () if isinstance(condition, form.CompareCondition) else ("cell", "driver")
    for key in (*asked, "reason"):
        if hasattr(condition, key) and not form.listed(getattr(condition, key)):
            yield f"`{key}` is empty", "write what is asked, or leave the condition out"
    seconds = getattr(condition, "seconds", SECONDS)
    if not 0 < seconds <= SECONDS:
        yield "`seconds` is no time to wait", f"a number above 0, {SECONDS} at most"
    expect = getattr(condition, "expect", None)
    if expect and "NaN" in json.dumps(form.to_builtins(expect), default=str):
        yield "nothing equals `nan`", 'compare a text of it: expect.like = "nan"'


def drivers(condition: form.AnyCondition) -> list[str]:
    """The arms that a condition asks, as they are written."""
    if isinstance(condition, form.CompareCondition):
        return [*condition.arms, *filter(None, [condition.driver])]
    if isinstance(condition, form.MemoryCondition):
        return [condition.driver, *filter(None, [condition.against])]
    return form.listed(getattr(condition, "driver", []))


def _arm_faults(name: str) -> Iterator[Fault]:
    try:
        arms.parse(name)
    except DriverError as error:
        yield str(error), error.hint


def _limits(condition: form.AnyCondition) -> Iterator[tuple[str, form.Limits]]:
    for key in ("ratio", "ms", "per_second", "kib", "is_"):
        if (found := getattr(condition, key, None)) is not None:
            yield key.strip("_"), found
    for because in getattr(condition, "because", ()):
        if because.is_ is not None:
            yield "because, is", because.is_


def _limits_faults(key: str, limits: form.Limits) -> Iterator[Fault]:
    told = [limits.equals, limits.at_least, limits.at_most, limits.between]
    if sum(limit is not None for limit in told) != 1:
        hint = f"{key} = {{ at_least = 2 }}, at_most, equals or between = [2, 3]"
        yield f"`{key}` must say one thing", hint
    if any(end != end for end in (limits.low, limits.high)):
        yield f"`{key}` is `nan`, which no number is", "write a number"
    pair = limits.between
    if pair is not None and (len(pair) != 2 or pair[0] > pair[1]):
        yield f"`{key}.between` has other than a lower and an upper end", "[1.1, 1.15]"


def _word_faults(key: str, given: form.Words, known: Sequence[str]) -> Iterator[Fault]:
    for word in form.listed(given):
        if word not in known:
            yield f"there is no {key} {shown(word)}", nearest(word, known)


def _compare_faults(condition: form.CompareCondition) -> Iterator[Fault]:
    of_arms = condition.cell and len(condition.arms) == 2
    of_cells = condition.driver and len(condition.cells) == 2
    spare = condition.cells or condition.driver if of_arms else condition.arms
    if bool(of_arms) == bool(of_cells) or spare:
        hint = "cell and arms = [A, B], or driver and cells = [X, Y]: time of A ÷ that of B"
        yield "it does not say what is compared with what", hint


def _memory_faults(condition: form.MemoryCondition) -> Iterator[Fault]:
    alone = condition.kib is not None and not condition.against and condition.ratio is None
    beside = condition.kib is None and condition.against and condition.ratio is not None
    if not alone and not beside:
        yield "it says neither a size nor a ratio", "kib, or against and ratio"


def _turns_faults(condition: form.TurnsCondition) -> Iterator[Fault]:
    told = (condition.is_ is not None, bool(condition.at), condition.published is not None)
    if sum(told) != 1:
        yield "it says nothing or several things of turns", "is, at or published"
    if condition.published is not None and not (condition.clients and condition.rtt_ms > 0):
        yield "a published rate needs `clients` and `rtt_ms`", "as the source has them"
    if condition.at and not parted(condition.at)[1].rtt_ms:
        yield f"{shown(condition.at)} has no network", 'at = "…#case@point[rtt=45]"'
    if not 0 < condition.within < 1:
        yield "`within` is no share", "0.15"


def _library_faults(
    condition: form.InspectCondition | form.ProgramCondition,
) -> Iterator[Fault]:
    if form.to_builtins(condition.expect) == {}:
        yield "`expect` is empty", "expect.equals, like, raises, exists, …"
    if isinstance(condition, form.InspectCondition):
        module = condition.path.partition(":")[0]
        if not module or not all(map(str.isidentifier, module.split("."))):
            yield f"{shown(condition.path)} is no path", "module.inner:Class.attribute"
    else:
        yield from _program_faults(condition)


def _program_faults(condition: form.ProgramCondition) -> Iterator[Fault]:
    for need in condition.needs:
        if not NEEDS.fullmatch(need):
            yield f"unknown server requirement {shown(need)}", "docs/scenario-format.md"
    try:
        compile(condition.python, "claim", "exec", flags=0x2000, dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        yield f"`python` is no Python: {error}", "its last word is the variable `answer`"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)
