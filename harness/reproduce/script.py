"""A cell in plain code of its driver's library: something to copy, run and send around.

The code comes from the driver's recipe (`drivers/recipes/<driver>.toml`), the values from
the `Call` that the driver was bound to. What is printed here must do what pgdyno did:
`pgdyno show --run` and the tests hold that.
"""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Any

from harness.core import sql
from harness.core.arms import Arm
from harness.core.calls import Call, Op, libpq_options
from harness.core.errors import DriverError
from harness.plugin import contract
from harness.reproduce.source import NoLiteral, literal
from harness.values import Range

FOLDER = "recipes"
SCHEMA = "pgdyno_reproduction"
MAX_CHARS = 1_000_000
_WIDTH = 92
_LONG_CALL = 60

# The control connection's text form, in which a state is shown.
_TEXT_FORM = (
    "set TimeZone = 'UTC';\nset DateStyle = 'ISO';\nset IntervalStyle = 'iso_8601';\n"
    "set bytea_output = 'hex';\nset extra_float_digits = 1"
)


class NoRecipe(Exception):  # noqa: N818 - a statement of fact: nobody wrote it yet
    """There is no reproduction, and why."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of code and the imports that they need."""

    code: str = ""
    imports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A parameter in its library's wrapper type, which the recipe knows how to write."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Setting:
    """What is there before the op, and what is looked at after it.

    `setup` is SQL for the schema; `state` a query for afterwards; `calls` how many calls
    of the cycle are made; `vector` says that pgvector's types take part.
    """

    title: tuple[str, ...]
    setup: str = ""
    extension_schemas: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    state: str = ""
    calls: int = 1
    vector: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a library's user writes things: one file beside the driver."""

    driver: str
    raw: Mapping[str, Any]

    def text(self, key: str) -> str:
        """A plain entry; raises `DriverError` if the file has none."""
        if key not in self.raw:
            raise DriverError(f"the recipe of {self.driver} has no '{key}'")
        return str(self.raw[key])

    def block(self, *path: str) -> Lines | None:
        """An entry that is code, alone or with its imports; None if there is none."""
        entry: Any = self.raw
        for key in path:
            entry = entry.get(key, {})
        if not entry:
            return None
        if isinstance(entry, str):
            return Lines(entry.strip())
        return Lines(str(entry.get("code", "")).strip(), tuple(entry.get("imports", ())))


def load(name: str) -> Recipe:
    """The recipe of a driver, by its name without options.

    Raises:
        NoRecipe: nobody wrote one.
        DriverError: the file is wrong.
    """
    file = contract.companion(name, FOLDER, ".toml")
    if file is None:
        raise NoRecipe(f"there is no recipe for {name} yet")
    try:
        return Recipe(name, tomllib.loads(file.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DriverError(f"{file} cannot be read: {error}") from error


def script(recipe: Recipe, arm: Arm, call: Call, scene: Setting) -> str:
    """The whole script.

    Raises:
        NoRecipe: the op, a parameter or the size is not covered.
    """
    try:
        text = _Script(recipe, arm, call, scene).text()
    except NoLiteral as error:
        raise NoRecipe(f"there is no reproduction yet: {error}") from None
    if len(text) > MAX_CHARS:
        raise NoRecipe(f"its inputs make a script of {len(text):,} characters: too long")
    return text


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


def comment(lines: Iterable[str]) -> Iterator[str]:
    """The head of a script."""
    for line in lines:
        for part in textwrap.wrap(line, _WIDTH - 2) or [""]:
            yield f"# {part}".rstrip()


def sorted_imports(imports: Iterable[str]) -> list[str]:
    """Import statements in the order in which people write them."""
    return sorted(imports, key=lambda one: (one.startswith("from"), one))


# --- the script -------------------------------------------------------------------------


@dataclass(slots=True)
class _Script:
    """A script in the making: `imports` grows while code is written."""

    recipe: Recipe
    arm: Arm
    call: Call
    scene: Setting
    imports: set[str] = field(default_factory=set)

    def text(self) -> str:
        op = self._op()
        inputs = list(self._inputs(op.code))
        body = [
            *self._prepared(),
            *self._connected(),
            "",
            *self._played(op),
            *self._after(),
        ]
        if self._asynchronous:
            self.imports.add("import asyncio")
            inside = textwrap.indent("\n".join(body), "    ")
            body = ["", "async def main():", inside, "", "", self._start()]
        parts = [*self._comment(), *self._imported(), "", *inputs, "", *body]
        return re.sub(r"\n{4,}", "\n\n\n", "\n".join(parts)).strip() + "\n"

    # --- parts ---

    def _comment(self) -> Iterator[str]:
        about = [*self.scene.title, "", self.recipe.text("environment")]
        if self.scene.setup:
            about.append(f"It makes the schema {SCHEMA} anew; drop it when you are done.")
        yield from comment(about)

    def _imported(self) -> list[str]:
        """Imports in order; what an option must do before the library is imported first."""
        before = [one for one in self._options("before") if one]
        early = [one for one in ("import os",) if before]
        rest = self.imports | {*self.recipe.raw["imports"], *self._listed("imports")}
        return [*early, *before, *sorted_imports(rest - set(early))]

    def _prepared(self) -> list[str]:
        """The fixture, by a connection of its own: settings are for the op's."""
        if not self.scene.setup:
            return []
        run = self._filled(self.recipe.text("run"), script="setup")
        return [self._connect(()), run, self.recipe.text("close"), ""]

    def _connected(self) -> list[str]:
        lines = [self._connect(self._settings())]
        if self.arm.profile == "configured":
            names = ("configured", "configured_vector")[: 1 + self.scene.vector]
            blocks = [block for name in names if (block := self.recipe.block(name))]
            lines += [self._use(block) for block in blocks]
        return lines

    def _played(self, op: Lines) -> list[str]:
        shown = (
            "print(repr(result))" if re.search(r"\bresult\b", op.code) else 'print("done")'
        )
        lines = [op.code, shown]
        if self._many:
            return ["for params in calls:", textwrap.indent("\n".join(lines), "    ")]
        return lines

    def _after(self) -> list[str]:
        lines = []
        if self.scene.state:
            value = self._filled(self.recipe.text("value"), query="state")
            run = self._filled(self.recipe.text("run"), script="text_form")
            lines = ["", run, f"print({value})"]
        return [*lines, self.recipe.text("close")]

    # --- the op and its inputs ---

    def _op(self) -> Lines:
        name = str(self.call.op)
        if self.call.op is Op.COPY_IN:
            name += "_bytes" if self.call.data else f"_rows_{self.call.format}"
        block = self.recipe.block("ops", name)
        if block is None:
            raise NoRecipe(f"{self.recipe.driver} has no recipe for {name} yet")
        return Lines(self._use(block))

    def _inputs(self, code: str) -> Iterator[str]:
        """What the op's code mentions, as assignments."""
        if self.scene.setup:
            yield f"setup = {_sql_text(self._setup())}"
        for name, make in self._makers().items():
            if name == "sql" and "statements" in code:  # it is a variable of the loop
                continue
            if re.search(rf"\b{name}\b", code):
                yield f"{name} = {make()}"
        if "params" in code and "statements" not in code:
            yield self._params()
        if self.scene.state:
            yield f"state = {_sql_text(state_query(self.scene.state))}"
            yield f"text_form = {_sql_text(_TEXT_FORM)}"

    def _makers(self) -> dict[str, Callable[[], str]]:
        call = self.call
        schema, table = sql.split_table(call.table)
        return {
            "sql": self._sql,
            "query": lambda: _sql_text(call.sql),
            "table": lambda: repr(table),
            "schema": lambda: repr(schema),
            "columns": lambda: repr(list(call.columns) or None),
            "format": lambda: repr(call.format),
            "types": lambda: repr([_type_name(name) for name in call.types]),
            "rows": self._rows,
            "data": lambda: self._literal(call.data),
            "statements": self._statements,
        }

    def _sql(self) -> str:
        call = self.call
        if call.op is Op.COPY_IN:
            return _sql_text(sql.copy_in_statement(call.table, call.columns, call.format))
        if call.op is Op.COPY_OUT:
            return _sql_text(sql.copy_out_statement(call.sql, call.format))
        if call.op is Op.EXECUTE_MANY:
            return _sql_text(self._translated(call.sql, call.rows)[0])
        return _sql_text(self._calls()[0])

    def _calls(self) -> tuple[str, Sequence[Any]]:
        """The statement and the parameters of each call; none where it takes none."""
        if not any(self.call.params):
            return self.call.sql, ()
        text, params = self._translated(self.call.sql, self.call.params)
        return text, params[: self.scene.calls]

    @property
    def _many(self) -> bool:
        return not self.call.statements and len(self._calls()[1]) > 1

    def _params(self) -> str:
        params = self._calls()[1]
        if not params:
            return f"params = {self.recipe.text('no_params')}"
        if len(params) > 1:
            return f"calls = {self._list(params)}"
        return f"params = {self._literal(params[0])}"

    def _rows(self) -> str:
        rows: Sequence[Any] = self.call.rows
        if self.call.op is Op.EXECUTE_MANY:
            rows = self._translated(self.call.sql, rows)[1]
        return self._list(rows)

    def _statements(self) -> str:
        flag = bool(self.recipe.raw.get("returns_rows"))
        lines = []
        for one in self.call.statements:
            text, params = one.sql, self.recipe.text("no_params")
            if one.params:
                text, rows = self._translated(one.sql, [one.params])
                params = self._literal(rows[0])
            elif self.recipe.raw.get("placeholders") == "dollar":
                params = "()"
            more = f", {sql.returns_rows(one.sql)}" if flag else ""
            lines.append(f"    ({text!r}, {params}{more}),")
        return "\n".join(["[", *lines, "]"])

    def _translated(
        self, text: str, rows: Sequence[tuple[Any, ...]]
    ) -> tuple[str, Sequence[Any]]:
        """A statement with its library's placeholders, and the rows that fit them."""
        style = self.recipe.text("placeholders")
        if style == "dollar":
            return text, rows
        positional = sql.to_format(text)
        twice = len(set(positional.order)) < len(positional.order)
        if twice and style == "format-or-names":
            named = sql.to_pyformat(text)
            return named.sql, [named.named(row) for row in rows]
        return positional.sql, [positional.arrange(row) for row in rows]

    # --- connecting ---

    def _setup(self) -> str:
        return (
            f"drop schema if exists {SCHEMA} cascade;\n"
            f"create schema {SCHEMA};\n"
            f"set search_path to {self._search_path()};\n"
            "set timezone to 'UTC';\n"
            f"{self.scene.setup};"
        )

    def _settings(self) -> tuple[tuple[str, str], ...]:
        if not self.scene.setup:
            return self.scene.settings
        return (("search_path", self._search_path()), *self.scene.settings)

    def _search_path(self) -> str:
        return ",".join(map(_name, (SCHEMA, *self.scene.extension_schemas)))

    def _connect(self, settings: Sequence[tuple[str, str]]) -> str:
        connect = self.recipe.text("connect").strip()
        return self._filled(connect, arguments=self._arguments(settings))

    def _arguments(self, settings: Sequence[tuple[str, str]]) -> str:
        """The arguments of the library's connect."""
        arguments = [*self.recipe.raw["arguments"], *self._listed("arguments")]
        if settings:
            argument = self._filled(
                self.recipe.text("settings"),
                options=repr(libpq_options(settings)),
                settings=repr(dict(settings)),
            )
            arguments.append(argument)
        one_line = ", ".join(arguments)
        if len(one_line) <= _LONG_CALL:
            return one_line
        return "\n" + "".join(f"    {one},\n" for one in arguments)

    # --- small things ---

    @property
    def _asynchronous(self) -> bool:
        return self.recipe.text("kind") == "async"

    def _start(self) -> str:
        starts = [one for one in self._options("start") if one]
        return starts[0] if starts else "asyncio.run(main())"

    def _options(self, key: str) -> list[Any]:
        known = self.recipe.raw.get("options", {})
        return [known.get(option, {}).get(key) for option in self.arm.options]

    def _listed(self, key: str) -> list[str]:
        return [item for one in self._options(key) if one for item in one]

    def _use(self, block: Lines) -> str:
        """A block's code, filled; its imports are taken along."""
        self.imports.update(block.imports)
        variables = dict(self.recipe.raw.get("variables", {}))
        for option in self.arm.options:
            variables.update(self.recipe.raw.get("options", {}).get(option, {}))
        variables["arguments"] = self._arguments(self.scene.settings)
        return self._filled(block.code, **variables)

    def _filled(self, text: str, **variables: str) -> str:
        return Template(text).substitute(variables)

    def _list(self, items: Sequence[Any]) -> str:
        return "\n".join(["[", *(f"    {self._literal(one)}," for one in items), "]"])

    def _literal(self, value: Any) -> str:
        return literal(value, self.imports, self._wrapper)

    def _wrapper(self, value: Any, imports: set[str]) -> str | None:
        if not isinstance(value, Wrapped):
            return None
        block = self.recipe.block("wrappers", value.kind)
        if block is None:
            raise NoRecipe(f"{self.recipe.driver} has no recipe for a {value.kind} yet")
        imports.update(block.imports)
        if isinstance(value.value, Range):
            return self._filled(block.code, **self._bounds(value.value))
        inner = literal(value.value, imports, self._wrapper)
        return self._filled(block.code, value=inner)

    def _bounds(self, value: Range) -> dict[str, str]:
        return {
            "lower": self._literal(value.lower),
            "upper": self._literal(value.upper),
            "bounds": repr(value.bounds),
            "lower_inc": repr(value.lower_inc),
            "upper_inc": repr(value.upper_inc),
            "empty": repr(value.isempty),
        }


def _sql_text(text: str) -> str:
    """SQL as a literal: over several lines where that is what it is."""
    if "\n" not in text or re.search(r'"""|["\\]\Z|[^\S\n ]', text):
        return repr(text)
    return f'{"r" if chr(92) in text else ""}"""{text}"""'


def _name(name: str) -> str:
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else sql.quote(name)


def _type_name(typname: str) -> str:
    return f"{typname[1:]}[]" if typname.startswith("_") else typname


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
    for number, one in enumerate(seen, 1):
        if "raised" in one:
            raised = exception_of(ran.stderr)
            if raised == one["raised"] and not rest:
                return ""
            return f"call {number} raised {one['raised']}, the script {raised or 'nothing'}"
        if (
            not rest.startswith(one["repr"])
            or rest[one["chars"] : one["chars"] + 1] != "\n"
        ):
            return _other_value(number, one["repr"], rest, ran)
        rest = rest[one["chars"] + 1 :]
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
