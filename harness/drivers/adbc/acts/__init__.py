"""What a user of adbc writes, by topic."""
