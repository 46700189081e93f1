"""What many projects' runs say together, as the pages of one static site.

`gathering` takes runs one after another and keeps what they say, `versions` and `answers`
are its nouns, `admission` says what fits together; `making` fills `pages` with what a
reader sees, `listing` is what other tools read, and `folder` is where both are written.
Pages are drawn by the room `render`.
"""
