"""What surrounds a run: the control connection, the oracle, schemas of our own.

Knows core, judge, results and servers.
"""
