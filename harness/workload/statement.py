"""A statement made general: placeholders in place of literals, no comments.

For each placeholder it is known what it is compared with, so that the server can draw a
value of that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pglast import ast, parse_sql
from pglast.enums import CoercionForm
from pglast.parser import ParseError

from harness.core.sql import parameters
from harness.workload.comparing import Against, How, compared, uncast
from harness.workload.literals import check_literals
from harness.workload.masking import masked, touches
from harness.workload.relations import Hidden, Relation, Relations
from harness.workload.scope import Scope, scopes
from harness.workload.sorting import Refused, check_functions, parsed
from harness.workload.tree import (
    below,
    column,
    expression,
    last,
    names,
    substitute,
    walk,
    written,
)

_T = TypeVar("_T")
ROW = "r"
"""What the table is called that a parameter is drawn from."""
_UNITS = ("extract", "date_part", "date_trunc")


@dataclass(frozen=True, slots=True)
class Draw:
    """Where a parameter comes from: an expression over a row of a table, which is that of
    other parameters with the same `place` and `number`."""

    place: int
    relation: Relation
    expression: str
    how: How = "value"
    number: int = 0
    before: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class GeneralForm:
    """A statement that can be repeated, if the server agrees.

    `draws` say what parameters are drawn from, by their numbers; `constants` are those
    for which the place where they stand says what they should be; `compared` are those
    that stand against something that no table has.
    """

    sql: str
    tables: tuple[str, ...]
    ordered: bool
    draws: Mapping[int, Draw] = field(default_factory=dict)
    constants: Mapping[int, str] = field(default_factory=dict)
    compared: Mapping[int, str] = field(default_factory=dict)


def generalised(text: str, relations: Relations, hidden: Hidden) -> GeneralForm:
    """The general form of an observed text.

    Raises:
        Refused: it cannot be repeated.
    """
    try:
        return _generalised(parsed(text), relations, hidden)
    except RecursionError:
        raise Refused("it is nested too deeply") from None
    except (ParseError, NotImplementedError):
        raise Refused("it cannot be written down again as it was") from None


def _generalised(tree: ast.SelectStmt, relations: Relations, hidden: Hidden) -> GeneralForm:
    check_functions(tree, relations)
    found = scopes(tree, relations)
    work = _Work(hidden, _highest(tree))
    for scope in found:
        work.read(scope)
    for scope in found:
        work.others |= masked(scope, hidden)
    substitute(tree, work.others)
    _explicit_extract(tree)
    check_literals(tree)
    order = _renumbered(tree)
    places = (place for scope in found for place in scope.places.values() if place)
    return GeneralForm(
        sql=_faithful(tree),
        tables=tuple(dict.fromkeys(place.relation.name for place in places)),
        ordered=bool(tree.sortClause),
        draws=_renamed(work.draws, order),
        constants=_renamed(work.constants, order),
        compared=_renamed(work.compared, order),
    )


def _faithful(tree: ast.SelectStmt) -> str:
    """The text of a statement that means the very same."""
    sql = written(tree)
    if parse_sql(sql)[0].stmt != tree:
        raise Refused("it cannot be written down again as it was")
    return sql


def _highest(tree: ast.Node) -> int:
    refs = [int(node.number or 0) for node in walk(tree) if isinstance(node, ast.ParamRef)]
    return max(refs, default=0)


def _renumbered(tree: ast.Node) -> dict[int, int]:
    """Number the placeholders as they come in the text; old → new."""
    told = dict.fromkeys(at + 1 for at in parameters(written(tree)))
    order = {old: new for new, old in enumerate(told, 1)}
    for node in walk(tree):
        if isinstance(node, ast.ParamRef):
            node.number = order[int(node.number or 0)]
    return order


def _renamed(known: Mapping[int, _T], order: Mapping[int, int]) -> dict[int, _T]:
    return {new: known[old] for old, new in order.items() if old in known}


def _explicit_extract(tree: ast.Node) -> None:
    """`extract($1 from x)` is no SQL, though statistics write it: `extract($1, x)` is."""
    for node in walk(tree):
        if not isinstance(node, ast.FuncCall) or last(node.funcname) != "extract":
            continue
        if isinstance((node.args or (None,))[0], ast.ParamRef):
            node.funcformat = CoercionForm.COERCE_EXPLICIT_CALL


@dataclass(slots=True)
class _Work:
    """What is found while the queries of a statement are read."""

    hidden: Hidden
    number: int
    others: dict[int, Any] = field(default_factory=dict)
    draws: dict[int, Draw] = field(default_factory=dict)
    constants: dict[int, str] = field(default_factory=dict)
    compared: dict[int, str] = field(default_factory=dict)

    def read(self, scope: Scope) -> None:
        """One query: its comparisons, its limit, its units of time."""
        nodes = list(below(scope.query))
        found = [against for node in nodes for against in compared(node)]
        # Keys first, inner ones before outer ones: what they find is compared.
        keys = [against for against in found if against.how == "key"]
        for against in (*reversed(keys), *found):
            self._compare(scope, against)
        for node in nodes:
            if touches(scope, node, self.hidden):
                self._cover(node)
        self._note(scope.query.limitCount, "10")
        self._note(scope.query.limitOffset, "0")
        for node in nodes:
            if isinstance(node, ast.FuncCall) and last(node.funcname) in _UNITS:
                self._note(node.args[0] if node.args else None, "'day'")

    def _note(self, node: ast.Node | None, value: str) -> None:
        bare = uncast(node)
        if isinstance(bare, ast.ParamRef):
            self.constants.setdefault(int(bare.number or 0), value)

    def _compare(self, scope: Scope, found: Against) -> None:
        if isinstance(found.slot, ast.A_Const) and _is_plain(found.slot):
            return
        draw = self._draw(scope, found)
        if draw is None:
            self._unknown(found)
            return
        number = self._placeholder(found.slot)
        self.draws.setdefault(number, draw)

    def _draw(self, scope: Scope, found: Against) -> Draw | None:
        """What to draw for something compared; None if it is no expression over a row."""
        origins = [scope.origin(ref) for ref in _columns(found.subject)]
        if not origins or None in origins or not _is_simple(found.subject):
            return None
        known = [origin for origin in origins if origin is not None]
        place = known[0].place
        if any(origin.place != place for origin in known) or not all(
            number in self.draws and self.draws[number].place == place.number
            for _, number in _refs(found.subject)
        ):
            return None
        text = _over_row(found.subject, self.draws)
        return Draw(
            place=place.number,
            relation=place.relation,
            expression=_KEY.format(text) if found.how == "key" else text,
            how=found.how,
            number=found.number,
            before=_before(found.slot),
            hidden=any(self.hidden.has(place.relation, at.column) for at in known),
        )

    def _unknown(self, found: Against) -> None:
        """What is compared with something that no table has; a key may be any text."""
        if found.how == "key":
            return
        if isinstance(found.slot, ast.ParamRef):
            self.compared.setdefault(int(found.slot.number or 0), written(found.subject))
        elif isinstance(found.slot.val, ast.String):
            raise Refused("it has a literal for which no column is known to draw from")

    def _placeholder(self, slot: ast.ParamRef | ast.A_Const) -> int:
        """The number of a parameter; of a literal the one that stands there from now on."""
        if isinstance(slot, ast.ParamRef):
            return int(slot.number or 0)
        if id(slot) not in self.others:
            self.number += 1
            self.others[id(slot)] = ast.ParamRef(number=self.number)
        return int(self.others[id(slot)].number)

    def _cover(self, node: ast.Node) -> None:
        """Literals that stand with a hidden column go, whatever is done with them."""
        for part in below(node):
            if isinstance(part, ast.A_Const) and not _is_plain(part):
                self._placeholder(part)


def _is_plain(constant: ast.A_Const) -> bool:
    """NULL, true and false say nothing about anybody."""
    return bool(constant.isnull) or isinstance(constant.val, ast.Boolean)


def _columns(node: ast.Node) -> Iterator[ast.ColumnRef]:
    return (part for part in walk(node) if isinstance(part, ast.ColumnRef))


def _is_simple(node: ast.Node) -> bool:
    """Whether it is computed from a row alone."""
    unfit = (ast.SubLink, ast.SelectStmt)
    return not any(
        isinstance(part, unfit) or bool(getattr(part, "over", None)) for part in walk(node)
    )


def _over_row(subject: ast.Node, draws: Mapping[int, Draw]) -> str:
    """The expression with its columns as those of the row, and with the keys in it."""
    own = expression(written(subject))
    others: dict[int, Any] = {
        id(ref): column(ROW, names(ref)[-1]) for ref in _columns(own)
    } | {id(ref): expression(draws[number].expression) for ref, number in _refs(own)}
    substitute(own, others)
    return written(others.get(id(own), own))


def _refs(node: ast.Node) -> Iterator[tuple[ast.ParamRef, int]]:
    """The placeholders in an expression, with their numbers."""
    for part in walk(node):
        if isinstance(part, ast.ParamRef):
            yield part, int(part.number or 0)


_KEY = (
    "coalesce((select k from jsonb_object_keys(case jsonb_typeof(to_jsonb({0}))"
    " when 'object' then to_jsonb({0}) else '{{}}' end) k order by 1 limit 1), '')"
)
"""The first key of a document; of what is no object a key that it has not."""


def _before(slot: ast.ParamRef | ast.A_Const) -> str:
    """What a pattern begins with, if it is known and not a letter."""
    if isinstance(slot, ast.A_Const) and isinstance(slot.val, ast.String):
        return "%" if str(slot.val.sval).startswith("%") else ""
    return ""
