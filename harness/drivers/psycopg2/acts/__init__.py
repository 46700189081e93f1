"""What a user of psycopg2 writes for each act (`harness.plugin.acts`), by subject."""
