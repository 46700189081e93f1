"""What a name means at its place in a statement: which column of which table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pglast import ast

from harness.workload.relations import Hidden, Relation, Relations
from harness.workload.sorting import Refused
from harness.workload.tree import below, names


@dataclass(frozen=True, slots=True)
class Place:
    """A table where it stands in a `from`: the same one may stand there twice."""

    number: int
    relation: Relation


@dataclass(frozen=True, slots=True)
class Origin:
    """A column of a place."""

    place: Place
    column: str


@dataclass(slots=True)
class Scope:
    """One query: what its `from` has, by the names that it has there, and the query around
    it. None is a table that the statement makes itself."""

    query: ast.SelectStmt
    places: dict[str, Place | None] = field(default_factory=dict)
    outer: Scope | None = None

    def origin(self, ref: ast.ColumnRef) -> Origin | None:
        """Where a column comes from; None if no table of the server has it."""
        *path, column = names(ref)
        found = self.places.get(path[-1]) if path else self._having(column)
        if found is not None and column in found.relation.columns:
            return Origin(found, column)
        known = path and path[-1] in self.places
        return None if known or self.outer is None else self.outer.origin(ref)

    def _having(self, column: str) -> Place | None:
        for place in self.places.values():
            if place is not None and column in place.relation.columns:
                return place
        return None

    def covered(self, ref: ast.ColumnRef) -> list[tuple[str, Place]]:
        """The tables that `*`, `t.*` or a whole row `t` stands for, with their names."""
        path = [name for name in names(ref) if name != "*"]
        if not path:
            return [(name, at) for name, at in self.places.items() if at is not None]
        found = self.places.get(path[-1])
        return [(path[-1], found)] if found is not None else []


def scopes(tree: ast.SelectStmt, relations: Relations) -> list[Scope]:
    """All queries of a statement, outer ones first.

    Raises:
        Refused: it reads what is not there, or not data.
    """
    made: list[Scope] = []
    _Reader(relations, made).read(tree, None, frozenset())
    return made


@dataclass(slots=True)
class _Reader:
    relations: Relations
    made: list[Scope]
    _places: int = 0

    def read(self, query: ast.SelectStmt, outer: Scope | None, own: frozenset[str]) -> None:
        """A query, then those inside it; `own` are the names of `with`."""
        if query.withClause:
            own |= {str(part.ctename) for part in query.withClause.ctes or ()}
        scope = Scope(query, outer=outer)
        for item in query.fromClause or ():
            for name, place in self._items(item, own):
                scope.places[name] = place
        self.made.append(scope)
        for node in below(query):
            if isinstance(node, ast.SelectStmt):
                self.read(node, scope, own)

    def _items(
        self, item: ast.Node | None, own: frozenset[str]
    ) -> Iterator[tuple[str, Place | None]]:
        if isinstance(item, ast.JoinExpr):
            yield from self._items(item.larg, own)
            yield from self._items(item.rarg, own)
        elif isinstance(item, ast.RangeTableSample):
            yield from self._items(item.relation, own)
        elif isinstance(item, ast.RangeVar):
            name = str(item.alias.aliasname if item.alias else item.relname)
            yield name, self._place(item, own)
        elif alias := getattr(item, "alias", None):
            yield str(alias.aliasname), None

    def _place(self, item: ast.RangeVar, own: frozenset[str]) -> Place | None:
        if not item.schemaname and item.relname in own:
            return None
        relation = self.relations.find(item.schemaname or "", str(item.relname))
        name = ".".join(filter(None, (item.schemaname, item.relname)))
        if relation is None:
            raise Refused(f"there is no table {name} in this database")
        if relation.temporary:
            raise Refused(f"it reads the temporary table {name}")
        if relation.of_catalog:
            raise Refused("it asks about the server, not about data")
        self._places += 1
        renamed = item.alias and item.alias.colnames
        return None if renamed else Place(self._places, relation)


def hidden_origin(scope: Scope, ref: ast.ColumnRef, hidden: Hidden) -> Origin | None:
    """Where a column comes from if it is a hidden one."""
    origin = scope.origin(ref)
    known = origin and hidden.has(origin.place.relation, origin.column)
    return origin if known else None
