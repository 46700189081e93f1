"""Whether pgvector's types can be registered for a session: shared by plug-ins."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

_TYPES = ("vector", "halfvec", "sparsevec")

FIND_VECTOR = """
select to_regtype('vector') is not null,
       exists (select from pg_extension where extname = 'vector')
"""
"""A query for `unregistered_vector`: one row of two booleans."""


def unregistered_vector(in_search_path: bool, on_server: bool) -> Mapping[str, str]:
    """Type → why it is not registered although the server has it, by what `FIND_VECTOR`
    brought; empty where all is well."""
    if not on_server:
        return {}
    if importlib.util.find_spec("pgvector") is None:
        return dict.fromkeys(_TYPES, "the Python package pgvector is not installed")
    if not in_search_path:
        return dict.fromkeys(_TYPES, "vector is not in the search path")
    return {}
