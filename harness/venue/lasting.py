"""Functions whose effect outlasts a transaction, a read-only one too: they write through
another connection, end or change sessions, reset statistics, count sequences on.

A statement that reaches one of them would leave a server otherwise than it was found, so
it is refused before it runs, also where a view or a function of the user's own reaches it.
What a function puts together as text and then executes cannot be known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from harness.core.errors import UsageError
from harness.core.sql import array_literal, tokens
from harness.venue.control import Control

_NAMES = r"""
    nextval | setval | set_config | pg_notify
  | dblink | dblink_(?:exec|open|send_query)
  | query_to_xml\w* | ts_stat | ts_rewrite  # they run SQL that is a text
  | lowrite | lo_(?:creat|create|export|from_bytea|import|put|truncate|truncate64|unlink)
  | pg_(?:cancel|terminate)_backend | pg_log_backend_memory_contexts
  | pg_(?:try_)?advisory_\w+
  | pg_reload_conf | pg_rotate_logfile\w* | pg_promote
  | pg_switch_(?:wal|xlog) | pg_wal_replay_(?:pause|resume)
  | pg_(?:start|stop)_backup | pg_backup_(?:start|stop) | pg_create_restore_point
  | pg_(?:create|drop|copy)_\w*replication_slot | pg_sync_replication_slots
  | pg_replication_(?:slot_advance|origin_\w+)
  | pg_logical_(?:emit_message|slot_get_\w+)
  | pg_stat_(?:\w+_)?reset(?:_\w+)? | pg_(?:clear|restore)_\w+_stats
  | pg_import_system_collations | pg_file_(?:write|rename|sync|unlink)
  | brin_(?:de)?summarize_\w+ | gin_clean_pending_list
"""
_LASTING = re.compile(rf"(?:{_NAMES})", re.VERBOSE)
_MENTIONED = re.compile(rf"\b(?:{_NAMES})\b", re.VERBOSE | re.IGNORECASE)
_ESCAPED_NAME = re.compile(r"\bu&\"", re.IGNORECASE)

_DEFINED_QUERY = """
select proname, coalesce(nullif(prosrc, ''), pg_get_functiondef(p.oid))
from pg_proc p join pg_language l on l.oid = prolang
where proname = any($1::text[]) and pronamespace <> 'pg_catalog'::regnamespace
  and lanname not in ('c', 'internal')
union all
select relname, pg_get_viewdef(c.oid)
from pg_class c join pg_namespace n on n.oid = relnamespace
where relname = any($1::text[]) and relkind = 'v'
  and nspname not in ('pg_catalog', 'information_schema')
"""


def check_lasting(control: Control, texts: Sequence[str], what: str) -> None:
    """Refuse SQL that reaches a function whose effect lasts; `what` is its subject.

    Raises:
        UsageError: it names the function, and what of the user's own calls it.
    """
    if any(map(_ESCAPED_NAME.search, texts)):
        raise UsageError(
            f'{what} has a name that is written U&"…", which is not read here',
            hint='write the name itself, in plain "…"',
        )
    if found := lasting(control, names_in(*texts)):
        user, called = found
        calls = f"uses {user}, which calls {called}" if user else f"calls {called}"
        raise UsageError(
            f"{what} {calls}, and what that does may outlast the try",
            hint="the server is left as it was found: leave it out",
        )


def lasting(control: Control, names: Iterable[str]) -> tuple[str, str] | None:
    """A function whose effect lasts that is among these names, or behind one of them: what
    of the user's own calls it, empty if nothing does, and its name."""
    found = set(names)
    if called := next(filter(_LASTING.fullmatch, sorted(found)), None):
        return "", called
    return next(_reached(control, found), None)


def _reached(control: Control, names: set[str]) -> Iterator[tuple[str, str]]:
    """Views and functions behind these names, of any depth, that call what lasts."""
    seen: set[str] = set()
    while names := names - seen:
        seen |= names
        found = control.table(_DEFINED_QUERY, [array_literal(sorted(names))])
        defined = [(str(name), str(text)) for name, text in found.rows] if found else []
        for name, text in defined:
            if called := _MENTIONED.search(text):
                yield name, called[0]
        names = set(names_in(*(text for _, text in defined)))


def names_in(*texts: str) -> Iterator[str]:
    """Every word that may name a table or a function."""
    for text in texts:
        for token in tokens(text):
            if token.kind == "word":
                yield token.text.lower()
            elif token.kind == "quoted" and token.text.startswith('"'):
                yield token.text[1:-1].replace('""', '"')
