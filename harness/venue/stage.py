"""Where cells are played: schemas of our own, their fixtures, and the state they leave.

On a borrowed server nothing outside these schemas is touched. An advisory lock, held
by the control connection for as long as the run lives, tells a later run which schemas
were left behind by one that was killed.
"""

from __future__ import annotations

import contextlib
import itertools
import pickle
import re
import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from harness.core import interrupt
from harness.core.calls import Target
from harness.core.cells import Cell
from harness.core.errors import OracleError, PgdynoError, ServerError
from harness.core.verdicts import EXACT, Code, Judgement, Verdict, stopped
from harness.results.records import ServerFacts
from harness.servers import Server
from harness.servers.rigs import Rigs
from harness.servers.routes import Routes
from harness.venue import cycles, limits
from harness.venue.control import (
    FIXTURE_S,
    ORACLE_S,
    QUERY_CANCELED,
    Control,
    connected,
)
from harness.venue.housekeeping import Housekeeping, housekeeping
from harness.venue.needs import ServerNeeds
from harness.venue.oracle import Prepared, count_rows, prepare, read_state

_LOCK_SPACE = 0x7067  # "pg": the first key of our advisory locks
_STRIKE_S = 5.0
"""How long a server may take to drop a schema: it is the end, and somebody waits."""
_LENT_S = 5
"""How long a schema that was lent may stay locked by the sessions of who had it."""
_OURS = re.compile(r"pgdyno_([0-9a-f]{7})_\d+")


@dataclass(frozen=True, slots=True)
class Playable:
    """A prepared cell with the file that workers load it from."""

    prepared: Prepared
    path: Path

    @property
    def cell(self) -> Cell:
        """The cell itself."""
        return self.prepared.cell


class Stage:
    """The schemas of one run on one server."""

    def __init__(
        self,
        control: Control,
        facts: ServerFacts,
        server: Server,
        folder: Path,
    ) -> None:
        self.control = control
        self.facts = facts
        self.server = server
        self.folder = folder
        self.run = secrets.token_hex(4)[:7]
        self._numbers = itertools.count()
        self._schemas: dict[tuple[str, str, str], str] = {}
        self._made: set[str] = set()  # schemas whose fixture is complete
        self._locks: dict[str, threading.Lock] = {}
        self._endless: dict[str, OracleError] = {}  # fixture → how it did not end
        self.extension_schemas = self._find_extension_schemas()
        self.rigs = Rigs(server)
        self.routes = Routes(server)
        self._pools = False  # whether a pooler may have sessions
        self._needs = ServerNeeds(control, facts, self.rigs, managed=server.managed)
        self.unwritable = limits.unwritable(control)
        self.room = limits.room(control)
        self._share = self.room - limits.SESSIONS_OF_A_SEAT
        control.run(f"select pg_advisory_lock({_LOCK_SPACE}, {int(self.run, 16)})")
        self.remove_leftovers()

    # --- what the server has -----------------------------------------------------------

    def share(self, seats: int, most: int = 1) -> bool:
        """Let so many seats have sessions at once, `most` of them in any cell; whether that
        leaves each of them a control connection of its own."""
        each = self.room // max(1, seats)
        own = not self.tight and each - limits.SESSIONS_OF_A_SEAT >= most
        self._share = each - limits.SESSIONS_OF_A_SEAT if own else each
        return own

    @property
    def alone(self) -> bool:
        """Whether all sessions of the server are ours to count: a pooler's come and go."""
        return self.server.managed and not self._pools

    @property
    def tight(self) -> bool:
        """Whether the server grants so few sessions that one still ending is missed."""
        return self.room < limits.TIGHT_SESSIONS

    def lacks(self, cell: Cell) -> str:
        """Why the server cannot play this cell; empty if it can."""
        wanted = limits.sessions_of(cell)
        if wanted > self._share:
            return (
                f"it takes {wanted} {'session' if wanted == 1 else 'sessions'} "
                "of each driver at once, "
                f"and the server has room for {max(0, self._share)}"
            )
        if self.unwritable and limits.needs_schema(cell):
            return self.unwritable
        return self.missing(cell.needs) or self.routes.lacks(cell.condition)

    def missing(self, needs: Iterable[str]) -> str:
        """Which of these needs the server does not meet; empty if it meets all."""
        return self._needs.missing(needs)

    def _find_extension_schemas(self) -> tuple[str, ...]:
        found = self.control.table(
            "select distinct nspname from pg_extension e join pg_namespace n"
            " on n.oid = e.extnamespace where nspname <> 'pg_catalog' order by 1"
        )
        return tuple(str(row[0]) for row in found.rows) if found else ()

    # --- schemas ---------------------------------------------------------------------

    def schema(self, control: Control, cell: Cell, owner: str) -> str:
        """The schema in which `owner` plays a cell, made with its fixture if need be.

        A fixture of scope `run` is shared by all, and by the oracle.

        Raises:
            OracleError: the fixture's SQL failed.
        """
        name = self._named(cell, owner)
        with self._alone_in(name):
            if name and name not in self._made:
                self._make(control, name, cell)
        return name

    def fresh_schema(self, control: Control, cell: Cell, owner: str) -> str:
        """The same schema in the state in which a cell begins; `control` looks at it."""
        name = self._named(cell, owner)
        with self._alone_in(name):
            if name in self._made:
                self.renew(control, cell, name)
            elif name:
                self._make(control, name, cell)
            else:
                self._look(control, cell, name)
        return name

    @contextlib.contextmanager
    def lent_schema(self, owner: str) -> Iterator[tuple[str, Target]]:
        """An empty schema that is nobody else's, and how to connect to it; dropped at the
        end.

        Raises:
            ServerError: none can be made here.
            OracleError: it cannot be dropped, because a session holds a lock in it; it is
                tried again when the stage is struck.
        """
        if self.unwritable:
            raise ServerError(self.unwritable)
        name = f"pgdyno_{self.run}_{next(self._numbers)}"
        key = ("", "", f"lent to {owner} as {name}")
        self._schemas[key] = name
        self.control.create_schema(name)
        path = ", ".join(f'"{part}"' for part in self._path(name))
        try:
            yield name, replace(self.server.target, settings=(("search_path", path),))
        except PgdynoError:
            with contextlib.suppress(PgdynoError):  # what happened matters more
                self._take_back(key)
            raise
        self._take_back(key)

    def _take_back(self, key: tuple[str, str, str]) -> None:
        with self.control.taking(_LENT_S):
            self.control.drop_schema(self._schemas[key])
        del self._schemas[key]

    def _alone_in(self, name: str) -> threading.Lock:
        """Held while a schema is made: others may want the same one."""
        return self._locks.setdefault(name, threading.Lock())

    def _named(self, cell: Cell, owner: str) -> str:
        """The name of a schema, whether it is made or not; empty where none can be."""
        if self.unwritable or cell.search_path:
            return ""
        key = _schema_key(cell, owner)
        return self._schemas.setdefault(key, f"pgdyno_{self.run}_{next(self._numbers)}")

    def _make(self, control: Control, schema: str, cell: Cell) -> None:
        """Make a schema anew; one whose fixture fails is none, and is made again."""
        self._made.discard(schema)
        limit_s = FIXTURE_S if cell.fixture.sql else ORACLE_S
        control.remake_schema(schema, self._path(schema), limit_s)
        try:
            with control.taking(limit_s):
                self._fill(control, cell.fixture.sql)
        except OracleError as error:
            raise OracleError(f"the fixture of {cell.scenario} fails: {error}") from None
        self._made.add(schema)

    def _fill(self, control: Control, sql: str) -> None:
        """Run a fixture; one that did not end is not waited for by every cell again."""
        if sql in self._endless:
            raise self._endless[sql]
        if not sql:
            return
        try:
            control.run(sql)
        except OracleError as error:
            if error.sqlstate == QUERY_CANCELED:
                self._endless[sql] = error
            raise

    def use(self, control: Control, schema: str) -> None:
        """Let the control connection look at a schema; without one, only look."""
        control.only_read(not schema)
        control.use(*self._path(schema))

    def _look(self, control: Control, cell: Cell, schema: str) -> None:
        """Let it look where the sessions of a cell do."""
        if cell.search_path:
            control.only_read(True)
            control.use_servers()
        else:
            self.use(control, schema)

    def _path(self, schema: str) -> list[str]:
        """Where names are looked up: in a schema of ours, then where extensions are."""
        return [*filter(None, (schema, *self.extension_schemas))]

    def renew(self, control: Control, cell: Cell, schema: str) -> None:
        """Bring a schema back to the state in which a cell begins."""
        self._look(control, cell, schema)
        if cell.fixture.scope == "run":
            return
        if reset := cell.fixture.reset or (cell.bench.reset if cell.bench else ""):
            self._made.discard(schema)
            control.run(reset)
            self._made.add(schema)
        elif schema and (cell.expect.state or cell.steps):
            self._make(control, schema, cell)

    def place(self, cell: Cell, schema: str, application_name: str) -> Target:
        """Where a worker connects for a cell: the schema travels as a startup option."""
        path = ", ".join(f'"{name}"' for name in (schema, *self.extension_schemas))
        own = () if cell.search_path else (("search_path", path),)
        settings = (*own, *cell.settings)
        if not schema:  # what a case would write would be somebody else's
            settings = (*settings, ("default_transaction_read_only", "on"))
        target = replace(
            self.server.target, settings=settings, application_name=application_name
        )
        self._pools = self._pools or cell.condition.via == "pgbouncer"
        return self.routes.target(cell.condition, target)

    # --- cells -----------------------------------------------------------------------

    def playable(self, cell: Cell, control: Control | None = None) -> Playable | Judgement:
        """The cell, ready for drivers, or the judgement that nobody can play it."""
        if reason := self.lacks(cell):
            facts = {"message": reason}
            return Judgement(Verdict.SKIPPED, Code.SERVER_LACKS, reason, facts=facts)
        try:
            return self.prepare(cell, control)
        except OracleError as error:
            if self.unwritable and limits.refuses_writes(error):
                return Judgement(Verdict.SKIPPED, Code.SERVER_LACKS, self.unwritable)
            return stopped(error)

    def prepare(self, cell: Cell, control: Control | None = None) -> Playable:
        """Ask the oracle, and write the cell's inputs once for all workers.

        Several may prepare, each over a `control` of its own, but one fixture only one of
        them. Of steps nothing is asked, only whether their fixture can be made at all.
        """
        control = control or self.control
        begun = self.schema if cell.steps else self.fresh_schema
        begun(control, cell, "the oracle")
        asked = cycles.prepare if cell.mix or cell.in_calls else prepare
        prepared = asked(control, cell)
        path = self.folder / f"task-{next(self._numbers)}.pickle"
        path.write_bytes(pickle.dumps(prepared.task, protocol=pickle.HIGHEST_PROTOCOL))
        return Playable(
            replace(prepared, task=replace(prepared.task, rows=None, data=b"", parts=())),
            path,
        )

    def check_state(
        self, control: Control, play: Playable, schema: str, ops: int
    ) -> Judgement:
        """Whether `ops` ops left the state that the oracle's own work left in the twin.

        After a cycle of them it must be the very same; otherwise rows are counted, which
        takes the server a fraction of the time.
        """
        prepared, query = play.prepared, play.cell.expect.state
        if prepared.before is None or prepared.after is None:
            return EXACT
        self.use(control, schema)
        if ops != prepared.calls:
            wanted = prepared.rows_after(ops)
            return _counted(count_rows(control, query), wanted)
        found = read_state(control, query)
        assert found is not None
        counted = _counted(found.rows, prepared.after.rows)
        if counted is EXACT and found.digest != prepared.after.digest:
            return Judgement(
                Verdict.LOSSY,
                Code.WRONG_STATE,
                "what the server has afterwards differs from what was sent",
                found.sample,
                prepared.after.sample,
            )
        return counted

    def housekeeping(self) -> Housekeeping:
        """What the server has done by itself so far."""
        return housekeeping(self.control, self.facts.version_num)

    @contextlib.contextmanager
    def server_settings(self, cell: Cell) -> Iterator[None]:
        """A managed server's settings for the time of a block: durable commits, say."""
        wanted = cell.bench.server_settings if cell.bench else ()
        with contextlib.ExitStack() as undoing:
            undoing.callback(self._reload, bool(wanted))
            for name, value in wanted:
                self.control.run(f"alter system set {name} = '{value}'")
                undoing.callback(self.control.run, f"alter system reset {name}")
            self._reload(bool(wanted))
            yield

    def _reload(self, needed: bool) -> None:
        if needed:
            self.control.run("select pg_reload_conf()")
            time.sleep(0.05)  # a signal to every process; sessions opened later have it

    # --- the end ---------------------------------------------------------------------

    def remove_leftovers(self) -> None:
        """Drop schemas of runs that were killed: nobody holds their lock any more."""
        if self.unwritable:
            return
        found = self.control.table(
            "select nspname from pg_namespace where nspname like 'pgdyno\\_%'"
        )
        for (name,) in found.rows if found else ():
            match = _OURS.fullmatch(str(name))
            if match is None or match[1] == self.run:
                continue
            key = f"{_LOCK_SPACE}, {int(match[1], 16)}"
            if self.control.value(f"select pg_try_advisory_lock({key})") == "t":
                with contextlib.suppress(OracleError):  # another user's is not ours to drop
                    self.control.drop_schema(str(name))
                self.control.run(f"select pg_advisory_unlock({key})")

    def strike(self, control: Control) -> None:
        """Remove every schema of this run.

        Raises:
            OracleError: one of them cannot be dropped, though all were tried.
            ServerError: the server is gone, or silent; a later run drops them.
        """
        failures: list[OracleError] = []
        with control.within(_STRIKE_S):
            for key, name in list(self._schemas.items()):
                try:
                    control.drop_schema(name)
                    del self._schemas[key]
                except OracleError as error:  # somebody holds a lock on it, say
                    failures.append(error)
        if failures:
            raise failures[0]


def _counted(found: int, wanted: int) -> Judgement:
    """Whether the server has as many rows as it should."""
    if found == wanted:
        return EXACT
    return Judgement(
        Verdict.LOSSY,
        Code.WRONG_STATE,
        f"the server has {found} rows afterwards instead of {wanted}",
        f"{found} rows",
        f"{wanted} rows",
        {"rows": found, "expected_rows": wanted},
    )


def _schema_key(cell: Cell, owner: str) -> tuple[str, str, str]:
    """What has no fixture, and makes nothing, is played in one schema."""
    shared = cell.fixture.scope == "run"
    scenario = "" if is_bare(cell) else cell.scenario
    return scenario, cell.fixture.sql, "" if shared else owner


def is_bare(cell: Cell) -> bool:
    """Whether it reads, and no fixture: nothing in its schema is looked for or made."""
    writes = cell.steps or cell.expect.state or cell.fixture.scope != "run"
    return not (writes or cell.fixture.sql)


@contextlib.contextmanager
def staged(
    control: Control, facts: ServerFacts, server: Server, folder: Path
) -> Iterator[Stage]:
    """A stage that is struck at the end, also after a failure."""
    stage = Stage(control, facts, server, folder)
    try:
        yield stage
    except BaseException as error:
        if left := _struck(stage):
            error.add_note(left)
        raise
    else:
        if left := _struck(stage):
            raise ServerError(left)


def _struck(stage: Stage) -> str:
    """End what the run had on the server; what stays there, and why."""
    with interrupt.deferred():  # half of this would be left behind
        stage.rigs.close()
        stage.routes.close()
        if stage.server.managed:  # it goes, with all that it has
            return ""
        try:
            stage.strike(stage.control)
        except PgdynoError as error:
            return _struck_anew(stage, error)
    return ""


def _struck_anew(stage: Stage, first: PgdynoError) -> str:
    """The same by another connection: only the first may be lost."""
    try:
        with connected(stage.server.target) as control:
            stage.strike(control)
    except PgdynoError:
        return f"schemas pgdyno_{stage.run}_… stay until the next run: {first}"
    return ""
