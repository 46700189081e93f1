"""What many projects' runs say together, as the pages of one static site.

`gathering` takes runs one after another and keeps what they say, `versions` and `answers`
are its nouns; `pages` is what a reader sees, `listing` what other tools read, and `folder`
is where both are written. Pages are drawn by the room `render`.
"""
