"""Placement on cores, processor clocks, and who disturbs a measurement.

Knows core, results and servers.
"""
