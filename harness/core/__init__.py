"""Nouns, errors, SQL text, statistics: what every room may know.

Knows the standard library only.
"""
