"""What a user of psqlpy writes for each act (`harness.plugin.acts`), by subject."""
