"""What a user of SQLAlchemy's ORM over its asyncio API writes: acts over a `Session`."""
