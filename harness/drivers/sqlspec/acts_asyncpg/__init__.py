"""Acts of SQLSpec."""
