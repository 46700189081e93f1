# Made from acts_core_async/__init__.py by tools/psycopg_sync.py: change that, not this.
"""What a user of SQLAlchemy Core writes: acts over a `Connection`."""
