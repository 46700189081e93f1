"""A case of steps in plain code of its driver's library: the acts, then the play.

The acts are printed as they are, because they are plain code; the play calls them in
the order of the steps. The control connection is one more connection of the library.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from string import Template
from typing import Any

from harness.core.arms import Arm
from harness.core.calls import libpq_options
from harness.core.cells import Cell
from harness.core.memory import peak_bytes
from harness.core.steps import Step
from harness.judge.logged import overheard
from harness.judge.recorded import settled, text_of
from harness.judge.steps import JOIN_MS, grows_beyond
from harness.judge.verify import class_of
from harness.judge.words import PLACE
from harness.plugin import acts
from harness.plugin.act_source import source_of
from harness.reproduce.script import (
    SCHEMA,
    DriverCode,
    NoReproduction,
    Ran,
    exception_of,
    whole,
)
from harness.values import construct
from harness.values.source import NoLiteral, literal

_APPLICATION = "reproduction"
_UNIQUE = f"pgdyno_{'0' * 32}"  # of the shape of the check's own
_COMPARED_CHARS = 1_900  # what a step brought is kept up to 2,000
_PLACES = """credentials = f"{quote(user, safe='')}:{quote(password, safe='')}"
place = f"@{quote(host, safe='')}:{port}/"
options = "?" + urlencode(${options}, quote_via=quote)
control_options = "?" + urlencode(${control}, quote_via=quote)
main_dsn = f"postgresql://{credentials}{place}{dbname}{options}"
control_dsn = f"postgresql://{credentials}{place}{dbname}{control_options}"
"""
_SYNC = '''def told(step, call):
    """Print what a step brought, as one line."""
    try:
        value = call()
    except BaseException as error:
        value = None
        print(f"{step}: raised {class_of(error)}", flush=True)
    else:
        if value is not None:
            print(f"{step}: {text_of(value)}", flush=True)
    return value'''


def acts_of(cell: Cell) -> list[str]:
    """The acts that a script of this case needs, the control connection's included."""
    own = {step.op for step in cell.steps if not step.by_parent and step.op in acts.names()}
    return sorted(own | {"connect", "execute", "execute_script", "fetch", "fetch_val"})


def script(cell: Cell, arm: Arm, code: DriverCode, title: Sequence[str]) -> str:
    """The whole script.

    Raises:
        NoReproduction: a step needs what a script cannot have: a server to stop, a proxy.
    """
    try:
        return _Script(cell, arm, code, title).text()
    except NoLiteral as error:
        raise NoReproduction(f"there is no reproduction: {error}") from None


class _Script:
    def __init__(
        self, cell: Cell, arm: Arm, code: DriverCode, title: Sequence[str]
    ) -> None:
        self.cell = cell
        self.arm = arm
        self.code = code
        self.title = title
        self.imports = {"from urllib.parse import quote, urlencode"}
        # The judge's own: a script shows a value and an exception as a check does.
        grows = any(step.expect.grows_mb for step in cell.steps)
        self.logs = any(step.op == "logged" for step in cell.steps)
        self.shared = source_of(
            [class_of, text_of]
            + ([peak_bytes] if grows else [])
            + ([overheard] if self.logs else [])
        )
        self.imports |= set(code.imports) | self.shared.imports
        self.opened: set[str] = set()
        self._settings = (("search_path", SCHEMA), *cell.settings)
        self.saved = {step.save for step in cell.steps if step.save}
        self.begun: list[str] = []  # lines that begin what is started together
        if any(step.process for step in cell.steps):
            raise NoReproduction("a script is one process, and this case has several")

    def text(self) -> str:
        play = list(self._play())
        options = {
            "application_name": _APPLICATION,
            "options": libpq_options(self._settings),
        }
        # Without the settings of the case: it may be about a session that cannot write.
        control = {
            "application_name": "control",
            "options": libpq_options(self._settings[:1]),
        }
        told = _SYNC
        if self._wait:
            told = told.replace("def told", "async def told").replace(
                "call()", "await call"
            )
        definitions = [*self.code.definitions, *self.shared.definitions.values(), told]
        code = replace(self.code, imports=sorted(self.imports), definitions=definitions)
        places = Template(_PLACES).substitute(
            options=json.dumps(options, indent=4), control=json.dumps(control, indent=4)
        )
        return whole(code, self.title, [places], play, makes_schema=True)

    @property
    def _wait(self) -> str:
        return self.code.wait

    # --- the play -------------------------------------------------------------------------

    def _play(self) -> Iterator[str]:
        setup = [f"drop schema if exists {SCHEMA} cascade", f"create schema {SCHEMA}"]
        fixture = self.cell.fixture.sql.strip()
        yield f"control = {self._wait}connect(control_dsn)"
        for sql in setup:
            yield f"{self._wait}execute(control, {sql!r})"
        if fixture:
            many = any(
                "def execute_script" in definition for definition in self.code.definitions
            )
            run = "execute_script" if many else "execute"
            yield f'{self._wait}{run}(control, """{fixture}""")'
        yield "folder = tempfile.mkdtemp()" if self._mentions("@{folder}") else ""
        if self._mentions("@{folder}"):
            self.imports.add("import tempfile")
        if self.logs:
            yield "logged = []\noverheard(logged)"
        for number, step in enumerate(self.cell.steps, 1):
            yield ""
            yield from self._step(number, step)
        if not self._wait:
            self.imports.add("import sys")
            yield "sys.stdout.flush()\nos._exit(0)  # a thread may still wait"

    def _mentions(self, text: str) -> bool:
        return any(text in repr(step.arguments) for step in self.cell.steps)

    def _step(self, number: int, step: Step) -> Iterator[str]:
        if step.note:
            yield f"# {step.note}"
        if step.join:
            yield from self._measured(number, step, self._joined(number, step))
        elif step.on in ("server", "proxy"):
            raise NoReproduction(f"a script cannot {step.op} the {step.on}")
        elif step.on == "control":
            yield from self._controlled(step)
        elif step.op == "wait":
            yield self._pause(str(step.arguments["seconds"]))
        elif step.op == "cancel_task":
            yield f"{step.on}.cancel()"
        elif step.op == "logged":
            saved = f"{self._variable(step.save)} = list(logged)"
            shown = f'print(f"{number}: {{text_of(logged)}}", flush=True)'
            yield saved if step.save else shown
            yield "logged.clear()"
        else:
            yield from self._acted(number, step)

    def _acted(self, number: int, step: Step) -> Iterator[str]:
        given = dict(step.arguments)
        if acts.subject(step.op) == "dsn":
            place = {name: given.pop(name) for name in PLACE if name in given}
            subject = self._dsn(place)
        else:
            subject = self._variable(step.on)
            if step.on not in self.opened and acts.subject(step.op) == "connection":
                self.opened.add(step.on)
                yield f"{subject} = {self._wait}connect(main_dsn)"
        arguments = [subject, *self._arguments(given)]
        call = f"{step.op}({', '.join(arguments)})"
        if step.start:
            yield from self._started(step, arguments, call)
            return
        yield from self._measured(number, step, [self._told(number, step, call)])

    def _told(self, number: int, step: Step, call: str) -> str:
        """The call of an act; what it brings is printed, or kept under its name."""
        shown = call if self._wait else f"lambda: {call}"
        saved = ""
        if step.save:
            self.opened.add(step.save)
            saved = f"{self._variable(step.save)} = "
        if saved and not step.expect.error and not step.expect.rejected:
            return f"{saved}{self._wait}{call}"
        return f"{saved}{self._wait}told({number}, {shown})"

    def _measured(self, number: int, step: Step, play: Iterable[str]) -> Iterator[str]:
        """The step with its limits: the same measures as the check takes."""
        timed = step.within_ms and not step.join
        if step.expect.grows_mb:
            yield "held_bytes = peak_bytes(reset=True)"
        if timed:
            self.imports.add("import time")
            yield "begun = time.perf_counter()"
        yield from play
        if timed:
            took = "1000 * (time.perf_counter() - begun):.0f"
            yield f'print(f"{number} took {{{took}}} ms", flush=True)'
        if step.expect.grows_mb:
            grown = "peak_bytes() - held_bytes"
            yield f'print(f"{number} grew by {{{grown}}} bytes", flush=True)'

    def _started(self, step: Step, arguments: Iterable[str], call: str) -> Iterator[str]:
        """Begin a step with those that begin together with it, when the last one comes."""
        name = step.start
        if self._wait:
            self.begun.append(f"{name} = asyncio.create_task({call})")
        else:
            self.imports.add("from concurrent.futures import ThreadPoolExecutor, wait")
            submitted = ", ".join([step.op, *arguments])
            self.begun.append(f"{name} = ThreadPoolExecutor().submit({submitted})")
        if not step.with_next:
            begun, self.begun = self.begun, []
            yield from begun
            yield self._pause("0.05")

    def _joined(self, number: int, step: Step) -> Iterator[str]:
        seconds = (step.within_ms or JOIN_MS) / 1000
        name = step.join
        if self._wait:
            yield f"await asyncio.wait({{{name}}}, timeout={seconds})"
            value = name
        else:
            yield f"wait([{name}], timeout={seconds})"
            value = f"{name}.result"
        yield f"if {name}.done():"
        yield f"    {self._wait}told({number}, {value})"

    def _controlled(self, step: Step) -> Iterator[str]:
        if "to" in step.arguments:
            raise NoReproduction(f"a script has no server called {step.arguments['to']}")
        sql = self._value(step.arguments["sql"])
        if step.op == "wait_until":
            yield f"while not {self._wait}fetch_val(control, {sql}):"
            yield f"    {self._pause('0.01')}"
            return
        call = f"{self._wait}{step.op}(control, {sql})"
        if step.save:
            yield f"{self._variable(step.save)} = {call}"
        elif step.op == "execute":
            yield call
        else:
            yield f'print("control:", {call})'

    def _pause(self, seconds: str) -> str:
        if self._wait:
            return f"await asyncio.sleep({seconds})"
        self.imports.add("import time")
        return f"time.sleep({seconds})"

    # --- arguments ------------------------------------------------------------------------

    def _dsn(self, place: Mapping[str, Any]) -> str:
        to = place.get("to", "main")
        if to == "main" and not (place.keys() & {"user", "password", "dbname"}):
            return "main_dsn"
        if to not in ("main", "nowhere"):
            raise NoReproduction(f"a script has no server called {to}")
        user = self._value(place["user"]) if "user" in place else "user"
        password = self._value(place["password"]) if "password" in place else "password"
        name = self._value(place["dbname"]) if "dbname" in place else "dbname"
        where = "place" if to == "main" else "'@127.0.0.1:1/'"
        return f'"postgresql://" + {user} + ":" + {password} + {where} + {name} + options'

    def _arguments(self, given: Mapping[str, Any]) -> Iterator[str]:
        for name, value in given.items():
            shown = str(value) if name == "connection" else self._value(value)
            yield f"{name}={shown}"

    def _value(self, value: Any) -> str:
        if isinstance(value, str) and "@{" in value:
            return self._with_words(value)
        if isinstance(value, Mapping) and "py" in value:
            value = construct(value)
        elif isinstance(value, Mapping):
            inner = (f"{name!r}: {self._value(item)}" for name, item in value.items())
            return f"{{{', '.join(inner)}}}"
        elif isinstance(value, list | tuple):
            return f"[{', '.join(map(self._value, value))}]"
        return literal(value, self.imports)

    def _with_words(self, text: str) -> str:
        """A text with words is an f-string of the variables that hold them."""
        known = {"app": _APPLICATION, "schema": SCHEMA, "unique": _UNIQUE}
        parts = re.split(r"@\{(\w+)\}", text)
        for index in range(1, len(parts), 2):
            word = parts[index]
            if word not in known and word not in {"folder", *self.saved}:
                raise NoReproduction(f"a script does not have what @{{{word}}} stands for")
            parts[index] = known.get(word) or f"{{{self._variable(word)}}}"
        for index in range(0, len(parts), 2):
            parts[index] = parts[index].replace("{", "{{").replace("}", "}}")
        return f"f{''.join(parts)!r}" if "{" in "".join(parts) else repr("".join(parts))

    def _variable(self, name: str) -> str:
        """A name of a step as a variable that hides no act and no helper."""
        return f"{name}_" if name in (*acts.names(), "main", "user", "options") else name


def disagreement(
    cell: Cell, lines: Sequence[Mapping[str, Any]], verdict: str, ran: Ran
) -> str:
    """In what a script's run differs from what the steps brought; empty if in nothing.

    Of a dict some entries are expected; the others, such as a process id, may be others.
    """
    if verdict == "hung" and ran.code is None:
        return ""
    if ran.code is None:
        return "the script did not end in time"
    if verdict == "crashed":
        return "" if ran.code < 0 else "the check crashed, the script did not"
    printed = dict(_numbered(ran.stdout))
    for seen in lines:
        step = cell.steps[seen["step"] - 1]
        if told := _beyond_limits(step, seen, ran):
            return f"step {seen['step']} {told}"
        if "line" not in seen:
            continue
        if step.expect.has and not seen["line"].startswith("raised"):
            continue
        got = printed.get(seen["step"])
        if got is None or _settled(got) != _settled(seen["line"]):
            raised = exception_of(ran.stderr)
            if got is None and raised and seen["line"] == f"raised {raised}":
                return ""
            return f"step {seen['step']} brought {seen['line']}, the script {got or raised}"
    return ""


def _beyond_limits(step: Step, seen: Mapping[str, Any], ran: Ran) -> str:
    """In what the script's measures are on the other side of a limit than the check's."""
    number = seen["step"]
    if "over_ms" in seen:
        took = _measure(rf"{number} took (\d+) ms", ran)
        if took is not None and took <= seen["over_ms"]:
            return f"ran for more than {seen['over_ms']:,} ms, in the script for {took:,}"
    if "grown_bytes" in seen:
        limit_mb, grown = step.expect.grows_mb, seen["grown_bytes"]
        again = _measure(rf"{number} grew by (-?\d+) bytes", ran) or 0
        if grows_beyond(limit_mb, grown) != grows_beyond(limit_mb, again):
            return f"took {_mb(grown)} of memory, in the script {_mb(again)}"
    return ""


def _measure(pattern: str, ran: Ran) -> int | None:
    found = re.search(f"^{pattern}$", ran.stdout, re.MULTILINE)
    return int(found[1]) if found else None


def _mb(size: int) -> str:
    return f"{size / 2**20:,.0f} MB"


def _settled(line: str) -> str:
    """Without what differs by nature: what a run made up, a long line's end."""
    line = re.sub(rf"[0-9a-f]{{32}}|\b{SCHEMA}\b", "", settled(line))
    return line.replace("@{schema}", "").replace("@{app}", _APPLICATION)[:_COMPARED_CHARS]


def _numbered(stdout: str) -> Iterator[tuple[int, str]]:
    for line in stdout.splitlines():
        if match := re.match(r"(\d+): (.*)", line):
            yield int(match[1]), match[2]
