"""How acts reach a server: a file for each driver below, and for Core and the ORM.

`engines.py` makes the engines of all; what a driver only has by its own connection
(`driver_connection`, as SQLAlchemy's documentation calls it) stands beside them.
"""
