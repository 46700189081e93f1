"""Jobs: a plan as lines of text, each of which is one pgdyno process with one results file.

An engine carries jobs and knows nothing of drivers; this room plans them, reads them and
runs them, and knows nothing of engines.
"""
