"""The command line: one module per verb.

Knows everything; nobody knows it.
"""
