"""Copies of the tables that a statement names, in a schema of pgdyno's own, as SQL.

What a statement writes must not reach the server's own tables, nor their sequences: a copy
has columns, defaults, checks and indexes of its table, some of its rows, and sequences of
its own. Triggers and foreign keys stay behind: they would lead out of the schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.errors import UsageError
from harness.core.sql import array_literal, literal, quote
from harness.venue.control import Control
from harness.venue.lasting import check_lasting, names_in

ROWS = 1_000
"""So many rows of each table are copied: before every slice the copy is filled anew."""

_KEPT = "pgdyno_rows_of_"
_NEXT = re.compile(r"nextval\('(?:[^']|'')+'::regclass\)")

_TABLES_QUERY = """
select c.oid::int8, n.nspname, c.relname
from unnest($1::text[]) name, pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = to_regclass(quote_ident(name)) and c.relkind in ('r', 'p', 'v', 'm', 'f')
  and n.nspname not in ('pg_catalog', 'information_schema')
order by c.relname
"""
_COLUMNS_QUERY = """
select attname, attidentity, coalesce(pg_get_expr(adbin, adrelid), t.typdefault),
       coalesce((select coalesce(s.last_value, s.start_value - 1) + s.increment_by
                 from pg_depend d join pg_class c on c.oid = d.refobjid and c.relkind = 'S'
                 join pg_namespace n on n.oid = c.relnamespace
                 join pg_sequences s on (s.schemaname, s.sequencename) = (nspname, relname)
                 where (d.classid, d.objid) in (('pg_attrdef'::regclass, f.oid),
                                                ('pg_type'::regclass, atttypid))
                 limit 1), 1),
       coalesce((select coalesce(s.last_value, s.start_value - 1) + s.increment_by
                 from pg_depend d join pg_class c on c.oid = d.objid and c.relkind = 'S'
                 join pg_namespace n on n.oid = c.relnamespace
                 join pg_sequences s on (s.schemaname, s.sequencename) = (nspname, relname)
                 where d.refobjid = a.attrelid and d.refobjsubid = a.attnum
                   and d.deptype = 'i' limit 1), 1)
from pg_attribute a left join pg_attrdef f on (adrelid, adnum) = (attrelid, attnum)
join pg_type t on t.oid = atttypid
where attrelid = $1::oid and attnum > 0 and not attisdropped and attgenerated = ''
order by attnum
"""
# Functions of pg_catalog are in no dependency, so whatever is found is somebody's own.
_CALLED_QUERY = """
select p.proname from pg_depend d join pg_proc p on p.oid = d.refobjid
where d.refclassid = 'pg_proc'::regclass and p.provolatile = 'v' and
      (d.classid, d.objid) in (
        select 'pg_attrdef'::regclass, oid from pg_attrdef where adrelid = $1::oid
        union all
        select 'pg_constraint'::regclass, oid from pg_constraint where conrelid = $1::oid
        union all
        select 'pg_constraint'::regclass, c.oid
        from pg_attribute join pg_constraint c on contypid = atttypid
        where attrelid = $1::oid
        union all
        select 'pg_type'::regclass, atttypid from pg_attribute where attrelid = $1::oid)
"""
_FUNCTIONS_QUERY = """
select distinct proname from pg_proc p where proname = any($1::text[]) and provolatile = 'v'
  and pronamespace <> 'pg_catalog'::regnamespace
  and not exists (select from pg_depend d join pg_extension e on e.oid = d.refobjid
                  where d.objid = p.oid and d.deptype = 'e' and extname <> 'dblink')
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """A table's copy: the SQL that makes it, and the SQL that fills it anew. `counting` are
    the columns that a sequence fills."""

    name: str
    make: str
    fill: str
    columns: tuple[str, ...]
    counting: tuple[str, ...]


def copies(control: Control, texts: Sequence[str]) -> dict[str, Copy]:
    """A copy of each table that the texts name, by name; `control` looks where the server's
    user does.

    Raises:
        UsageError: something would be written that is not copied.
    """
    _check_functions(control, texts)
    names = array_literal(dict.fromkeys(names_in(*texts)))
    found = control.table(_TABLES_QUERY, [names])
    rows = found.rows if found else ()
    return {
        str(name): _copy(control, str(oid), str(schema), str(name))
        for oid, schema, name in rows
    }


def fixture(made: Mapping[str, Copy]) -> str:
    """The SQL that makes and fills all copies."""
    return "\n".join(
        f"{copy.make}\n{copy.fill}\nanalyze {quote(copy.name)};" for copy in made.values()
    )


def reset(made: Mapping[str, Copy], written: Sequence[str]) -> str:
    """The SQL that brings what is written back to its first rows."""
    tables = ", ".join(map(quote, written))
    fills = "\n".join(made[name].fill for name in written)
    return f"truncate {tables} restart identity;\n{fills}"


def written_by(
    control: Control, sql: str, row: Sequence[str | None], own: str
) -> list[str]:
    """The tables that a statement writes, by its plan; all that it touches must be in the
    schema `own`, where the control connection looks.

    Raises:
        UsageError: it names a table with its schema, or one that cannot be copied.
        OracleError: the server cannot plan it.
    """
    found = control.table(f"explain (verbose, format json) {sql}", row)
    assert found is not None
    plan = json.loads("\n".join(str(line) for (line,) in found.rows))
    touched = list(_relations(plan))
    for node in touched:
        reads_catalog = node["Schema"] == "pg_catalog" and "Operation" not in node
        if node["Schema"] != own and not reads_catalog:
            name = f"{node['Schema']}.{node['Relation Name']}"
            raise UsageError(
                f"the statement would reach {name} itself",
                hint="write tables without their schema, so that their copies are meant",
            )
    return list(
        dict.fromkeys(node["Relation Name"] for node in touched if "Operation" in node)
    )


def _relations(plan: Any) -> Iterator[Mapping[str, Any]]:
    """The nodes of a plan that have a table."""
    if isinstance(plan, list):
        for item in plan:
            yield from _relations(item)
    elif isinstance(plan, dict):
        if "Relation Name" in plan:
            yield plan
        for item in plan.values():
            yield from _relations(item)


# --- one table ----------------------------------------------------------------------------


def _copy(control: Control, oid: str, schema: str, name: str) -> Copy:
    _check_called(control, oid, name)
    found = control.table(_COLUMNS_QUERY, [oid])
    rows = found.rows if found else ()
    columns = tuple(str(row[0]) for row in rows)
    listed = ", ".join(map(quote, columns))
    table, kept = quote(name), quote(_KEPT + name)
    source = f"{quote(schema)}.{table}"
    defaults = [_NEXT.sub("", default) for *_, default, _, _ in rows if default]
    check_lasting(control, defaults, f"a default of {name}")
    counting = {str(row[0]): list(_counting(name, *row)) for row in rows}
    make = [
        f"create table {table} (like {source} including all);",
        f"create table {kept} as select {listed} from {source} limit {ROWS};",
        *(line for lines in counting.values() for line in lines),
    ]
    fill = (
        f"insert into {table} ({listed}) overriding system value"
        f" select {listed} from {kept};"
    )
    counts = tuple(column for column, lines in counting.items() if lines)
    return Copy(name, "\n".join(make), fill, columns, counts)


def _counting(
    table: str,
    column: str | None,
    identity: str | None,
    default: str | None,
    of_default: str | None,
    of_identity: str | None,
) -> Iterator[str]:
    """A sequence of its own for a column that counts, where the server's is by now."""
    assert column is not None
    alter = f"alter table {quote(table)} alter column {quote(column)}"
    if identity:
        yield f"{alter} set start {of_identity} restart;"
    elif default and _NEXT.search(default):
        sequence = quote(f"{table}_{column}_seq"[:63])
        owner = f"{quote(table)}.{quote(column)}"
        own = f"nextval({literal(sequence)}::regclass)"
        yield f"create sequence {sequence} start {of_default} owned by {owner};"
        yield f"{alter} set default {_NEXT.sub(lambda _: own, default)};"


# --- what cannot be copied ----------------------------------------------------------------


def _check_called(control: Control, oid: str, name: str) -> None:
    """A default or a check may call a function that writes who knows where."""
    if called := control.value(_CALLED_QUERY, [oid]):
        raise UsageError(
            f"a default or a check of {name} calls the function {called}, which may write "
            "outside of the copy"
        )


def _check_functions(control: Control, texts: Sequence[str]) -> None:
    """A function is not copied, and may write into the server's own tables."""
    check_lasting(control, texts, "the statement")
    names = array_literal(dict.fromkeys(names_in(*texts)))
    if called := control.value(_FUNCTIONS_QUERY, [names]):
        raise UsageError(
            f"the statement calls {called}, which may write outside of the copies",
            hint="leave it out; with --writes, only tables are copied",
        )
