"""What a user of asyncpg writes for each act (`harness.plugin.acts`), by subject."""
