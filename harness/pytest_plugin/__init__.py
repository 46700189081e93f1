"""pgdyno inside pytest: scenarios as tests, a server for tests, times of one's own code.

`plugin` is what pytest loads in every session, so it imports nothing of ours; the rest of
the room is imported when an option or a fixture asks for it.
"""
