"""The search itself: batches of literals go to one driver until something is not right.

Each literal is a cell of its own, the same that a `[[value]]` makes, with the same
oracle, worker and judge. What a search shares for speed is the session: the worker
binds one cell after another on it, and gets a fresh one after anything but a value or a
clear error. What was found is asked once more, alone and in a session of its own.
"""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, Phase, Verbosity, find, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import HypothesisException, HypothesisWarning

from harness.core.arms import Arm
from harness.core.cells import BenchSpec, Cell
from harness.core.errors import DriverError, OracleError, WorkerGone
from harness.core.verdicts import Judgement, Verdict, stopped
from harness.fuzz import strategies
from harness.fuzz.findings import Finding, FindingKind, kind_of, simplest
from harness.play.process import judgement
from harness.play.seat import Deadlines, Seat
from harness.scenario import value_cells
from harness.scenario.tables import Direction, ValueTable
from harness.venue.control import Control
from harness.venue.stage import Playable
from harness.venue.venue import Venue

BAD = (Verdict.BROKEN, Verdict.CRASHED, Verdict.HUNG, Verdict.LOSSY)
DEADLINES = Deadlines(open=15.0, verify=5.0)
SCENARIO = "fuzz"

# A type that is wrong in many ways must not use up the time of all others.
MAX_KINDS = 4
FIRST_KINDS = 2
MOST_SHRINKING = 250  # of literals; one that costs a worker counts for many
_COST = {Verdict.HUNG: 100, Verdict.CRASHED: 20}
FIRST_BATCHES = 2
MOST_BATCHES = 200
_READS = ("read", "array-read", "array-null")
_HEALTHY = (Verdict.EXACT, Verdict.DIFFERS, Verdict.LOSSY, Verdict.REJECTED)


class OutOfTime(BaseException):
    """The search must stop at once. No `Exception`: Hypothesis would take it for a find."""


class _NotOffered(BaseException):
    """The driver does not have this direction: no other literal will change that."""


@dataclass(frozen=True, slots=True)
class Round:
    """One pass over all subjects: batches for each, and how many kinds it may have."""

    number: int
    batches: int
    kinds: int


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """What is searched, for how long, and what counts as found."""

    arms: tuple[Arm, ...]
    types: tuple[str, ...]
    directions: tuple[Direction, ...]
    seconds: float
    seed: int
    batches: int = 0
    bad: tuple[Verdict, ...] = BAD

    def rounds(self) -> Iterator[Round]:
        """Everything a little, then more of it."""
        if self.batches:
            yield Round(0, self.batches, MAX_KINDS)
            return
        number, size = 0, FIRST_BATCHES
        while True:
            yield Round(number, size, min(FIRST_KINDS + number, MAX_KINDS))
            number, size = number + 1, min(2 * size, MOST_BATCHES)


@dataclass
class Subject:
    """One type in one direction for one driver, with what is known of it already."""

    type: str
    direction: Direction
    arm: Arm
    known: set[FindingKind] = field(default_factory=set)
    examples: int = 0
    offered: bool = True

    def open(self, kinds: int) -> bool:
        """Whether there is anything left to look for."""
        return self.offered and len(self.known) < kinds


Tell = Callable[[Subject], None]
Found = Callable[[Finding], None]


class Oracle:
    """Cells with their answers, asked once for all drivers; one type and direction."""

    def __init__(self, place: Venue, pg_type: str, direction: Direction) -> None:
        self._place = place
        self._type = pg_type
        self._direction = direction
        self._asked: dict[str, Playable | None] = {}

    def play(self, literal: str) -> Playable | None:
        """The cell of a literal; None where the server, or Python, cannot say it."""
        if literal not in self._asked:
            self._asked[literal] = self._ask(literal)
        return self._asked[literal]

    def _ask(self, literal: str) -> Playable | None:
        writes = self._direction not in _READS
        if writes and self._type in ("json", "jsonb") and not strategies.sayable(literal):
            return None
        try:
            return self._place.stage.prepare(cell(self._type, self._direction, literal))
        except OracleError:
            return None

    def forget(self) -> None:
        """Remove the files of all cells."""
        for play in self._asked.values():
            if play is not None:
                play.path.unlink(missing_ok=True)
        self._asked.clear()


def cell(pg_type: str, direction: Direction, literal: str) -> Cell:
    """The cell that a `[[value]]` of this literal makes.

    Emptying the table between two COPYs costs less than making the schema anew.
    """
    table = ValueTable(type=pg_type, literals=[literal], directions=(direction,))
    (made,) = value_cells(table, SCENARIO)
    if made.expect.state:
        made = replace(made, bench=BenchSpec("full", "ops", 1, "truncate v", ()))
    return made


class Player:
    """A driver's seat, with a session that is kept from one literal to the next."""

    def __init__(self, place: Venue, control: Control, arm: Arm) -> None:
        self.seat = Seat(arm, place.stage, control, place.folder, [], DEADLINES)
        self._session: tuple[tuple[str, str], ...] | None = None

    def judge(self, play: Playable) -> Judgement:
        """What becomes of a cell. Whatever happens to the worker is its verdict."""
        try:
            if play.cell.expect.state:
                return self.alone(play)
            judged = self._bind(play)
            if judged.verdict is Verdict.EXACT:
                judged = judgement(self.seat.ask("verify", DEADLINES.verify))
        except WorkerGone as gone:
            self._session = None
            judged = stopped(gone)
        if judged.verdict not in _HEALTHY:
            self.leave()
        return judged

    def alone(self, play: Playable) -> Judgement:
        """The same in a session of the cell's own, as a check does it."""
        self.leave()
        try:
            judged = self.seat.open(play)
            if judged.verdict is Verdict.EXACT:
                judged = self.seat.verify(play)
        except WorkerGone as gone:
            judged = stopped(gone)
        self.seat.close()
        return judged

    def leave(self) -> None:
        """Give the session up."""
        if self._session is not None:
            self._session = None
            self.seat.close()

    def _bind(self, play: Playable) -> Judgement:
        if self._session == play.cell.settings:
            return judgement(self.seat.ask("rebind", DEADLINES.open, task=str(play.path)))
        self.leave()
        judged = self.seat.open(play)
        if judged.verdict is Verdict.EXACT:
            self._session = play.cell.settings
        return judged


class Hunt:
    """One search: a subject, its oracle, its player. Ends at a deadline."""

    def __init__(
        self,
        subject: Subject,
        oracle: Oracle,
        player: Player,
        plan: SearchPlan,
        deadline: float,
        tell: Tell,
    ) -> None:
        self.subject = subject
        self._oracle = oracle
        self._player = player
        self._plan = plan
        self._deadline = deadline
        self._tell = tell
        self._judged: dict[str, Judgement] = {}
        self._target: FindingKind | None = None
        self._examples: dict[str, Judgement] = {}
        self._shrinking = 0  # literals asked since a bad one was found

    def run(self, turn: Round) -> Iterator[Finding]:
        """Findings of kinds that were not known, each made small."""
        seed = self._plan.seed * 1000 + turn.number
        strategy = _batches(strategies.of(self.subject.type))
        while self.subject.open(turn.kinds):
            self._target, self._examples = None, {}
            with suppress(OutOfTime):
                self._find(strategy, turn.batches, seed)
            if self._target is not None:
                self.subject.known.add(self._target)
                yield self._finding()
            if time.monotonic() >= self._deadline:
                raise OutOfTime
            if self._target is None:
                return

    def _find(
        self, strategy: st.SearchStrategy[list[list[str]]], batches: int, seed: int
    ) -> None:
        # NoSuchExample is the good news; a flaky driver has been noted by then.
        with suppress(HypothesisException, _NotOffered), warnings.catch_warnings():
            warnings.simplefilter("ignore", HypothesisWarning)
            find(
                strategy,
                self._is_bad,
                settings=settings(
                    max_examples=batches,
                    database=None,
                    deadline=None,
                    phases=(Phase.generate, Phase.shrink),
                    suppress_health_check=list(HealthCheck),
                    verbosity=Verbosity.quiet,
                    report_multiple_bugs=False,  # the next kind has a search of its own
                ),
                random=random.Random(seed),
            )

    def _is_bad(self, batch: list[list[str]]) -> bool:
        self._check_time()
        return any(self._hits(literal) for row in batch for literal in row)

    def _hits(self, literal: str) -> bool:
        judged = self._judge(literal)
        if judged is None or judged.verdict not in self._plan.bad:
            return False
        kind = kind_of(judged)
        if kind in self.subject.known:
            return False
        if self._target is None:
            self._target = kind
            self._shrinking = 0
        if kind != self._target:
            return False
        self._examples[literal] = judged
        return True

    def _judge(self, literal: str) -> Judgement | None:
        """What becomes of a literal, asked once; None where the server refuses it."""
        if literal in self._judged:
            return self._judged[literal]
        play = self._oracle.play(literal)
        if play is None:
            return None
        self._check_time()
        self.subject.examples += 1
        judged = self._judged[literal] = self._player.judge(play)
        self._shrinking += _COST.get(judged.verdict, 1)
        if judged.verdict is Verdict.UNSUPPORTED:
            self.subject.offered = False
        self._tell(self.subject)
        if not self.subject.offered:
            raise _NotOffered
        return judged

    def _check_time(self) -> None:
        if time.monotonic() >= self._deadline:
            raise OutOfTime
        # Counted and not timed, so that the same seed finds the same on a slow day.
        if self._target and self._shrinking >= MOST_SHRINKING:
            raise OutOfTime

    def _finding(self) -> Finding:
        literal = simplest(self._examples)
        first = self._examples[literal]
        play = self._oracle.play(literal)
        assert play is not None
        again = self._player.alone(play)
        subject = self.subject
        return Finding(
            type=subject.type,
            driver=subject.arm.name,
            profile=subject.arm.profile,
            direction=subject.direction,
            literal=literal,
            judgement=first,
            examples=subject.examples,
            confirmed=again.verdict is first.verdict,
        )


def _batches(literal: strategies.Literals) -> st.SearchStrategy[list[list[str]]]:
    """Lists of lists: about 36 literals a time, and any of them can be taken out."""
    return st.lists(st.lists(literal, min_size=1), min_size=1)


def search(place: Venue, plan: SearchPlan, tell: Tell, found: Found) -> None:
    """Search until the time is up, or nothing is left to search.

    `tell` hears of each example, `found` of each finding, when it is made.

    Raises:
        DriverError: a driver cannot be used.
    """
    subjects = [
        [Subject(pg_type, direction, arm) for arm in plan.arms]
        for direction in plan.directions
        for pg_type in plan.types
    ]
    # Where the time is not enough for everything, another seed shall see another part.
    random.Random(plan.seed).shuffle(subjects)
    # Hypothesis keeps tables of Unicode; they shall not lie about where the user works.
    set_hypothesis_home_dir(place.folder / "hypothesis")
    with Control(place.server.target) as control:
        players = {arm: Player(place, control, arm) for arm in plan.arms}
        try:
            _greet(players.values())
            deadline = time.monotonic() + plan.seconds
            _rounds(place, plan, players, subjects, deadline, tell, found)
        except OutOfTime:
            pass
        finally:
            set_hypothesis_home_dir(None)
            for player in players.values():
                player.seat.dismiss()


def _greet(players: Collection[Player]) -> None:
    """Start all workers, so that a driver that is not there is told before the search."""
    for player in players:
        player.seat.spawn()
    for player in players:
        try:
            assert player.seat.worker
        except WorkerGone as gone:
            raise DriverError(f"{player.seat.arm.name} cannot be used: {gone}") from gone


def _rounds(
    place: Venue,
    plan: SearchPlan,
    players: dict[Arm, Player],
    subjects: list[list[Subject]],
    deadline: float,
    tell: Tell,
    found: Found,
) -> None:
    for turn in plan.rounds():
        subjects = [
            group for group in subjects if any(sub.open(MAX_KINDS) for sub in group)
        ]
        if not subjects:
            return
        for group in subjects:
            oracle = Oracle(place, group[0].type, group[0].direction)
            try:
                for subject in group:
                    hunt = Hunt(subject, oracle, players[subject.arm], plan, deadline, tell)
                    for finding in hunt.run(turn):
                        found(finding)
            finally:
                oracle.forget()
