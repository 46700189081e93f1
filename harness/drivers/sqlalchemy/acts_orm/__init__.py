# Made from acts_orm_async/__init__.py by tools/psycopg_sync.py: change that, not this.
"""What a user of SQLAlchemy's ORM writes: acts over a `Session`."""
