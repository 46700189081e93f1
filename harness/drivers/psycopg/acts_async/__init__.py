"""What a user of psycopg, async, writes for each act (`harness.plugin.acts`), by subject."""
