"""The view model: everything that a report says, as data.

Knows core, analysis and results.
"""
