"""What a user of pyro-postgres's sync API writes for each act, by subject."""
