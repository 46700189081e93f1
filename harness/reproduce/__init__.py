"""A cell as plain code of its driver's library.

Knows core, plugin, values and judge.
"""
