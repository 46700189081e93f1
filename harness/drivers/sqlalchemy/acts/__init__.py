# Made from acts_async/__init__.py by tools/psycopg_sync.py: change that, not this.
"""What a user of SQLAlchemy writes for each act, by subject.

These acts read the same for a `Connection` of Core and a `Session` of the ORM.
"""
