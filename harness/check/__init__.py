"""Is it right: every case for every driver, and what of that was expected.

Knows the rooms below it, neither the worker's inside nor any driver nor a verb.
"""
