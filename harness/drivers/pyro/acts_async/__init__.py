"""What a user of pyro-postgres's async API writes for each act, by subject."""
