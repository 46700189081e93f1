"""A driver's seat at work: worker processes, and the director of steps.

Knows core, judge, machine, plugin, results, scenario, servers and venue.
"""
