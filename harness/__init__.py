"""pgdyno: evidence about Python's PostgreSQL drivers."""

__version__ = "0.1.0"
