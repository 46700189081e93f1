"""Parameters: a query by which the server draws them from its own tables, seeded.

A large table is sampled by pages and never scanned. What comes of one table comes from one
row, members of a list from rows of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.workload.relations import Relation
from harness.workload.sorting import Refused
from harness.workload.statement import ROW, Draw, GeneralForm

CALLS = 20
"""So many calls' parameters are drawn; calls go round through them."""
_PAGES = 100
"""So many pages of a large table are looked at, about."""
_VIEWED = 1_000
"""So many rows of a view, or of a foreign table: how large it is nobody knows."""
_LIST = 3
"""Members of an array whose length nobody knows."""
_PREFIX = 3
"""Characters of a real value that a pattern has."""

_CONSTANTS = {
    "int2": "1",
    "int4": "1",
    "int8": "1",
    "numeric": "1",
    "float4": "1",
    "float8": "1",
    "bool": "true",
    "text": "'a'",
    "varchar": "'a'",
    "bpchar": "'a'",
    "date": "'2024-01-01'",
    "timestamp": "'2024-01-01 00:00:00'",
    "timestamptz": "'2024-01-01 00:00:00+00'",
    "interval": "'1 day'",
    "time": "'12:00:00'",
    "json": "'{}'",
    "jsonb": "'{}'",
}
_HASH = "hashtextextended({0}::text, {1})"
_INVENTED = {
    "int2": f"abs({_HASH} % 10000)",
    "int4": f"abs({_HASH} % 1000000)",
    "int8": f"abs({_HASH} % 1000000)",
    "numeric": f"abs({_HASH} % 1000000) / 100.0",
    "float4": f"abs({_HASH} % 1000000) / 100.0",
    "float8": f"abs({_HASH} % 1000000) / 100.0",
    "bool": f"{_HASH} % 2 = 0",
    "text": "md5({1}::text || {0})",
    "varchar": "md5({1}::text || {0})",
    "bpchar": "md5({1}::text || {0})",
    "uuid": "md5({1}::text || {0})",
    "date": f"date '2020-01-01' + abs({_HASH} % 2000)::int",
    "timestamp": f"timestamp '2020-01-01' + abs({_HASH} % 2000) * interval '1 day'",
    "timestamptz": "timestamptz '2020-01-01 00:00:00+00' + "
    f"abs({_HASH} % 2000) * interval '1 day'",
    "inet": f"'10.0.0.0'::inet + abs({_HASH} % 1000000)",
    "bytea": "decode(md5({1}::text || {0}), 'hex')",
}
"""Of a hidden column: by the number of the call ({0}) and the seed ({1})."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A table to draw from, with the expressions that are drawn of each row."""

    name: str
    relation: Relation
    expressions: tuple[str, ...]

    def sql(self, seed: int) -> str:
        """The rows: real values only, in an order that the seed decides."""
        numbered = enumerate(self.expressions, 1)
        drawn = ", ".join(f"{text} as c{number}" for number, text in numbered)
        real = " and ".join(f"({text}) is not null" for text in self.expressions)
        pick = f"hashtextextended({_identity(self.relation)}, {seed}) as pick"
        return (
            f"{self.name} as (\n"
            "  select row_number() over (order by pick) - 1 as n,"
            " count(*) over () as m, s.*\n"
            f"  from (select {pick}, {drawn}\n"
            f"    from {_rows(self.relation, seed)}\n"
            f"    where {real} order by pick limit {CALLS}) s)"
        )


def _rows(relation: Relation, seed: int) -> str:
    """Rows to draw from: of a table all or a sample, of a view the first."""
    if relation.kind != "table":
        return f"(select * from {relation.key} limit {_VIEWED}) {ROW}"
    if not relation.sampled:
        return f"{relation.key} {ROW}"
    share = f"{min(100, 100 * _PAGES / relation.pages):.6g}"
    return f"{relation.key} {ROW} tablesample system ({share}) repeatable ({seed})"


def _identity(relation: Relation) -> str:
    """What tells a row from all others; a view has nothing but its values."""
    if relation.kind == "table":
        return f"{ROW}.tableoid::text || {ROW}.ctid::text"
    return f"{ROW}::text"


def params_sql(
    statement: GeneralForm, types: Sequence[str], seed: int, calls: int = CALLS
) -> str:
    """The query that draws the parameters of so many calls; empty where there are none.

    `types` are those that the server gives them, as a cast has them.

    Raises:
        Refused: for one of them nothing is known to draw.
    """
    if not types:
        return ""
    sources = _sources(statement)
    joined: dict[str, str] = {}
    columns = [
        _column(statement, number, kind, sources, joined, seed)
        for number, kind in enumerate(types, 1)
    ]
    if not joined and not any("(i::text" in text for text in columns):
        calls = 1  # all constants
    used = {join.partition(" ")[0] for join in joined.values()}
    parts = [source.sql(seed) for source in sources.values() if source.name in used]
    lines = [f"with {', '.join(parts)}"] if parts else []
    lines += ["select " + ", ".join(columns), f"from generate_series(0, {calls - 1}) i"]
    lines += [f"join {join}" for join in joined.values()]
    return "\n".join([*lines, "order by i"])


def _sources(statement: GeneralForm) -> dict[int, _Source]:
    """The tables that something is drawn from, by their places."""
    drawn: dict[int, list[Draw]] = {}
    for draw in statement.draws.values():
        if not draw.hidden:
            drawn.setdefault(draw.place, []).append(draw)
    return {
        place: _Source(
            f"t{number}",
            draws[0].relation,
            tuple(dict.fromkeys(draw.expression for draw in draws)),
        )
        for number, (place, draws) in enumerate(drawn.items(), 1)
    }


def _column(
    statement: GeneralForm,
    number: int,
    kind: str,
    sources: dict[int, _Source],
    joined: dict[str, str],
    seed: int,
) -> str:
    """What one parameter is, as an expression; joins what it needs for that."""
    draw = statement.draws.get(number)
    if draw is None:
        return f"{_constant(statement, number, kind)}::{kind}"
    if draw.hidden:
        return f"{_invented(number, kind, seed, draw)}::{kind}"
    source = sources[draw.place]
    at = source.expressions.index(draw.expression) + 1
    if draw.how == "array" and kind.endswith("[]"):
        members = [f"{_joined(source, shift, joined)}.c{at}" for shift in range(_LIST)]
        return f"array[{', '.join(members)}]::{kind}"
    value = f"{_joined(source, draw.number, joined)}.c{at}"
    return f"{_pattern(value, draw) if draw.how == 'pattern' else value}::{kind}"


def _joined(source: _Source, shift: int, joined: dict[str, str]) -> str:
    """The name of a row of a source: that of a call, or one that lies further on."""
    name = f"{source.name}_{shift}"
    at = f"(i + {shift})" if shift else "i"
    joined[name] = f"{source.name} {name} on {name}.n = {at} % {name}.m"
    return name


def _pattern(value: str, draw: Draw) -> str:
    """A pattern that begins like a real value, whatever signs are in that."""
    head = f"left({value}::text, {_PREFIX})"
    escaped = rf"regexp_replace({head}, '([\\%_])', '\\\1', 'g')"
    before = f"'{draw.before}' || " if draw.before else ""
    return f"({before}{escaped} || '%')"


def _constant(statement: GeneralForm, number: int, kind: str) -> str:
    if number in statement.compared and kind not in _NUMBERS:
        against = statement.compared[number]
        raise Refused(
            f"no table is known to draw ${number} from: it stands against {against}"
        )
    if number in statement.constants:
        return statement.constants[number]
    if kind not in _CONSTANTS:
        raise Refused(f"nothing is known about ${number}, of the type {kind}")
    return _CONSTANTS[kind]


_NUMBERS = ("int2", "int4", "int8", "numeric", "float4", "float8")


def _invented(number: int, kind: str, seed: int, draw: Draw) -> str:
    """A value in place of a hidden one."""
    element = kind.removesuffix("[]")
    if element not in _INVENTED:
        raise Refused(f"no value of the type {kind} can be invented for a hidden column")
    at = f"(i::text || '/{number}')"
    made = _INVENTED[element].format(at, seed)
    if draw.how == "pattern":
        made = f"left({made}, {_PREFIX}) || '%'"
    return f"array[({made})::{element}]" if kind.endswith("[]") else f"({made})"
