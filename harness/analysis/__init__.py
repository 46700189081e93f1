"""What numbers mean: times, counts, memory, comparisons, the laws of an audit. Pure.

Knows core, and records of results as types.
"""
