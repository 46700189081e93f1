"""What a user of pg8000's native API writes for each act, by subject."""
