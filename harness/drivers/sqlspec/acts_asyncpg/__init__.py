"""Acts of SQLSpec over asyncpg: what only this configuration has."""
