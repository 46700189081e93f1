"""What came × what is right → a verdict. Pure; both worker and parent use it.

Knows core and values.
"""
