"""What a user of SQLAlchemy's asyncio API writes for each act, by subject.

These acts read the same for a `Connection` of Core and a `Session` of the ORM.
"""
