"""The built-in drivers: one file per library, each found by its entry point."""
