"""Acts of SQLSpec over psqlpy: what only this configuration has."""
