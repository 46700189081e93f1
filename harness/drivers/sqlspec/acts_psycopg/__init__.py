# Made from acts_psycopg_async/__init__.py by tools/psycopg_sync.py: change that, not this.
"""Acts of SQLSpec over psycopg: what only this configuration has."""
