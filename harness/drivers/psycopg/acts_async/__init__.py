"""What a user of psycopg writes for each act (`harness.plugin.acts`), by subject."""
