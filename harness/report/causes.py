"""What is behind the checks that are not right, as a list to work through.

What nobody has declared, and what drifted, comes first; then by verdict, then by how many
questions share the cause. Each has its smallest example, and how to see it happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.core.verdicts import Verdict
from harness.report import checked, wording
from harness.report import format as fmt
from harness.report.checked import Cause
from harness.report.commands import one_line, path_of
from harness.report.matrix import concern
from harness.report.titles import titles
from harness.results.records import CellFacts, Check, Run

GRAVE = (Verdict.BROKEN, Verdict.CRASHED, Verdict.HUNG, Verdict.LOSSY)
_QUIET = (Verdict.EXACT, Verdict.SKIPPED, Verdict.UNSUPPORTED)
_SQL, _VALUE = 160, 90


@dataclass(frozen=True, slots=True)
class CauseExample:
    """One check of a cause, as small as there is: what was asked, what came, what was due,
    and the command that shows it."""

    cell: str
    title: str
    sql: str
    observed: str
    expected: str
    command: str


@dataclass(frozen=True, slots=True)
class CauseView:
    """A cause. `key` is what the address of a page calls it; `new` is what nobody has
    declared or expected; `drivers` is empty where it is all of them; `link` is where the
    library's maintainers speak of it, if that is a page of the web."""

    key: str
    verdict: Verdict
    new: bool
    drivers: tuple[str, ...]
    reason: str
    cells: tuple[str, ...]
    families: tuple[str, ...]
    example: CauseExample
    link: str

    def concerns(self, driver: str) -> bool:
        """Whether this driver is wrong for this cause, too."""
        return not self.drivers or driver in self.drivers

    @property
    def news(self) -> bool:
        """What a reader should look at today: nobody knows it, and it is no trifle."""
        return self.new and (self.verdict in GRAVE or self.verdict is Verdict.EXACT)

    @property
    def who(self) -> str:
        """The drivers, as a reader calls them."""
        return ", ".join(self.drivers) or "all drivers"


def views(runs: Sequence[Run]) -> tuple[CauseView, ...]:
    """The causes of all wrong checks of these runs."""
    checks = [check for run in runs for check in run.checks]
    facts = {cell.id: cell for run in runs for cell in run.header.cells}
    called = {id(check): run.header.command for run in runs for check in run.checks}
    return of_checks(checks, facts, called)


def worst_first(causes: Iterable[CauseView]) -> list[CauseView]:
    """What is news, then the worst verdict."""
    return sorted(causes, key=lambda cause: (not cause.news, -concern(cause.verdict)))


def of_checks(
    checks: Sequence[Check],
    facts: Mapping[str, CellFacts],
    called: Mapping[int, Sequence[str]],
) -> tuple[CauseView, ...]:
    """The same of checks from anywhere, with what is known of their cells, and the command
    line by the id of a check where cells of files outside the catalogue were asked."""
    wrong = [c for c in checks if c.drift or c.verdict not in _QUIET]
    named = titles(facts.values())
    return tuple(
        _view(str(number), cause, new, facts, named, called)
        for number, (new, cause) in enumerate(_grouped(wrong, checks), 1)
    )


def _grouped(
    wrong: Sequence[Check], checks: Sequence[Check]
) -> Iterator[tuple[bool, Cause]]:
    """Undeclared causes and drifts, then the others; each the worst first."""
    fresh = [check for check in wrong if _is_new(check)]
    known = [check for check in wrong if not _is_new(check)]
    for new, some in ((True, fresh), (False, known)):
        yield from ((new, cause) for cause in checked.causes(some, checks))


def _is_new(check: Check) -> bool:
    """Whether it is neither declared nor what was expected, or not what it was; what is
    invalid is our own fault."""
    if check.verdict is Verdict.INVALID:
        return False
    expected = check.expected_verdict == check.verdict
    return bool(check.drift) or not (check.deviation or expected)


def _view(
    key: str,
    cause: Cause,
    new: bool,
    facts: Mapping[str, CellFacts],
    named: Mapping[str, str],
    called: Mapping[int, Sequence[str]],
) -> CauseView:
    check = min(cause.checks, key=lambda check: _size(check, facts))
    return CauseView(
        key=key,
        verdict=cause.verdict,
        new=new,
        drivers=cause.drivers,
        reason=_placed(cause, check, named),
        cells=cause.cells,
        families=tuple(dict.fromkeys(cell.partition("/")[0] for cell in cause.cells)),
        example=_example(check, facts, named, called.get(id(check), ())),
        link=check.link if check.link.startswith(("https://", "http://")) else "",
    )


def _placed(cause: Cause, check: Check, named: Mapping[str, str]) -> str:
    """The reason; that of several steps says nothing without what the steps are for."""
    if check.deviation or not check.facts.get("step"):
        return cause.reason
    where = "in" if len(cause.cells) == 1 else "as in"
    return f"{cause.reason}, {where} “{named.get(check.cell, check.cell)}”"


def _size(check: Check, facts: Mapping[str, CellFacts]) -> tuple[bool, int, str]:
    """Smaller is what shows both sides, in fewer letters."""
    cell = facts.get(check.cell)
    shown = bool(check.observed and check.expected)
    letters = len(check.observed) + len(check.expected) + (len(cell.sql) if cell else 0)
    return not shown, letters, check.cell


def _example(
    check: Check,
    facts: Mapping[str, CellFacts],
    named: Mapping[str, str],
    called: Sequence[str],
) -> CauseExample:
    cell = facts.get(check.cell)
    profile = ("--profile", check.profile) if check.profile != "default" else ()
    return CauseExample(
        cell=check.cell,
        title=named.get(check.cell, check.cell),
        sql=fmt.shorten(" ".join(cell.sql.split()), _SQL) if cell else "",
        observed=fmt.shorten(wording.came(check), _VALUE),
        expected=fmt.shorten(wording.due(check), _VALUE),
        command=one_line(
            "pgdyno", "show", path_of(check.cell, called[1:]), "--driver", check.driver,
            *profile, "--run",
        ),
    )  # fmt: skip
