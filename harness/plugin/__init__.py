"""The contract of drivers, and the vocabulary of acts: what an outside driver may import.

Knows core.
"""
