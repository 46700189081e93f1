"""`pg_arm`: is the user's own library slower than it was? A gate on one function.

Base is a commit, head the working tree. A round is a fresh process of each; slices of both
take turns in random order, and the round's value is the median over its passes of
log(head / base). Rounds go on until the interval is narrow enough or their number is
reached: on its width, never on what it says. What is a regression, the gate decides.
"""

from __future__ import annotations

import builtins
import inspect
import math
import random
import textwrap
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from dis import get_instructions
from pathlib import Path
from statistics import median
from types import CodeType
from typing import Any

import pytest

from harness import settings
from harness.analysis import gate
from harness.analysis.changes import CellChange, Comparison
from harness.analysis.gate import Gate
from harness.core import stats
from harness.core.errors import PgdynoError, UsageError
from harness.core.verdicts import Change
from harness.pytest_plugin import asked, projects
from harness.pytest_plugin.arm_process import FLAGS
from harness.pytest_plugin.racing import ArmFailed, Racer, SourceText
from harness.pytest_plugin.reporting import ARM
from harness.pytest_plugin.timing import SlicePlan, plan, warm_up_ops
from harness.report.format import duration, figures

ROUNDS = (6, 15)
PASSES = 20


@dataclass(frozen=True, slots=True)
class ArmResult:
    """How head compares with base; `ratio`, `low` and `high` are × base's time."""

    change: Change
    ratio: float
    low: float
    high: float
    rounds: int
    base_ns: float
    head_ns: float
    reason: str
    margin: float

    def __str__(self) -> str:
        text = (
            f"{self.change}: × {figures(self.ratio)} ({figures(self.low)} … "
            f"{figures(self.high)}, {self.rounds} rounds, margin ±{self.margin:.0%}); "
            f"base {duration(self.base_ns)}, head {duration(self.head_ns)} per call"
        )
        return f"{text}; {self.reason}" if self.reason else text


class ArmFixture:
    """What a test calls: `pg_arm(function, base="git:main")`."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self._root = request.config.rootpath

    def __call__(
        self,
        function: Callable[..., Any],
        *,
        base: str,
        project: str = ".",
        extras: Sequence[str] = (),
        needs: Sequence[str] = (),
        margin: float | None = None,
    ) -> ArmResult:
        """Compare what a function times between a commit and the working tree.

        Args:
            function: it has everything it needs inside, its imports included, and returns
                a function without arguments, sync or async, which is timed. With a
                parameter it is given this test's `pg_target`.
            base: the commit, as `git:main`.
            project: the folder with the `pyproject.toml`, below pytest's root folder.
            extras: those of the project that both copies are installed with.
            needs: what else they are installed with, such as `psycopg[binary]`.
            margin: the share that counts as the same; that of the project by default.
        """
        __tracebackhide__ = True
        try:
            return self._compared(function, base, project, extras, needs, margin)
        except PgdynoError as error:
            said = asked.told(error)
        pytest.fail(said, pytrace=False)

    def _compared(
        self,
        function: Callable[..., Any],
        base: str,
        project: str,
        extras: Sequence[str],
        needs: Sequence[str],
        margin: float | None,
    ) -> ArmResult:
        __tracebackhide__ = True
        revision, folder = projects.revision_of(base), self._root / project
        text = source_of(function)
        rules = self._rules(margin)
        if reason := projects.missing_base(folder, revision):
            pytest.skip(f"nothing to compare with: {reason}")
        copies = projects.copies(folder, revision, extras, needs, print)
        target = self._target() if text.wants_target else {}
        title = Comparison(base, "working tree", True, rules.threshold, rules.alpha)
        result = self._raced(copies, text, target, title, rules)
        self._note(result)
        if result.change is Change.REGRESSED:
            said = f"{function.__name__}, {base} ({copies.base_key}) → working tree"
            pytest.fail(f"{said}\n{result}", pytrace=False)
        return result

    def _raced(
        self,
        copies: projects.ProjectCopies,
        text: SourceText,
        target: dict[str, Any],
        title: Comparison,
        rules: Gate,
    ) -> ArmResult:
        __tracebackhide__ = True
        race = Race(copies, text, target, self._folder())
        try:
            race.run(math.log1p(rules.margin(self._request.node.nodeid)))
        except ArmFailed as error:
            failure = error
        else:
            return judged(race, self._request.node.nodeid, title, rules)
        if failure.side == "base":
            pytest.skip(f"nothing to compare with: base cannot run it: {failure.gist}")
        pytest.fail(f"head cannot run it\n{failure}", pytrace=False)

    def _rules(self, margin: float | None) -> Gate:
        """The margins of the project, unless the test has its own."""
        own = settings.load(self._root)
        if margin is not None:
            if not 0 < margin < 1:
                raise UsageError(f"margin={margin} must lie between 0 and 1, as 0.05")
            return Gate(threshold=margin)
        usual = gate.THRESHOLD if own.margin is None else own.margin
        return Gate(threshold=usual, margins=own.margins)

    def _target(self) -> dict[str, Any]:
        return asdict(self._request.getfixturevalue("pg_target"))

    def _folder(self) -> Path:
        return Path(self._request.getfixturevalue("tmp_path"))

    def _note(self, result: ArmResult) -> None:
        self._request.node.user_properties += [
            (f"{ARM}_change", str(result.change)),
            (f"{ARM}_ratio", round(result.ratio, 4)),
            (f"{ARM}_low", round(result.low, 4)),
            (f"{ARM}_high", round(result.high, 4)),
            (f"{ARM}_rounds", result.rounds),
            (f"{ARM}_text", str(result)),
        ]


def source_of(function: Callable[..., Any]) -> SourceText:
    """A function as text that another process can run.

    Raises:
        UsageError: it is no `def`, or uses something from outside of itself.
    """
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise UsageError(
            f"pg_arm needs a function that stands in a file: {error}"
        ) from None
    name = getattr(function, "__name__", "")
    if not text.startswith((f"def {name}(", f"async def {name}(")):
        raise UsageError(f"pg_arm needs a plain `def`, not {name or text[:40]!r}")
    outside = sorted(_from_outside(text) - {name})
    if outside:
        raise UsageError(
            f"{name} runs in another process and uses {', '.join(outside)} from outside",
            hint="import and define inside of it what it needs",
        )
    return SourceText(text, name, bool(inspect.signature(function).parameters))


def _from_outside(text: str) -> set[str]:
    """The names that a function takes from its module: of what it is as text, because
    pytest rewrites the assertions of what it has loaded."""
    top = compile(text, "<function>", "exec", FLAGS, dont_inherit=True)
    names = {step.argval for step in get_instructions(top) if step.opname == "LOAD_NAME"}
    codes = [top]
    while codes:
        code = codes.pop()
        codes += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
        steps = get_instructions(code)
        names |= {step.argval for step in steps if step.opname == "LOAD_GLOBAL"}
    return names - set(dir(builtins))


class Race:
    """Rounds of two processes; `ratios` is log(head / base), one value per round."""

    def __init__(
        self,
        copies: projects.ProjectCopies,
        text: SourceText,
        target: dict[str, Any],
        folder: Path,
    ) -> None:
        self._sides = {"base": copies.base, "head": copies.head}
        self._text = text
        self._target = target
        self._folder = folder
        self._order = random.SystemRandom()
        self._plan: SlicePlan | None = None
        self.ratios: list[float] = []
        self.ns: dict[str, list[float]] = {"base": [], "head": []}

    def run(self, margin: float) -> None:
        """Rounds until the interval is half as wide as the margin, or all of them."""
        fewest, most = ROUNDS
        while len(self.ratios) < most:
            self._round()
            if len(self.ratios) >= fewest and _is_narrow(self.ratios, margin):
                return

    def _round(self) -> None:
        """Fresh processes, warmed up, then passes of both."""
        with ExitStack() as stack:
            racers = {
                side: stack.enter_context(
                    Racer(side, self._sides[side], self._text, self._target, self._folder)
                )
                for side in self._shuffled()
            }
            warm = [_warmed_up(racer) for racer in racers.values()]
            # By the slower side: what got slow a thousandfold must not take as much longer.
            self._plan = self._plan or plan(max(warm))
            count = min(PASSES, self._plan.slices)
            passes = [self._pass(racers, self._plan) for _ in range(count)]
        self.ratios.append(
            median(stats.log_ratio(taken["head"], taken["base"]) for taken in passes)
        )
        for side, found in self.ns.items():
            found.append(median(taken[side] for taken in passes) / self._plan.ops)

    def _pass(self, racers: dict[str, Racer], chosen: SlicePlan) -> dict[str, int]:
        return {
            side: racers[side].slice_ns(chosen.lead, chosen.ops)
            for side in self._shuffled()
        }

    def _shuffled(self) -> list[str]:
        return self._order.sample(list(self._sides), 2)


def _warmed_up(racer: Racer) -> float:
    """About how long a call takes, ns, in a process that is warm now."""
    count = warm_up_ops(racer.slice_ns(0, 1))
    warm_ns = racer.slice_ns(0, count)
    racer.collect()
    return warm_ns / count


def _is_narrow(ratios: Sequence[float], margin: float) -> bool:
    found = stats.hodges_lehmann(ratios)
    if found.low is None or found.high is None:
        return False
    return found.high - found.low <= margin


def judged(race: Race, cell: str, title: Comparison, rules: Gate) -> ArmResult:
    """What the gate says of a race."""
    row = CellChange(
        cell=cell,
        arm="head",
        change=Change.INCONCLUSIVE,
        base_rounds=len(race.ratios),
        candidate_rounds=len(race.ratios),
        shift=stats.hodges_lehmann(race.ratios),
        trimmed=stats.trimmed_mean(race.ratios),
        spread=stats.spread(race.ratios),
        p=stats.signed_rank_p(race.ratios),
    )
    (found,) = gate.judge_all([row], title, rules)
    assert found.shift is not None
    assert found.shift.low is not None
    assert found.shift.high is not None
    return ArmResult(
        change=found.change,
        ratio=math.exp(found.shift.point),
        low=math.exp(found.shift.low),
        high=math.exp(found.shift.high),
        rounds=len(race.ratios),
        base_ns=median(race.ns["base"]),
        head_ns=median(race.ns["head"]),
        reason=found.reason,
        margin=found.margin,
    )
