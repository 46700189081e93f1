"""Pages for the browser: a small report of everything, a whole catalogue, hostile names."""

from __future__ import annotations

from collections.abc import Sequence

import fake_runs
from fake_runs import arm_facts, judged
from msgspec.structs import replace

from harness.results.records import CellFacts, Check, Run, TaskFacts

ROWS = (1, 10, 100, 1000)
TASKS = {
    "copy/in": "bulk-loading",
    "point/by-key": "small-queries",
    "jsonb/containment": "json",
    "app/shop": "many-clients",
}

BIDI = "\u202egnp.exe"
LONG = "n" * 3000
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "\"'&amp;`${7*7}`{{7*7}}",
    BIDI,
    "\x00\x1b[31mred\u2028\u200b\x85\U000e0041",
    "שלום مرحبا",
    "__proto__",
    LONG,
)


# --- everything, small ----------------------------------------------------------------


def small() -> list[Run]:
    """Times with a sweep that crosses, a mix, references and latencies; then checks."""
    rows = (*fake_runs.CELLS[:1], *fake_runs.CELLS[4:6], *_sweep(), *_mix())
    measured = fake_runs.bench(
        rows=rows, rounds=8, slices=4, factor=_factor, override=_troubles,
        notes=fake_runs.NOTES, latency=True,
    )  # fmt: skip
    cells = [_tagged(cell) for cell in measured.header.cells]
    measured = replace(measured, header=replace(measured.header, cells=cells))
    checked = fake_runs.check(types=("int4", "uuid", "interval", "jsonb", "numrange"))
    return [fake_runs.with_phases(fake_runs.with_references(measured)), asked(checked)]


def _sweep() -> Sequence[Sequence]:
    start, rest = ("copy/in", "rows"), ("COPY in", "Rows", "copy_in", "rows")
    return [(*start, {"rows": n}, *rest, n, 0, 20 + 2 * n) for n in ROWS]


def _mix() -> Sequence[Sequence]:
    rest = ("A shop", "Turns of an application", "mix", "tasks", 1, 4, 100)
    return [("app/shop", "mix", {"form": form}, *rest) for form in ("one", "many")]


def _factor(cell: str, arm: str) -> float:
    """psqlpy is the faster the more rows there are, and overtakes the others."""
    rows = int(cell.partition("rows=")[2] or 1)
    return 1.5 * rows**-0.35 if arm == "psqlpy" else 1.0


def _troubles(trial):
    return fake_runs.with_troubles(trial) if "copy" not in trial.cell else trial


def _tagged(cell: CellFacts) -> CellFacts:
    tagged = replace(cell, task=TASKS.get(cell.scenario, ""))
    if cell.scenario != "app/shop":
        return tagged
    tasks = [
        TaskFacts(cell=f"app/shop#{name}", title=f"A {name}", op="sequential",
                  weight=weight, turns=int(weight), statements=2, round_trips=2)
        for name, weight in (("read", "75"), ("write", "25"))
    ]  # fmt: skip
    return replace(tagged, tasks=tasks)


def asked(run: Run) -> Run:
    """The run, with the cells of its checks in the header."""
    seen = {check.cell: check for check in run.checks}
    cells = [facts_of(check, number) for number, check in enumerate(seen.values())]
    return replace(run, header=replace(run.header, cells=cells))


def facts_of(check: Check, number: int) -> CellFacts:
    """What a scenario says of a check's cell."""
    return CellFacts(
        id=check.cell,
        scenario=check.scenario,
        case=check.case,
        point={},
        title=f"{check.scenario.rpartition('/')[2]}, {check.case}",
        why="A value must come back as it was sent.",
        op="fetch_val",
        sql=f"select value_{number} from types where id = $1",
    )


# --- a whole catalogue ----------------------------------------------------------------

FAMILIES, CELLS_EACH, CAUSES = 30, 12, 150
PROFILES = ("default", "configured")


def catalogue() -> list[Run]:
    """The small one's times; many causes, declared and not, in two profiles."""
    empty = fake_runs.check(types=())
    checks = [
        _catalogue_check(family, number, driver, profile)
        for family in range(FAMILIES)
        for number in range(CELLS_EACH)
        for driver in fake_runs.SPEED
        if "+" not in driver
        for profile in PROFILES
    ]
    return [small()[0], asked(replace(empty, checks=checks))]


def _catalogue_check(family: int, number: int, driver: str, profile: str) -> Check:
    place = family * CELLS_EACH + number
    luck = (7 * place + 3 * len(driver)) % 10
    verdict = ("lossy", "differs", "rejected", "broken")[place % 4] if luck < 2 else "exact"
    if driver == "psqlpy" and place % 11 == 0:
        verdict = "unsupported"
    cause = place % CAUSES
    texts = ("", "", "") if verdict in ("exact", "unsupported") else (
        f"reason {cause}: what was sent came back as something else",
        f"{place}.000",
        f"{place}.001",
    )  # fmt: skip
    known = bool(texts[0]) and cause > 12
    return Check(
        scenario=f"family-{family:02d}/scenario",
        case=f"case-{number}",
        cell=f"family-{family:02d}/scenario#case-{number}",
        driver=driver,
        profile=profile,
        judgement=judged(verdict, *texts),
        expected_verdict=verdict if known else "",
        deviation=f"declared reason {cause} of {driver}" if known else "",
        link="https://example.org/issue" if known else "",
    )


# --- hostile names --------------------------------------------------------------------


def hostile() -> list[Run]:
    """Names and texts that are markup, code, control characters, or far too long."""
    arms = [arm_facts(name) for name in HOSTILE]
    rows = [
        (
            f"family/{name}",
            name,
            {"rows": n},
            name,
            name,
            "fetch_all",
            "rows",
            10,
            0,
            30 * n,
        )
        for name in HOSTILE[:5]
        for n in (1, 2, 3)
    ]
    measured = fake_runs.bench(rows=rows, arms=arms, rounds=6, slices=2)
    cells = [replace(cell, sql=cell.title) for cell in measured.header.cells]
    measured = replace(measured, header=replace(measured.header, cells=cells))
    empty = fake_runs.check(types=(), drivers=HOSTILE)
    checks = [_hostile_check(text, driver) for text in HOSTILE for driver in HOSTILE]
    return [measured, asked(replace(empty, checks=checks))]


def _hostile_check(text: str, driver: str) -> Check:
    return Check(
        scenario=f"{text}/scenario",
        case=text,
        cell=f"{text}/scenario#{text}",
        driver=driver,
        profile=text,
        judgement=judged("lossy", text, text, text),
        drift=text,
        deviation=text,
        link="javascript:alert(3)",
    )
