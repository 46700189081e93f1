"""`pgdyno show`: one cell, all there is to know, and code to see it without pgdyno."""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import one_cell, options
from harness.cli.terminal import say
from harness.core.arms import PROFILES, Arm
from harness.core.cells import Cell
from harness.core.conditions import DIRECT
from harness.core.verdicts import Judgement, Verdict, stopped

if TYPE_CHECKING:
    from harness.play.seat import Seat
    from harness.reproduce.script import DriverCode, Ran, Setting
    from harness.venue.stage import Playable
    from harness.venue.venue import Venue

RUN_SECONDS = 30.0
_SHOWN_CALLS = 5
_SHOWN_CHARS = 2_000


def add_parser(subparsers: Any) -> None:
    """Declare the verb."""
    parser = subparsers.add_parser(
        "show",
        help="one cell of one driver: what happened, and code that reproduces it",
        description="Play one cell and print the verdict, what the driver gave, what the "
        "server has afterwards, and a reproduction in plain code of the driver's library.",
    )
    parser.add_argument(
        "cell",
        metavar="CELL",
        help="its id, types/numbers#nan@value=NaN or query/point#fetch-one[via=tls], or "
        "mine.toml#case of a file of your own",
    )
    parser.add_argument(
        "--driver", required=True, metavar="D", help="a driver with its options"
    )
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default="default",
        help="as installed (default), or with the documented registrations done",
    )
    options.add_server(parser)
    options.add_conditions(parser)
    parser.add_argument(
        "--run",
        action="store_true",
        dest="rerun",
        help="run the reproduction and say whether it shows what the check saw",
    )
    parser.add_argument(
        "--script", type=Path, metavar="FILE.py", help="write the reproduction to a file"
    )
    parser.add_argument(
        "--wire",
        action="store_true",
        help="print what driver and server say to each other, message by message",
    )
    parser.add_argument(
        "--values",
        action="store_true",
        help="with --wire: show the values of parameters and rows, too; never passwords",
    )
    parser.set_defaults(run=run)


@dataclass(frozen=True, slots=True)
class Played:
    """A cell that was played: its judgement, what its ops brought, what was left."""

    cell: Cell
    arm: Arm
    judged: Judgement
    terms: Mapping[str, str] = field(default_factory=dict)
    seen: Sequence[Mapping[str, Any]] = ()
    state: str = ""
    code: DriverCode | None = None  # of the driver, as it was played
    reason: str = ""  # why there is none

    @property
    def version(self) -> str:
        """The versions that decided."""
        from harness.check.expectations import version_of

        return version_of(self.terms)


def run(args: argparse.Namespace) -> int:
    """Play, print, perhaps run the reproduction."""
    from harness import servers
    from harness.core.errors import EXIT_PASS, UsageError
    from harness.plugin import contract
    from harness.venue import venue

    if args.values and not args.wire:
        raise UsageError("--values goes with --wire", hint="add --wire")
    cell = one_cell.under_condition(args, one_cell.only_cell(args.cell))
    arm = contract.parse_arm(args.driver, args.profile)
    options.make_environments([arm])
    spec = servers.parse(
        args.server,
        max_connections=venue.connections_needed([cell], [arm]),
        transport=args.transport,
    )
    with venue.opened(spec) as place:
        play = place.stage.playable(cell)
        if args.wire:
            return _tell_wire(place, play, arm, values=args.values)
        if isinstance(play, Judgement):
            played, text = Played(cell, arm, play), ""
            reason = f"nothing was played: {play.detail}"
        else:
            played = played_cell(place, play, arm)
            text, reason = reproduction_of(place, play, played)
        say("\n".join(description(played, place)))
        say(f"\n{(text or reason).rstrip()}")
        if args.script and text:
            args.script.write_text(text, "utf-8")
        if not args.rerun:
            return EXIT_PASS
        return _tell(compared(place, played, text) if text else reason, bool(text))


def _tell(told: str, ran: bool) -> int:
    """Whether the reproduction reproduces; one that does not is a fault of ours."""
    from harness.core.errors import EXIT_INCONCLUSIVE, EXIT_INVALID, EXIT_PASS

    if not ran:
        say("\nnot run: there is no reproduction")
        return EXIT_INCONCLUSIVE
    if not told:
        say("\nrun: it shows what the check saw")
        return EXIT_PASS
    say(f"\nrun: it does not reproduce: {told}")
    return EXIT_INVALID


def _tell_wire(place: Venue, play: Playable | Judgement, arm: Arm, *, values: bool) -> int:
    """What passes between the two, instead of what came of it."""
    from harness.cli.conversation import conversation
    from harness.core.errors import EXIT_PASS, PgdynoError, UsageError

    if isinstance(play, Judgement):
        raise PgdynoError(f"{play.verdict}: {play.detail}")
    if play.cell.steps:
        raise UsageError(
            "a case of steps has no op to listen to",
            hint="name a case with an op: pgdyno show query/point#fetch-one …",
        )
    say(f"{play.cell.id}  {arm.name}, {arm.profile}")
    seat = seat_of(place, arm)
    try:
        for line in conversation(seat, play, place.server.target, values=values):
            say(line)
    finally:
        seat.dismiss()
    return EXIT_PASS


# --- playing ----------------------------------------------------------------------------


def played_cell(place: Venue, play: Playable, arm: Arm) -> Played:
    """Play a cell once, by the same ways as a check.

    Raises:
        DriverError: the driver cannot be used.
    """
    seat = seat_of(place, arm)
    try:
        return played_by(seat, place, play)
    finally:
        seat.dismiss()


def seat_of(place: Venue, arm: Arm) -> Seat:
    """Where a driver plays; whoever asked for it dismisses it."""
    from harness.check.checker import DEADLINES
    from harness.play.seat import Seat

    return Seat(arm, place.stage, place.control, place.folder, [], DEADLINES)


def played_by(seat: Seat, place: Venue, play: Playable) -> Played:
    """Like `played_cell`, by a seat that may have played others before."""
    from harness.core.errors import WorkerGone

    if play.cell.steps:
        return _played_steps(seat, play)
    try:
        judged = seat.open(play)
        if judged.verdict is Verdict.EXACT:
            judged = seat.verify(play, keep=True)
    except WorkerGone as gone:
        judged = stopped(gone)
    state = _state(place, play.cell, seat.schema)
    played = Played(play.cell, seat.arm, judged, seat.terms, seat.seen, state)
    code, reason = _op_code(seat, play, _scene(place, play, played))
    return replace(played, code=code, reason=reason)


def _op_code(seat: Seat, play: Playable, scene: Setting) -> tuple[DriverCode | None, str]:
    """The code of a cell's op as its driver bound it, or the reason why there is none."""
    from harness.core.errors import WorkerGone
    from harness.reproduce.script import OpCode

    if play.cell.clients or play.cell.pool:
        return None, "there is no reproduction of a pool yet"
    if play.cell.mix:
        return None, _of_tasks(play.cell, seat.arm)
    if play.cell.in_calls:
        return None, "there is no reproduction of statements of several calls yet"
    try:
        told = seat.op_sources(play, scene.session_settings, scene.calls, scene.acts)
    except WorkerGone as gone:
        return None, f"its op cannot be bound: {gone}"
    if reason := told.get("failed") or told.get("reason"):
        return None, str(reason)
    return OpCode(**told), ""


def _of_tasks(cell: Cell, arm: Arm) -> str:
    """How the tasks of a mix are shown: each of them has a reproduction."""
    profile = f" --profile {arm.profile}" if arm.profile != "default" else ""
    shown = (
        f"\n  pgdyno show '{share.cell.id}' --driver {arm.name}{profile}"
        for share in cell.mix
    )
    return f"a mix is shown by its tasks:{''.join(shown)}"


def _played_steps(seat: Seat, play: Playable) -> Played:
    """Play a case of steps; what each brought, and the code of its acts."""
    from harness.core.errors import WorkerGone
    from harness.play.director import Director
    from harness.reproduce.script import DriverCode
    from harness.reproduce.steps import acts_of

    director = Director(seat, play, seat.set(play))
    try:
        judged = director.run()
    except WorkerGone as gone:
        judged = stopped(gone)
    code = None
    if judged.verdict not in (Verdict.UNSUPPORTED, Verdict.SKIPPED):
        code = DriverCode(**seat.sources(acts_of(play.cell), play))
    return Played(play.cell, seat.arm, judged, seat.terms, director.lines, code=code)


def _state(place: Venue, cell: Cell, schema: str) -> str:
    """What the server shows afterwards, where the cell says how to look."""
    from harness.reproduce.script import state_query

    if not cell.expect.state or not schema:
        return ""
    place.stage.use(place.control, schema)
    return place.control.value(state_query(cell.expect.state))


# --- printing ---------------------------------------------------------------------------


def description(played: Played, place: Venue) -> Iterator[str]:
    """What happened, for people."""
    judged = played.judged
    yield played.cell.id
    yield _line("title", played.cell.title)
    if played.cell.condition != DIRECT:
        yield _line("reached", str(played.cell.condition))
    for share in played.cell.mix:
        turns = f"{share.turns} of {len(played.cell.turns)} turns"
        name = share.cell.local_id
        verdict = judged.facts.get("tasks", {}).get(name, judged.verdict)
        yield _line("task", f"{name}: {verdict}, weight {share.weight}, {turns}")
    version = f" ({played.version})" if played.version else ""
    yield _line("driver", f"{played.arm.name}, {played.arm.profile}{version}")
    yield _line("server", f"{place.facts.label}, PostgreSQL {place.facts.version}")
    yield _line("verdict", judged.verdict)
    for name, text in (
        ("detail", judged.detail),
        ("observed", "" if judged.observed in judged.detail else judged.observed),
        ("expected", judged.expected),
    ):
        if text:
            yield _line(name, text)
    if known := _declared(played):
        yield _line("declared", known)
    shown = len(played.seen) if played.cell.steps else _SHOWN_CALLS
    for number, call in enumerate(played.seen[:shown], 1):
        name = f"call {number}" if len(played.seen) > 1 else "result"
        if played.cell.mix:
            task = played.cell.mix[played.cell.turns[number - 1]].cell
            yield _line(f"turn {number}", task.local_id)
            name = ""
        yield from _seen(call, name)
    if len(played.seen) > shown:
        yield _line("", f"and {len(played.seen) - _SHOWN_CALLS} calls more")
    if played.state:
        yield _line("afterwards", played.state)


def _declared(played: Played) -> str:
    from harness.check import deviations
    from harness.plugin import contract

    cell, arm, verdict = played.cell.id, played.arm, played.judged.verdict
    if own := deviations.find(deviations.load(arm.driver), cell, arm.profile):
        return own.ended(verdict) or f"{own.reason} {own.link}"
    for driver in contract.stands_on(played.terms):
        if found := deviations.inherited([deviations.load(driver)], cell, verdict):
            return f"of {driver}, on which it stands: {found.reason} {found.link}"
    return ""


def _seen(call: Mapping[str, Any], name: str) -> Iterator[str]:
    if "step" in call:
        yield from _seen_of_step(call)
        return
    if "raised" in call:
        yield _line(name, f"raised {call['raised']}, SQLSTATE {call['sqlstate'] or 'none'}")
        yield _line("", call["message"].strip())
        return
    kind, text = call["type"], call["repr"]
    if len(text) > _SHOWN_CHARS:
        text = f"{text[:_SHOWN_CHARS]}…"
    yield _line(name, f"{kind}: {text}" if kind else text)


def _seen_of_step(seen: Mapping[str, Any]) -> Iterator[str]:
    told = [seen["line"]] if "line" in seen else []
    if "over_ms" in seen:
        told.append(f"still running after {seen['over_ms']:,} ms")
    if "grown_bytes" in seen:
        told.append(f"memory grew by {seen['grown_bytes'] / 2**20:,.1f} MB")
    yield _line(f"step {seen['step']}", "; ".join(told))
    if seen.get("message"):
        yield _line("", seen["message"])


def _line(name: str, text: str) -> str:
    return f"  {name:<11}{text}".replace("\n", f"\n{'':13}")


# --- the reproduction -------------------------------------------------------------------


def reproduction_of(place: Venue, play: Playable, played: Played) -> tuple[str, str]:
    """The script, or nothing and the reason why there is none."""
    if played.judged.verdict in (Verdict.UNSUPPORTED, Verdict.INVALID, Verdict.SKIPPED):
        return "", f"nothing to reproduce: {played.judged.detail}"
    if played.code is None:
        return "", played.reason or f"nothing to reproduce: {played.judged.detail}"
    from harness.reproduce import script, steps

    try:
        if play.cell.steps:
            return steps.script(played.cell, played.arm, played.code, _title(played)), ""
        assert isinstance(played.code, script.OpCode)
        scene = _scene(place, play, played)
        return script.script(played.code, play.prepared.task.op, scene), ""
    except script.NoReproduction as reason:
        return "", str(reason)


def _title(played: Played) -> tuple[str, str]:
    judged = played.judged
    who = f"{played.version or played.arm.name}, profile {played.arm.profile}"
    return f"{played.cell.id} with {who}", f"{judged.verdict}: {judged.detail}".rstrip(": ")


def _scene(place: Venue, play: Playable, played: Played) -> Setting:
    from harness.reproduce.script import Setting

    cell = play.cell
    reset = cell.bench.reset if cell.bench and cell.fixture.scope == "trial" else ""
    parts = [part.strip(" \n;") for part in (cell.fixture.sql, reset) if part.strip()]
    return Setting(
        title=_title(played),
        setup=";\n".join(parts),
        extension_schemas=() if cell.search_path else place.stage.extension_schemas,
        settings=cell.settings,
        state=cell.expect.state,
        calls=play.prepared.calls,
    )


def compared(place: Venue, played: Played, text: str) -> str:
    """Run a reproduction and compare it with what was seen; empty if it agrees."""
    from harness.reproduce import steps
    from harness.reproduce.script import SCHEMA, disagreement

    try:
        ran = run_script(text, place, played)
    finally:
        place.control.run(f"drop schema if exists {SCHEMA} cascade")
    if played.cell.steps:
        verdict = played.judged.verdict
        return steps.disagreement(played.cell, played.seen, verdict, ran)
    return disagreement(played.seen, played.state, played.judged.verdict, ran)


def run_script(text: str, place: Venue, played: Played) -> Ran:
    """Run a script as a user would: the connection comes from the environment."""
    from harness import environments
    from harness.reproduce.script import Ran

    stage = place.stage
    target = stage.routes.target(played.cell.condition, place.server.target)
    own = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    if played.arm.pin:
        own.pop("PYTHONPATH", None)
    environment = own | {
        "PGHOST": target.host,
        "PGPORT": str(target.port),
        "PGUSER": target.user,
        "PGPASSWORD": target.password,
        "PGDATABASE": target.dbname,
        "PYTHONIOENCODING": "utf-8",
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "reproduction.py"
        file.write_text(text, "utf-8")
        try:
            done = subprocess.run(
                [environments.of(played.arm).python, str(file)],
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                env=environment,
                cwd=folder,
                timeout=RUN_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Ran("", "", None)
    return Ran(done.stdout, done.stderr, done.returncode)
