"""A run as a file: what is recorded, how it is stored, how old files are read.

Knows core.
"""
