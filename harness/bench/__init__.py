"""How fast is it: the plan of a bench run, its rounds, blocks, and what a lane is asked.

Knows the rooms below it, neither the worker's inside nor any driver nor a verb.
"""
