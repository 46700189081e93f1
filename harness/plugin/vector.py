"""Whether pgvector's types can be registered for a session: shared by plug-ins."""

from __future__ import annotations

from harness.core.errors import NotConfigured

FIND = """
select to_regtype('vector') is not null,
       exists (select from pg_extension where extname = 'vector')
"""
"""A query for `is_found`: one row of two booleans."""


def is_found(in_search_path: bool, on_server: bool) -> bool:
    """Whether there is a `vector` to register, by what `FIND` brought.

    Raises:
        NotConfigured: it is there, and libraries that look names up would not find it.
    """
    if on_server and not in_search_path:
        raise NotConfigured("vector is not in the search path")
    return in_search_path
