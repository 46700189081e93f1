# Made from acts_pooler_async/__init__.py by tools/psycopg_sync.py: change that, not this.
"""Acts of psycopg's sync API that differ with the option `noprepare`."""
