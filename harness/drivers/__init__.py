"""The built-in drivers: a folder per library, and the references.

Each is found by its entry point. Knows core and plugin.
"""
