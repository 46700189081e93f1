"""What a session plays on: a server and seats, opened when the first test needs them.

Cells are played one after another, in the process of their test. With xdist, processes
share one server; cells that restart a server, or need one of pgdyno's own beside it, get
one of their process's own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import cached_property

import pytest

from harness import servers
from harness.check import known as knowledge
from harness.check.checker import DEADLINES
from harness.check.expectations import version_of
from harness.check.known import Known
from harness.check.playing import check_of, judged_in
from harness.cli import options
from harness.core.arms import Arm
from harness.core.cells import Cell
from harness.core.errors import PgdynoError
from harness.core.verdicts import Judgement
from harness.play.seat import Seat
from harness.pytest_plugin import asked, sharing
from harness.pytest_plugin.asked import PytestOptions
from harness.pytest_plugin.outcomes import PlayedCheck
from harness.servers import ServerSpec
from harness.servers.rigs import Rigs
from harness.venue import venue
from harness.venue.stage import Playable
from harness.venue.venue import Venue

CONNECTIONS = 300
"""What a managed server grants: the tests of all processes and what they measure."""
_OWN = frozenset(("owned", *Rigs.KINDS))
"""What only a server of pgdyno's own has, and nobody else may use meanwhile."""


class Ground:
    """An open venue with a seat for each arm that has played there."""

    def __init__(self, place: Venue) -> None:
        self.place = place
        self._seats: dict[Arm, Seat] = {}
        self._last: tuple[Cell, Playable | Judgement] | None = None

    def judged(self, cell: Cell, arm: Arm) -> tuple[Judgement, Mapping[str, str]]:
        """What became of a cell, and the terms under which it was played."""
        play = self._playable(cell)
        if isinstance(play, Judgement):
            return play, {}
        seat = self._seats.get(arm) or self._seats.setdefault(arm, self._seat(arm))
        if cell.expect.sessions is not None:  # which would count those of others
            for other in self._seats.values():
                other.retire()
        return judged_in(seat, play), seat.terms

    def close(self) -> None:
        """End all workers."""
        for seat in self._seats.values():
            seat.dismiss()

    def _playable(self, cell: Cell) -> Playable | Judgement:
        """The cell with its right answers; the arms of a cell come one after another."""
        if self._last is None or self._last[0] is not cell:
            self._last = (cell, self.place.stage.playable(cell))
        return self._last[1]

    def _seat(self, arm: Arm) -> Seat:
        place = self.place
        return Seat(arm, place.stage, place.control, place.folder, [], DEADLINES)


class Playing:
    """A session's server and what is known of drivers; closed when pytest ends."""

    def __init__(self, config: pytest.Config) -> None:
        self.asked: PytestOptions = asked.of(config)
        self._config = config
        self._stack = contextlib.ExitStack()
        self._grounds: dict[bool, Ground | PgdynoError] = {}
        config.add_cleanup(self._stack.close)

    def check(self, cell: Cell, arm: Arm) -> PlayedCheck:
        """Play a cell, and mark it with what was known of it."""
        known = self.known  # environments are made before anybody waits for an arm
        ground = self.ground(own=not _OWN.isdisjoint(cell.needs))
        judged, terms = ground.judged(cell, arm)
        lacking = bool(ground.place.stage.lacks(cell))
        marked = known.mark(check_of(arm, cell, judged), terms, lacking=lacking)
        return PlayedCheck(
            marked, version_of(terms), self.asked.server, ground.place.facts.version
        )

    def ground(self, *, own: bool = False) -> Ground:
        """The server of this session; `own` is for what nobody may share.

        Raises:
            PgdynoError: there is none; every test that needs it is told the same.
        """
        own = own and sharing.is_shared(self._config, self.asked.server)
        if own not in self._grounds:
            try:
                self._grounds[own] = self._opened(own)
            except PgdynoError as error:
                self._grounds[own] = error
        found = self._grounds[own]
        if isinstance(found, PgdynoError):
            raise found
        return found

    @cached_property
    def known(self) -> Known:
        """Expectations and declared deviations, for the server of this session."""
        major = self.ground().place.facts.version_num // 10_000
        return knowledge.read(self.asked.baselines, major, self._arms)

    @cached_property
    def _arms(self) -> list[Arm]:
        """The arms of this session, with their environments made."""
        arms = self.asked.arms()
        options.make_environments(arms)
        return arms

    def _opened(self, own: bool) -> Ground:
        enter: Callable[[contextlib.AbstractContextManager[Venue]], Venue]
        enter = self._stack.enter_context
        ground = Ground(enter(venue.opened(self._spec(own))))
        self._stack.callback(ground.close)
        return ground

    def _spec(self, own: bool) -> ServerSpec:
        """Where PostgreSQL comes from: the user's word, or what all processes share."""
        text = self.asked.server
        if not own and sharing.is_shared(self._config, text):
            text = self._stack.enter_context(sharing.joined(self._config, text))
        return servers.parse(text, max_connections=CONNECTIONS)


def ground_for(config: pytest.Config) -> Ground:
    """The server of this session for a fixture, whose failure needs no traceback."""
    try:
        return of(config).ground()
    except PgdynoError as error:
        said = asked.told(error)
    pytest.fail(said, pytrace=False)


_KEY = pytest.StashKey[Playing]()


def of(config: pytest.Config) -> Playing:
    """What this session plays on."""
    if _KEY not in config.stash:
        config.stash[_KEY] = Playing(config)
    return config.stash[_KEY]
