"""Names in claims that lead nowhere: a cell that there is not, a driver nobody brings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from harness.claims import form
from harness.claims.evidence import means
from harness.claims.form import AnyCondition, Claim, listed
from harness.claims.outcomes import ClaimOutcome, DecidedClaim, DecidedPart
from harness.claims.reading import drivers
from harness.core import arms, patterns
from harness.core.conditions import parted
from harness.core.errors import ScenarioError
from harness.plugin import contract
from harness.scenario import library, load, names
from harness.scenario.slips import nearest


def named(claims: Iterable[DecidedClaim]) -> Iterator[DecidedClaim]:
    """The claims; one of which something was not tried says so if it names nothing."""
    scenarios, brought = names(), contract.entry_points()  # each takes a while to find
    for decided in claims:
        open_parts = any(part.outcome is ClaimOutcome.NOT_TRIED for part in decided.parts)
        wrong = tuple(_nameless(decided.claim, scenarios, brought)) if open_parts else ()
        if wrong:
            yield replace(decided, outcome=ClaimOutcome.NOT_TRIED, parts=wrong)
        else:
            yield decided


def _nameless(
    claim: Claim, scenarios: Collection[str], brought: Collection[str]
) -> Iterator[DecidedPart]:
    for condition in claim.decide:
        for pattern in cells_of(condition):
            if reason := unknown_cell(pattern, scenarios):
                label = condition.part
                yield DecidedPart(label, ClaimOutcome.NOT_TRIED, reason, fault=True)
        for name in drivers(condition):
            if reason := unknown_driver(name, brought):
                yield DecidedPart(condition.part, ClaimOutcome.NOT_TRIED, reason)


def cells_of(condition: AnyCondition) -> list[str]:
    """The cells that a condition names, by id or by pattern."""
    own = listed(getattr(condition, "cell", "")) + list(getattr(condition, "cells", ()))
    own += listed(getattr(condition, "at", ""))
    return own + [because.cell for because in getattr(condition, "because", ())]


def unknown_cell(pattern: str, scenarios: Collection[str] = ()) -> str:
    """That no cell is called so, for people; empty if there is one. `scenarios` are the
    names of all that there are, if somebody knows them."""
    scenario = pattern.partition("#")[0]
    known = scenarios or names()
    if not any(patterns.matches(scenario, name) for name in known):
        return f"no scenario is called '{scenario}': {nearest(scenario, known)}"
    if "*" in scenario:
        return ""
    try:
        found = [cell.id for cell in load(library() / f"{scenario}.toml").cells]
    except ScenarioError as error:
        return str(error)
    if any(means(parted(pattern)[0], cell) for cell in found):
        return ""
    return f"no cell is called '{pattern}': {nearest(pattern, found)}"


def unknown_driver(name: str, brought: Collection[str] = ()) -> str:
    """That nobody brings such a driver, for people; empty if somebody does. `brought` are
    all that there are, if somebody knows them."""
    driver = arms.driver_of(name)
    known = brought or contract.entry_points()
    if driver in known:
        return ""
    return f"there is no driver '{driver}': {nearest(driver, known, 'installed')}"


def because_of(condition: AnyCondition) -> list[form.CellCondition | form.CountCondition]:
    """The reasons that a comparison asks for, as conditions of their own."""
    return [because.condition for because in getattr(condition, "because", ())]
