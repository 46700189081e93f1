"""What a user of SQLSpec writes for each act (`harness.plugin.acts`), async, by subject.

The connection of an act is a session of SQLSpec. What differs between the configurations
stands in a package of its own for each.
"""
