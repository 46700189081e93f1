"""Acts of SQLSpec over psycopg, async: what only this configuration has."""
