"""What a user of SQLAlchemy Core's asyncio API writes: acts over a `Connection`."""
