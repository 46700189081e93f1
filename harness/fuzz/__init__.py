"""Values that nobody thought of: Hypothesis invents them, the server judges them.

`strategies` knows how a value of each type is written, `search` looks for those that a
driver does not bring back right and makes them small, `findings` says what was found.
A value is asked of a driver exactly as a `[[value]]` of a scenario file is.
"""
