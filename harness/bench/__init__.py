"""How fast is it: the plan of a bench run, its rounds and blocks, what a lane is asked to do.

Knows the rooms below it, neither the worker's inside nor any driver nor a verb.
"""
