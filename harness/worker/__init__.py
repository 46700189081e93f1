"""One process with one driver in it: all that happens inside a measurement.

Knows core, values, plugin and judge, and of libraries none but the standard one.
"""
