"""Whether pgvector's types can be registered for a session: shared by plug-ins."""

from __future__ import annotations

from harness.core.errors import NotConfigured

FIND_VECTOR = """
select to_regtype('vector') is not null,
       exists (select from pg_extension where extname = 'vector')
"""
"""A query for `check_vector`: one row of two booleans."""


def check_vector(in_search_path: bool, on_server: bool) -> None:
    """Whether what pgvector registers can be found, by what `FIND_VECTOR` brought.

    Raises:
        NotConfigured: it is on the server, and libraries that look names up do not find it.
    """
    if on_server and not in_search_path:
        raise NotConfigured("vector is not in the search path")
