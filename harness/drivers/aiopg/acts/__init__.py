"""What a user of aiopg writes for each act, by subject."""
