"""Acts of psycopg's async API that differ with the option `noprepare`."""
