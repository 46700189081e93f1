"""The built-in drivers: one folder per library, and the references, each found by its entry point."""
