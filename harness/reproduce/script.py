"""A cell in plain code of its driver's library: something to copy, run and send around.

The code is the driver's own: the op as its session bound it, the registrations of its
profile, and the acts that fill a schema. A worker hands it over (`harness.worker.source`);
here it is put in order. What is printed must do what pgdyno did: `pgdyno show --run` and
the tests hold that.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.core import sql
from harness.core.calls import Op
from harness.core.tables import TEXT_FORM
from harness.judge.answers import DONE

SCHEMA = "pgdyno_reproduction"
MAX_CHARS = 1_000_000
_WIDTH = 92

PLACE = """user, password, host, port, dbname = (
    os.environ[f"PG{name}"] for name in ("USER", "PASSWORD", "HOST", "PORT", "DATABASE")
)"""


class NoReproduction(Exception):  # noqa: N818 - a statement of fact, not a failure of ours
    """There is no reproduction, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverCode:
    """A driver's code as its worker hands it over.

    `definitions` are functions and constants in the order in which they must stand.
    `environment` must be set before `imports`; `loop` is the module of the event loop.
    """

    imports: Sequence[str]
    definitions: Sequence[str]
    asynchronous: bool
    environment: Mapping[str, str] = field(default_factory=dict)
    loop: str = ""

    @property
    def wait(self) -> str:
        """What stands before each call."""
        return "await " if self.asynchronous else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpCode(DriverCode):
    """The code of one op, and what it was bound with.

    `call` is how it is called and `params` what with, call by call; `values` are the
    assignments of what it was bound with. `arguments` opens its connection, with the
    settings of the cell, and `control` the one that fills its schema. `connects` says that
    the op opens it itself. `configure` is the function of the profile's registrations.
    """

    values: Sequence[str]
    params: Sequence[str]
    call: str
    arguments: str
    control: str
    connects: bool = False
    configure: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is there before the op, and what is looked at after it.

    `setup` is SQL for the schema; `state` a query for afterwards; `calls` how many calls
    of the cycle are made.
    """

    title: tuple[str, ...]
    setup: str = ""
    extension_schemas: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    state: str = ""
    calls: int = 1

    @property
    def search_path(self) -> str:
        """The schemas of the reproduction; empty where the server's default will do."""
        own = (SCHEMA,) if self.setup else ()
        path = dict.fromkeys((*own, *self.extension_schemas, *(() if own else ("public",))))
        return "" if list(path) == ["public"] else ",".join(map(_name, path))

    @property
    def acts(self) -> list[str]:
        """What the script does besides the op, by acts of the driver."""
        state = ["execute_script", "fetch_val"] if self.state else []
        return [*(["execute_script"] if self.setup else []), *state, "close"]

    @property
    def session_settings(self) -> tuple[tuple[str, str], ...]:
        """What the op's connection is opened with."""
        path = self.search_path
        return (("search_path", path), *self.settings) if path else self.settings


def script(code: OpCode, op: Op, scene: Setting) -> str:
    """The whole script.

    Raises:
        NoReproduction: it is too long.
    """
    before, play = _assignments(code, scene), _play(code, op, scene)
    text = whole(code, scene.title, before, play, makes_schema=bool(scene.setup))
    if len(text) > MAX_CHARS:
        raise NoReproduction(
            f"its inputs make a script of {len(text):,} characters: too long"
        )
    return text


def whole(
    code: DriverCode,
    title: Iterable[str],
    before: Iterable[str],
    play: Iterable[str],
    *,
    makes_schema: bool,
) -> str:
    """A script: its head, the driver's code, and the play that calls it.

    `before` are lines that stand before the definitions.
    """
    lines = list(play)
    imports = {"import os", *code.imports}
    if code.asynchronous:
        imports.add("import asyncio")
        start = "asyncio.run(main())"
        if code.loop not in ("", "asyncio"):
            imports.add(f"import {code.loop}")
            start = f"{code.loop}.run(main())"
        inside = textwrap.indent("\n".join(lines), "    ")
        lines = ["async def main():", inside, "", "", start]
    about = [
        *title,
        "",
        "The connection comes from PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE.",
    ]
    if makes_schema:
        about.append(f"It makes the schema {SCHEMA} anew; drop it when you are done.")
    parts = [
        *_comment(about),
        "from __future__ import annotations",
        "",
        *_imported(imports, code.environment),
        "",
        PLACE,
        *before,
        *(f"\n\n{definition}" for definition in code.definitions),
        "\n",
        *lines,
    ]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(parts)).strip() + "\n"


def _imported(imports: Iterable[str], environment: Mapping[str, str]) -> Iterator[str]:
    """Imports in order; what must be set before the library is imported comes first."""
    rest = set(imports)
    if environment:
        rest.discard("import os")
        yield "import os"
        for name, value in environment.items():
            yield f"os.environ[{json.dumps(name)}] = {json.dumps(value)}"
        yield ""
    yield from sorted(rest, key=lambda line: (line.startswith("from"), line))


def _comment(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        for part in textwrap.wrap(line, _WIDTH - 2) or [""]:
            yield f"# {part}".rstrip()


# --- one op -----------------------------------------------------------------------------


def _assignments(code: OpCode, scene: Setting) -> Iterator[str]:
    """The inputs of the op, and the SQL around it."""
    yield ""
    if scene.setup:
        yield f"setup = {_sql_text(_setup(scene))}"
    yield from code.values
    if len(code.params) == 1:
        yield f"params = {code.params[0]}"
    elif code.params:
        yield "\n".join(["calls = [", *(f"    {params}," for params in code.params), "]"])
    if scene.setup or scene.state or not code.connects:
        yield f"arguments = {code.arguments}"
    if scene.state:
        yield f"state = {_sql_text(state_query(scene.state))}"
        form = ";\n".join(f"set {name} = '{value}'" for name, value in TEXT_FORM)
        yield f"text_form = {_sql_text(form)}"


def _setup(scene: Setting) -> str:
    return (
        f"drop schema if exists {SCHEMA} cascade;\n"
        f"create schema {SCHEMA};\n"
        f"set search_path to {scene.search_path};\n"
        "set timezone to 'UTC';\n"
        f"{scene.setup};"
    )


def _play(code: OpCode, op: Op, scene: Setting) -> Iterator[str]:
    """Fill a schema, open the connection, call the op, look at what is left."""
    if scene.setup or scene.state:
        yield f"control = {code.wait}connect({code.control})"
    if scene.setup:
        yield f"{code.wait}execute_script(control, setup)"
    if not code.connects:
        yield f"connection = {code.wait}connect(arguments)"
        if code.configure:
            yield f"{code.wait}{code.configure}(connection)"
    yield from _called(code, op)
    if scene.state:
        yield f"{code.wait}execute_script(control, text_form)"
        yield f"print({code.wait}fetch_val(control, state))"
    if not code.connects:
        yield f"{code.wait}close(connection)"
    if scene.setup or scene.state:
        yield f"{code.wait}close(control)"


def _called(code: OpCode, op: Op) -> Iterator[str]:
    call = f"{code.wait}{code.call}"
    lines = (
        [f"print(repr({call}))"] if op.answer != "nothing" else [call, f'print("{DONE}")']
    )
    if len(code.params) > 1:
        yield "for params in calls:"
        lines = [f"    {line}" for line in lines]
    yield from lines


def state_query(query: str) -> str:
    """One text that says what a state query shows: rows, a hash of all, the first three."""
    inner = f"({query.rstrip().rstrip(';')}) s"
    return (
        "select concat(count(*), ' rows, hash ',\n"
        "  coalesce(sum(hashtextextended(s::text, 0)::numeric), 0), ': ',\n"
        "  (select string_agg(left(r, 60), '; ')\n"
        f"   from (select s::text from {inner} limit 3) t(r)))\n"
        f"from {inner}"
    )


def _sql_text(text: str) -> str:
    """SQL as a literal: over several lines where that is what it is."""
    if "\n" not in text or re.search(r'"""|["\\]\Z|[^\S\n ]', text):
        return repr(text)
    return f'{"r" if chr(92) in text else ""}"""{text}"""'


def _name(name: str) -> str:
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else sql.quote(name)


# --- does it reproduce? -----------------------------------------------------------------

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_RAISED = re.compile(r"^([A-Za-z_][\w.<>]*)(?::|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ran:
    """A script that ran: what it printed, and how it ended; `code` is None if killed."""

    stdout: str
    stderr: str
    code: int | None


def disagreement(
    seen: Sequence[Mapping[str, Any]], state: str, verdict: str, ran: Ran
) -> str:
    """In what a script's run differs from what the check saw; empty if in nothing."""
    if verdict == "hung":
        return "" if ran.code is None else "the check hung, the script ended"
    if ran.code is None:
        return "the script did not end in time"
    if verdict == "crashed":
        return "" if ran.code < 0 else "the check crashed, the script did not"
    rest = _ADDRESS.sub("", ran.stdout)
    for number, call in enumerate(seen, 1):
        if "raised" in call:
            raised = exception_of(ran.stderr)
            if raised == call["raised"] and not rest:
                return ""
            return (
                f"call {number} raised {call['raised']}, the script {raised or 'nothing'}"
            )
        if (
            not rest.startswith(call["repr"])
            or rest[call["chars"] : call["chars"] + 1] != "\n"
        ):
            return _other_value(number, call["repr"], rest, ran)
        rest = rest[call["chars"] + 1 :]
    # A library may still kill the interpreter while it ends (psqlpy's threads, now and
    # then); a worker leaves without that. All that was asked for has been shown by then.
    if raised := exception_of(ran.stderr):
        return f"the script raised {raised}, the check saw no error"
    if rest.rstrip("\n") != state:
        return f"afterwards the script's server has {rest.strip()!r}, the check's {state!r}"
    return ""


def _other_value(number: int, wanted: str, rest: str, ran: Ran) -> str:
    if ran.code and not rest:
        how = f"raised {raised}" if (raised := exception_of(ran.stderr)) else "ended"
        return f"the script {how} with {ran.code}, call {number} did not"
    printed = rest.partition("\n")[0]
    return f"call {number} gave {wanted[:200]}, the script printed {printed[:200]}"


def exception_of(stderr: str) -> str:
    """The class of the exception that ended a script, as its traceback names it."""
    last = stderr.rpartition("Traceback (most recent call last):\n")
    match = _RAISED.search(last[2]) if last[1] else None
    return match[1] if match else ""
