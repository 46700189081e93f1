# Made from acts_async/__init__.py by tools/psycopg_sync.py: change that, not this.
"""What a user of psycopg writes for each act (`harness.plugin.acts`), by subject."""
